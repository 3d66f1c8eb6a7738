"""Package of every stage for AWS."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import botocore.session
import pytest

from chalicelib.aws import SERVICES
from deployment import policies
from deployment.config import LOCAL_STAGE, read_stages
from deployment.errors import PackageError
from deployment.package import package
from deployment.requirements import INSTALLED
from deployment.unused_parts import remove_unused_parts
from tests.support.projects import PROJECT, copy_project, edit_stage, set_variables
from tests.support.sam import expand

pytestmark = pytest.mark.deployment

STAGES = list(read_stages())
MEBIBYTE = 2**20
MACHINES = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}
"""Values of e_machine in the header of an ELF file, by Chalice's lambda_architecture."""

THIS_ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
REQUIREMENTS = ("requirements.txt", "requirements-chalice.txt")
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf"
SOURCE_SECRET = "arn:aws:ssm:us-east-1:123456789012:parameter/chat"
HERE = r"arn:\$\{AWS::Partition\}:[a-z-]+:\$\{AWS::Region\}:\$\{AWS::AccountId\}"

Packages = dict[str, Path]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Package each stage once, and return the folders."""
    folders = {stage: tmp_path_factory.mktemp(stage) for stage in STAGES}
    for stage, folder in folders.items():
        package(stage, folder)
    return folders


def share_requirements(project: Path) -> None:
    """Let a copy of the project use the requirements that this one has installed."""
    (PROJECT / INSTALLED).mkdir(parents=True, exist_ok=True)
    (project / INSTALLED).parent.mkdir()
    (project / INSTALLED).symlink_to(PROJECT / INSTALLED)


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Package the stage prod once for the architecture of this machine, and return the archive."""
    project = copy_project(tmp_path_factory.mktemp("project"), *REQUIREMENTS)
    share_requirements(project)
    edit_stage(project, "prod", lambda_architecture=THIS_ARCHITECTURE)
    package("prod", project / "package", project)
    return project / "package/deployment.zip"


def resources_of(folder: Path) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads((folder / "sam.json").read_text())["Resources"]
    return resources


def test_rest_api_has_no_stage_but_its_own(packages: Packages) -> None:
    expanded = expand(packages["prod"])
    stages = [one["Properties"] for one in expanded.values() if one["Type"] == "AWS::ApiGateway::Stage"]
    deployments = [one["Properties"] for one in expanded.values() if one["Type"] == "AWS::ApiGateway::Deployment"]
    assert [stage["StageName"] for stage in stages] == ["prod"]
    assert not any("StageName" in deployment for deployment in deployments)


def test_templates_pass_cfn_lint(packages: Packages) -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *(folder / "sam.json" for folder in packages.values())],
        text=True,
        capture_output=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def machines(zipped: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the machines that the compiled modules are for, by name."""
    return {name: zipped.read(name)[18:20] for name in zipped.namelist() if ".so" in PurePosixPath(name).suffixes}


def contents(zipped: zipfile.ZipFile) -> dict[str, int]:
    return {entry.filename: entry.CRC for entry in zipped.infolist()}


def test_every_stage_on_aws_runs_on_arm64(packages: Packages) -> None:
    for stage in set(STAGES) - {LOCAL_STAGE}:
        functions = [
            one for one in resources_of(packages[stage]).values() if one["Type"] == "AWS::Serverless::Function"
        ]
        assert all(function["Properties"]["Architectures"] == ["arm64"] for function in functions)
        compiled = machines(zipfile.ZipFile(packages[stage] / "deployment.zip"))
        assert set(compiled.values()) == {MACHINES["arm64"]}


def test_every_stage_on_aws_ships_the_same_bytes(packages: Packages) -> None:
    assert len({(packages[stage] / "deployment.zip").read_bytes() for stage in STAGES if stage != LOCAL_STAGE}) == 1


def test_package_of_the_local_stage_lacks_only_the_compiled_requirements(packages: Packages) -> None:
    local, prod = (zipfile.ZipFile(packages[stage] / "deployment.zip") for stage in (LOCAL_STAGE, "prod"))
    assert machines(local) == {}
    assert contents(local).items() <= contents(prod).items()
    removed = contents(prod).keys() - contents(local).keys()
    assert {re.split(r"[/-]", name)[0] for name in removed} == {"msgspec"}
    assert machines(prod).keys() <= removed


def test_zip_contains_only_the_app_and_its_requirements(packages: Packages) -> None:
    zipped = packages["prod"] / "deployment.zip"
    assert zipped.stat().st_size <= 4 * MEBIBYTE
    required = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    modules = {"python-dateutil": "dateutil"}
    expected = {modules.get(name, name) for name in required} | {"app.py", "chalice", "chalicelib"}
    names = {name.split("/")[0].removesuffix(".py") for name in zipfile.ZipFile(zipped).namelist()}
    assert {name for name in names if not name.endswith((".dist-info", ".data", "__pycache__"))} == {
        name.removesuffix(".py") for name in expected
    }


def test_app_starts_from_the_zip_without_network_credentials_or_compilation(native: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(native).extractall(tmp_path)
    # -S excludes the packages of this environment. The audit hook sees every DNS query, connection and compilation.
    start = """
import sys
def reject(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise RuntimeError("the import used the network")
    if event == "compile" and str(arguments[1]).endswith(".py"):
        raise RuntimeError(f"{arguments[1]} was not compiled")
sys.addaudithook(reject)
import app
print(app.app.app_name)
"""
    started = subprocess.run(
        [sys.executable, "-S", "-c", start], cwd=tmp_path, env={"HOME": str(tmp_path)}, text=True, capture_output=True
    )
    assert (started.stdout, started.returncode) == ("chalice-chat\n", 0), started.stderr


def test_zip_contains_botocores_data_of_the_used_services_only(packages: Packages, tmp_path: Path) -> None:
    names = zipfile.ZipFile(packages["prod"] / "deployment.zip").namelist()
    data = re.compile(r"botocore/data/(\w+)/")
    assert {match[1] for name in names if (match := data.match(name))} == set(SERVICES)


def test_every_client_that_the_zip_creates_has_the_endpoint_of_the_whole_botocore(
    packages: Packages, tmp_path: Path
) -> None:
    zipfile.ZipFile(packages["prod"] / "deployment.zip").extractall(tmp_path)
    regions = ["us-east-1", "eu-central-1", "cn-north-1"]
    create = f"""
from botocore.session import get_session
for service in {SERVICES}:
    for region in {regions}:
        print(get_session().create_client(service, region).meta.endpoint_url)
"""
    environment = {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    created = subprocess.run(
        [sys.executable, "-S", "-c", create], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    whole = [
        botocore.session.get_session().create_client(service, region).meta.endpoint_url
        for service in SERVICES
        for region in regions
    ]
    assert created.stdout.split() == whole, created.stderr


@pytest.mark.parametrize("environment", [{}, {"SIGN_IN": "true", "AWS_DEFAULT_REGION": "us-east-1"}])
def test_cold_start_imports_nothing_that_only_unused_parts_need(
    native: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    zipfile.ZipFile(native).extractall(tmp_path)
    unused = {"asyncio", "html.parser", "importlib.metadata", "jwt", "cryptography"}
    imported = f"import sys, app; print(*({unused} & sys.modules.keys()))"
    started = subprocess.run(
        [sys.executable, "-S", "-c", imported],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)} | environment,
        text=True,
        capture_output=True,
    )
    assert (started.stdout, started.stderr) == ("\n", "")


@pytest.fixture(scope="session")
def packages_with_sign_in(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Package a copy of the project whose stages have secrets for sign-in and for sources; dev is for x86_64."""
    project = copy_project(tmp_path_factory.mktemp("project"), *REQUIREMENTS, "requirements-sign-in.txt")
    for stage in STAGES:
        set_variables(project, stage, AUTH_SECRET=SECRET, SOURCE_SECRET=SOURCE_SECRET)
    share_requirements(project)
    edit_stage(project, "dev", lambda_architecture="x86_64")
    policies.write(project)
    folders = {stage: tmp_path_factory.mktemp(stage) for stage in STAGES}
    for stage, folder in folders.items():
        package(stage, folder, project)
    return folders


SIGN_IN_STAGES = {"x86_64": "dev", "arm64": "prod"}


@pytest.mark.parametrize("architecture", SIGN_IN_STAGES)
def test_package_contains_the_compiled_modules_of_its_architecture(
    packages_with_sign_in: Packages, architecture: str
) -> None:
    compiled = machines(zipfile.ZipFile(packages_with_sign_in[SIGN_IN_STAGES[architecture]] / "deployment.zip"))
    assert {name.split("/")[0].split(".")[0] for name in compiled} == {"_cffi_backend", "cryptography", "msgspec"}
    assert set(compiled.values()) == {MACHINES[architecture]}


def test_package_of_the_local_stage_with_sign_in_contains_nothing_compiled(packages_with_sign_in: Packages) -> None:
    zipped = zipfile.ZipFile(packages_with_sign_in[LOCAL_STAGE] / "deployment.zip")
    assert machines(zipped) == {}
    names = {name.split("/")[0] for name in zipped.namelist()}
    assert names & {"jwt", "pynamodb", "cryptography", "cffi", "msgspec"} == {"jwt", "pynamodb"}


def test_package_with_sign_in_verifies_tokens_and_is_small_enough(
    packages_with_sign_in: Packages, tmp_path: Path
) -> None:
    archive = packages_with_sign_in[SIGN_IN_STAGES[THIS_ARCHITECTURE]] / "deployment.zip"
    assert archive.stat().st_size <= 9 * MEBIBYTE
    zipfile.ZipFile(archive).extractall(tmp_path)
    verify = """
import sys
import app
assert {"jwt", "cryptography"} <= sys.modules.keys(), "imported with the app"
import jwt
from chalicelib.auth import authentication
print(authentication.authenticate(jwt.encode({"sub": "aki", "exp": 2**33}, "s" * 32, "HS256")).subject)
from botocore.session import get_session
for service in ("secretsmanager", "ssm"):
    get_session().create_client(service, "us-east-1")
"""
    environment = {"HOME": str(tmp_path), "AUTH_SECRET": "s" * 32, "AWS_DEFAULT_REGION": "us-east-1"}
    verified = subprocess.run(
        [sys.executable, "-S", "-c", verify], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert (verified.stdout, verified.returncode) == ("aki\n", 0), verified.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_functions_that_verify_tokens_have_the_settings_of_sign_in(
    packages_with_sign_in: Packages, stage: str
) -> None:
    resources = resources_of(packages_with_sign_in[stage])
    variables = {
        name: resource["Properties"]["Environment"]["Variables"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert len(variables) == len(read_stages()[stage]["lambda_functions"])
    for name, values in variables.items():
        verifies = name in ("APIHandler", "WebsocketConnect")
        assert ("AUTH_SECRET" in values, "SIGN_IN" in values) == (verifies, not verifies), name
        assert SECRET not in values.values() or verifies
        assert values["STAGE"] == stage


def test_package_without_sign_in_has_no_settings_of_it(packages: Packages) -> None:
    template = (packages["prod"] / "sam.json").read_text()
    assert ("AUTH_" in template, "SIGN_IN" in template) == (False, False)


def test_functions_that_have_the_settings_of_sign_in_may_read_the_secret(packages_with_sign_in: Packages) -> None:
    resources = resources_of(packages_with_sign_in["prod"])
    roles = {
        resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
        and "AUTH_SECRET" in resource["Properties"]["Environment"]["Variables"]
    }
    assert {
        name for name, one in resources.items() if one["Type"] == "AWS::IAM::Role" and SECRET in strings(one)
    } == roles


def test_bytecode_that_chalice_packs_is_replaced(packages: Packages, tmp_path: Path) -> None:
    name = f"chalicelib/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    archive = Path(shutil.copy(packages["prod"] / "deployment.zip", tmp_path))
    with zipfile.ZipFile(archive) as zipped:
        assert name in zipped.namelist()
    remove_unused_parts(archive)
    with zipfile.ZipFile(archive) as zipped:
        assert not [name for name in zipped.namelist() if "/__pycache__/" in name]


def test_service_that_botocore_does_not_know_is_reported(
    packages: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployment.unused_parts.SERVICES", ["dynamodb", "nosuchservice"])
    archive = shutil.copy(packages["prod"] / "deployment.zip", tmp_path)
    with pytest.raises(PackageError, match="no data of the service nosuchservice"):
        remove_unused_parts(Path(archive))


@pytest.mark.parametrize("stage", STAGES)
def test_each_function_has_a_role_limited_to_its_stage(packages: Packages, stage: str) -> None:
    resources = resources_of(packages[stage])
    roles = [resource for resource in resources.values() if resource["Type"] == "AWS::IAM::Role"]
    functions = [resource for resource in resources.values() if resource["Type"] == "AWS::Serverless::Function"]
    assert len(roles) == len(functions) == len(read_stages()[stage]["lambda_functions"])
    for role in roles:
        (policy,) = role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            for arn in statement["Resource"]:
                named = f"${{WebsocketAPI}}/{stage}/" if ":execute-api:" in arn["Fn::Sub"] else f"chalice-chat-{stage}"
                named = "/aws/lambda/${AWS::StackName}-" if ":logs:" in arn["Fn::Sub"] else named
                assert re.fullmatch(rf"{HERE}:.*{re.escape(named)}.*", arn["Fn::Sub"])


@pytest.mark.parametrize("stage", STAGES)
def test_tables_have_the_stage_of_the_functions_by_default(packages: Packages, stage: str) -> None:
    template = json.loads((packages[stage] / "sam.json").read_text())
    assert template["Parameters"]["Stage"]["Default"] == stage
    variables = template["Resources"]["WebsocketMessage"]["Properties"]["Environment"]["Variables"]
    assert variables["ROOMS_TABLE"] == f"chalice-chat-{stage}-rooms"


@pytest.mark.parametrize("stage", STAGES)
def test_both_apis_are_throttled_and_have_no_execution_logs(packages: Packages, stage: str) -> None:
    resources = resources_of(packages[stage])
    (rest,) = resources["RestAPI"]["Properties"]["MethodSettings"]
    websocket = resources["WebsocketAPIStage"]["Properties"]["DefaultRouteSettings"]
    assert (rest["ResourcePath"], rest["HttpMethod"]) == ("/*", "*")
    for limits in (rest, websocket):
        assert 0 < limits["ThrottlingRateLimit"] < 10_000
        assert 0 < limits["ThrottlingBurstLimit"] < 5_000
        assert (limits["LoggingLevel"], limits["DataTraceEnabled"]) == ("OFF", False)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("stage", STAGES)
def test_dashboard_and_alarms_cover_every_function_and_table(packages: Packages, stage: str) -> None:
    resources = resources_of(packages[stage])
    of_type = {
        type_: {f"${{{name}}}" for name, resource in resources.items() if resource["Type"] == type_}
        for type_ in ("AWS::Serverless::Function", "AWS::DynamoDB::Table")
    }
    functions, tables = of_type.values()
    assert functions <= set(strings(resources["ErrorsAlarm"]))
    assert functions | tables <= set(strings(resources["ThrottlesAlarm"]))
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    assert functions | tables <= set(strings(body))


@pytest.mark.parametrize("stage", STAGES)
def test_dashboard_of_each_region_has_its_own_name(packages: Packages, stage: str) -> None:
    name = resources_of(packages[stage])["Dashboard"]["Properties"]["DashboardName"]
    assert name == {"Fn::Sub": "chalice-chat-${Stage}-${AWS::Region}"}


@pytest.mark.parametrize("stage", STAGES)
def test_all_logs_are_kept_for_the_chosen_days(packages: Packages, stage: str) -> None:
    template = json.loads((packages[stage] / "sam.json").read_text())
    resources = template["Resources"]
    functions = [name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"]
    groups = [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::Logs::LogGroup"]
    of_functions = {f"/aws/lambda/${{{name}}}" for name in functions}
    of_apis = "/aws/apigateway/chalice-chat-${Stage}"
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups} == of_functions | {of_apis}
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)
    assert template["Parameters"]["LogRetentionDays"]["Default"] == 30


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_function_that_serves_the_page_knows_the_websocket_url(packages: Packages, stage: str) -> None:
    function = resources_of(packages[stage])["APIHandler"]["Properties"]
    variables, api = (
        function["Environment"]["Variables"],
        "${WebsocketAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}",
    )
    assert variables["WEBSOCKET_URL"] == {"Fn::Sub": f"wss://{api}/{stage}"}
    assert variables["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] == {"Fn::Sub": f"https://{api}/{stage}"}


def test_unknown_stage_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=f"has no stage test, only {', '.join(STAGES)}"):
        package("test", tmp_path)


def test_failure_of_chalice_names_the_reason(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / ".chalice", tmp_path / ".chalice", ignore=shutil.ignore_patterns("deployments"))
    (tmp_path / "app.py").write_text("from chalice import Chalice(")
    with pytest.raises(PackageError, match=r"^chalice package failed: SyntaxError.*$"):
        package("dev", tmp_path / "out", tmp_path)


SIX = re.findall(r"^six==.*\n(?: +--hash.*\n)+", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)[0]
"""A small requirement, with its hashes."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project with requirements that nothing depends on."""
    return copy_project(tmp_path)


def test_every_file_can_be_read_by_the_user_of_the_functions(project: Path) -> None:
    """With the umask 077, a checkout has files that only their owner can read."""
    for path in [project / "app.py", *(project / "chalicelib").rglob("*.py")]:
        path.chmod(0o600)
    (project / "requirements.txt").write_text(SIX)
    package("prod", project / "package", project)
    entries = zipfile.ZipFile(project / "package/deployment.zip").infolist()
    assert {"app.py", "six.py"} <= {entry.filename for entry in entries}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o644"}


WRONG_HASH = f"--hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("name", "requirement", "reason"),
    [
        ("requirements.txt", f"chalice-chat-no-such-package==1.0 {WRONG_HASH}", "No matching distribution found"),
        ("requirements.txt", f"six==1.17.0 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("requirements.txt", "six==1.17.0", "Hashes are required in --require-hashes mode"),
        ("requirements-chalice.txt", f"chalice==1.34.0 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("requirements-sign-in.txt", f"PyJWT==2.15.1 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
    ],
    ids=["no such package", "other hash", "no hash", "other hash of Chalice", "other hash of PyJWT"],
)
def test_requirement_that_cannot_be_installed_fails_the_packaging(
    project: Path, name: str, requirement: str, reason: str
) -> None:
    set_variables(project, "prod", AUTH_ISSUER="https://id.example.org", AUTH_AUDIENCE="chat")
    (project / name).write_text(requirement)
    for _ in range(2):  # nothing of the first attempt is taken for installed
        with pytest.raises(PackageError, match=rf"^could not install {re.escape(name)}: .*{reason}"):
            package("prod", project / "package", project)


def test_chalice_of_the_environment_that_differs_from_the_pinned_one_is_not_packaged(project: Path) -> None:
    shutil.copy(PROJECT / "requirements-chalice.txt", project)
    package("prod", project / "package", project)
    (installed,) = (project / "build/requirements").glob("*/chalice/app.py")
    installed.write_text("# another version\n")
    with pytest.raises(PackageError, match=r"^chalice/app\.py of this environment differs from that of requirements-"):
        package("prod", project / "package", project)


def test_two_runs_at_once_install_the_same_requirements(project: Path) -> None:
    (project / "requirements.txt").write_text(SIX)
    with ThreadPoolExecutor() as executor:
        runs = [executor.submit(package, "prod", project / name, project) for name in ("first", "second")]
        for run in runs:
            run.result()
    for name in ("first", "second"):
        assert "six.py" in zipfile.ZipFile(project / name / "deployment.zip").namelist()


def test_requirements_are_installed_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PROJECT / "requirements-chalice.txt", project)
    (project / "requirements.txt").write_text(SIX)
    package("prod", project / "first", project)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package("prod", project / "second", project)
    first, second = (project / folder / "deployment.zip" for folder in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


@pytest.fixture
def template(packages: Packages) -> dict[str, Any]:
    """Return the template of prod."""
    template: dict[str, Any] = json.loads((packages["prod"] / "sam.json").read_text())
    return template


def test_each_function_may_write_to_its_own_log_group_only(packages: Packages) -> None:
    resources = resources_of(packages["prod"])
    functions = {name: one for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}
    # CloudFormation names a function after its stack and its logical ID, followed by random characters.
    groups = {name: f"/aws/lambda/chalice-chat-prod-{name}-1A2B3C4D5E6F" for name in functions}
    for name, function in functions.items():
        role = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]
        statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        granted = [arn["Fn::Sub"] for one in statements if one["Sid"] == "Logs" for arn in one["Resource"]]
        patterns = [
            arn.partition(":log-group:")[2].replace("${AWS::StackName}", "chalice-chat-prod") for arn in granted
        ]
        writable = {other for other, group in groups.items() for one in patterns if fnmatchcase(f"{group}:*", one)}
        assert writable == {name}


@pytest.mark.parametrize(
    ("parameter", "default"),
    [
        ("AccessLogs", "off"),
        ("WebAclArn", "none"),
        ("MonthlyBudget", 0),
        ("FanOutMaxBatches", 0),
        ("ApiHandlerConcurrency", 0),
        ("WebsocketConnectConcurrency", 0),
        ("WebsocketMessageConcurrency", 0),
        ("WebsocketDisconnectConcurrency", 0),
        ("FanOutConcurrency", 0),
    ],
)
def test_option_is_off_by_default(template: dict[str, Any], parameter: str, default: object) -> None:
    assert template["Parameters"][parameter]["Default"] == default
    conditions = template["Conditions"].items()
    (condition,) = (name for name, condition in conditions if {"Ref": parameter} in list(dictionaries(condition)))
    equal = template["Conditions"][condition]
    is_default = str(default) in strings(equal)
    # Off, because the condition is that the value differs from the default or equals another one.
    assert is_default if "Fn::Not" in equal else not is_default


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        yield from dictionaries(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from dictionaries(inner)


def test_access_logs_contain_neither_query_string_nor_path(packages: Packages) -> None:
    """Both may contain tokens."""
    expanded = expand(packages["prod"])
    (rest,) = (one["Properties"] for one in expanded.values() if one["Type"] == "AWS::ApiGateway::Stage")
    (websocket,) = (one["Properties"] for one in expanded.values() if one["Type"] == "AWS::ApiGatewayV2::Stage")
    for setting, route in (
        (rest["AccessLogSetting"], {"$context.httpMethod $context.resourcePath"}),
        (websocket["AccessLogSettings"], {"$context.routeKey"}),
    ):
        condition, logs, nothing = setting["Fn::If"]
        assert (condition, nothing) == ("HasAccessLogs", {"Ref": "AWS::NoValue"})
        variables = set(json.loads(logs["Format"]).values())
        common = {"$context.identity.sourceIp", "$context.requestTime", "$context.status"}
        assert variables - {"$context.responseLength"} == common | route
        assert logs["DestinationArn"]["Fn::Sub"].endswith(":log-group:${AccessLogGroup}")
    assert expanded["AccessLogGroup"]["Condition"] == "HasAccessLogs"


def test_web_acl_protects_the_stage_of_the_rest_api(packages: Packages) -> None:
    expanded = expand(packages["prod"])
    (stage,) = (name for name, one in expanded.items() if one["Type"] == "AWS::ApiGateway::Stage")
    association = expanded["WebAcl"]
    assert association["Condition"] == "HasWebAcl"
    arn = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{RestAPI}}/stages/${{{stage}}}"
    assert association["Properties"] == {"ResourceArn": {"Fn::Sub": arn}, "WebACLArn": {"Ref": "WebAclArn"}}


def test_concurrency_of_functions_and_queue_can_be_limited(packages: Packages) -> None:
    expanded = expand(packages["prod"])
    nothing = {"Ref": "AWS::NoValue"}
    functions = {name: one["Properties"] for name, one in expanded.items() if one["Type"] == "AWS::Lambda::Function"}
    for name, function in functions.items():
        parameter = f"{name.replace('API', 'Api')}Concurrency"
        assert function["ReservedConcurrentExecutions"] == {"Fn::If": [f"Has{parameter}", {"Ref": parameter}, nothing]}
    (source,) = (one["Properties"] for one in expanded.values() if one["Type"] == "AWS::Lambda::EventSourceMapping")
    maximum = {"MaximumConcurrency": {"Ref": "FanOutMaxBatches"}}
    assert source["ScalingConfig"] == {"Fn::If": ["HasFanOutMaxBatches", maximum, nothing]}


def test_lambda_does_not_stop_long_chains_of_jobs(packages: Packages) -> None:
    functions = [one for one in expand(packages["prod"]).items() if one[1]["Type"] == "AWS::Lambda::Function"]
    allowed = {name for name, one in functions if one["Properties"].get("RecursiveLoop") == "Allow"}
    assert allowed == {"FanOut"}


def test_budget_notifies_the_alarm_topic(template: dict[str, Any]) -> None:
    budget = template["Resources"]["Budget"]
    assert budget["Condition"] == "HasMonthlyBudget"
    assert budget["Properties"]["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    condition, notifications, _ = budget["Properties"]["NotificationsWithSubscribers"]["Fn::If"]
    assert condition == "HasAlarmTopic"
    for notification in notifications:
        assert notification["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": "AlarmTopic"}}]
