"""The package: what goes to Lambda, for every stage."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.config import Config
from chalice.deploy.appgraph import ApplicationGraphBuilder
from chalice.deploy.models import LambdaFunction

import app as chat_app
from chalicelib import request_log, settings
from localcloud.errors import LocalCloudError
from localcloud.package import FUNCTIONS, package
from tests.conftest import PROJECT

STAGES = ["dev", "prod", "local"]
MEBIBYTE = 2**20

Packages = dict[str, Path]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The folder of each stage's package."""
    folders = {stage: tmp_path_factory.mktemp(stage) for stage in STAGES}
    for stage, folder in folders.items():
        package(stage, folder)
    return folders


@pytest.mark.parametrize("stage", STAGES)
def test_the_template_passes_cfn_lint(packages: Packages, stage: str) -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), packages[stage] / "sam.json"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_every_stage_ships_the_same_bytes(packages: Packages) -> None:
    assert len({(folder / "deployment.zip").read_bytes() for folder in packages.values()}) == 1


def test_the_zip_is_small_and_has_the_app_and_its_requirements_alone(packages: Packages) -> None:
    zipped = packages["prod"] / "deployment.zip"
    assert zipped.stat().st_size <= 20 * MEBIBYTE
    required = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    modules = {"python-dateutil": "dateutil"}
    expected = {modules.get(name, name) for name in required} | {"app.py", "chalice", "chalicelib"}
    names = {name.split("/")[0].removesuffix(".py") for name in zipfile.ZipFile(zipped).namelist()}
    assert {name for name in names if not name.endswith((".dist-info", ".data", "__pycache__"))} == {
        name.removesuffix(".py") for name in expected
    }


def test_the_app_starts_from_the_zip_alone_compiled_without_network_or_credentials(
    packages: Packages, tmp_path: Path
) -> None:
    zipfile.ZipFile(packages["prod"] / "deployment.zip").extractall(tmp_path)
    # -S leaves out this environment's own packages; the audit hook sees every name look-up, connection and compilation.
    start = """
import sys
def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise RuntimeError("the import used the network")
    if event == "compile" and str(arguments[1]).endswith(".py"):
        raise RuntimeError(f"{arguments[1]} was not compiled")
sys.addaudithook(refuse)
import app
print(app.app.app_name)
"""
    started = subprocess.run(
        [sys.executable, "-S", "-c", start], cwd=tmp_path, env={"HOME": str(tmp_path)}, text=True, capture_output=True
    )
    assert (started.stdout, started.returncode) == ("chalice-chat\n", 0), started.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_each_function_may_do_only_what_its_policy_names(packages: Packages, stage: str) -> None:
    resources = json.loads((packages[stage] / "sam.json").read_text())["Resources"]
    roles = [resource for resource in resources.values() if resource["Type"] == "AWS::IAM::Role"]
    functions = [resource for resource in resources.values() if resource["Type"] == "AWS::Serverless::Function"]
    assert len(roles) == len(functions) == 5
    for role in roles:
        (policy,) = role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            if statement["Sid"] not in ("Logs", "WebSocketUrl"):
                assert all(f"-{stage}-" in arn or f"/{stage}/" in arn for arn in statement["Resource"])


def _read(path: Path, stage: str) -> Any:
    return path.read_text().replace(f"-{stage}-", "-STAGE-").replace(f"/{stage}/", "/STAGE/")


@pytest.mark.parametrize("stage", STAGES[1:])
def test_the_policies_of_the_stages_differ_in_nothing_but_names(stage: str) -> None:
    policies = PROJECT / ".chalice/policies"
    for policy in (policies / "dev").iterdir():
        assert _read(policies / stage / policy.name, stage) == _read(policy, "dev")


@pytest.mark.parametrize("stage", STAGES)
def test_the_tables_have_the_stage_of_the_functions_unless_one_says_otherwise(packages: Packages, stage: str) -> None:
    template = json.loads((packages[stage] / "sam.json").read_text())
    assert template["Parameters"]["Stage"]["Default"] == stage
    variables = template["Resources"]["WebsocketMessage"]["Properties"]["Environment"]["Variables"]
    assert variables["ROOMS_TABLE"] == f"chalice-chat-{stage}-rooms"


@pytest.mark.parametrize("stage", STAGES)
def test_both_apis_are_throttled_and_log_no_address(packages: Packages, stage: str) -> None:
    resources = json.loads((packages[stage] / "sam.json").read_text())["Resources"]
    (rest,) = resources["RestAPI"]["Properties"]["MethodSettings"]
    websocket = resources["WebsocketAPIStage"]["Properties"]["DefaultRouteSettings"]
    assert (rest["ResourcePath"], rest["HttpMethod"]) == ("/*", "*")
    for limits in (rest, websocket):
        assert 0 < limits["ThrottlingRateLimit"] < 10_000
        assert 0 < limits["ThrottlingBurstLimit"] < 5_000
        assert (limits["LoggingLevel"], limits["DataTraceEnabled"]) == ("OFF", False)
    assert not any("AccessLogSetting" in resource.get("Properties", {}) for resource in resources.values())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _strings(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("stage", STAGES)
def test_the_dashboard_and_the_alarms_watch_every_function_of_the_package(packages: Packages, stage: str) -> None:
    resources = json.loads((packages[stage] / "sam.json").read_text())["Resources"]
    functions = {name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"}
    assert functions <= set(_strings(resources["ErrorsAlarm"]))
    assert functions <= set(_strings(resources["ThrottlesAlarm"]))
    text, names = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert {value["Ref"] for value in names.values()} == functions
    assert all(f"${{{name}}}" in text for name in names)
    assert len(json.loads(text)["widgets"]) == 7


def test_the_dashboard_shows_every_metric_that_the_functions_log() -> None:
    resources = json.loads((PROJECT / ".chalice/resources.json").read_text())["Resources"]
    text, _ = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = {metric[1] for widget in json.loads(text)["widgets"] for metric in widget["properties"]["metrics"]}
    assert shown >= request_log.METRICS


def test_an_alarm_sounds_at_the_first_fault_dead_letter_or_throttle() -> None:
    resources = json.loads((PROJECT / ".chalice/resources.json").read_text())["Resources"]
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == {"ErrorsAlarm", "DeadLettersAlarm", "ThrottlesAlarm"}
    for alarm in alarms.values():
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    *counted, total = alarms["ErrorsAlarm"]["Metrics"]
    metrics = [one["MetricStat"]["Metric"] for one in counted]
    assert total["Expression"] == "SUM(METRICS())"
    assert {(metric["Namespace"], metric["MetricName"]) for metric in metrics} == {
        ("AWS/Lambda", "Errors"),
        (request_log.NAMESPACE, "faults"),
    }
    assert "faults" in request_log.METRICS


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_function_that_serves_the_page_is_told_where_members_connect(packages: Packages, stage: str) -> None:
    function = json.loads((packages[stage] / "sam.json").read_text())["Resources"]["APIHandler"]["Properties"]
    assert function["Environment"]["Variables"]["WEBSOCKET_URL"] == {
        "Fn::Sub": f"wss://${{WebsocketAPI}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"
    }


def test_what_watches_the_functions_knows_them_by_the_names_of_chalice_deploy() -> None:
    options = {"chalice_stage": "dev", "api_gateway_stage": "dev", "minimum_compression_size": 1024}
    config = Config.create(app_name=settings.APP_NAME, chalice_app=chat_app.app, project_dir=str(PROJECT), **options)
    deployed = ApplicationGraphBuilder().build(config, "dev")
    functions = [resource for resource in _dependencies(deployed) if isinstance(resource, LambdaFunction)]
    assert {name.replace("${Stage}", "dev") for name in FUNCTIONS} == {one.function_name for one in functions}


def _dependencies(resource: Any) -> Iterator[Any]:
    for dependency in resource.dependencies():
        yield dependency
        yield from _dependencies(dependency)


def test_a_stage_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="has no stage test, only dev, prod, local"):
        package("test", tmp_path)


def test_a_package_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROJECT / ".chalice", tmp_path / ".chalice", ignore=shutil.ignore_patterns("deployments"))
    (tmp_path / "app.py").write_text("from chalice import Chalice(")
    monkeypatch.setattr("localcloud.package.PROJECT", tmp_path)
    with pytest.raises(LocalCloudError, match=r"^chalice package failed: SyntaxError.*$"):
        package("dev", tmp_path / "out")
