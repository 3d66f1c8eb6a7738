"""Template of every stage after the post-processing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import STAGES, Packages, dictionaries, resources_of, strings

pytestmark = pytest.mark.deployment


def test_rest_api_has_no_stage_but_its_own(expanded: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("stage", STAGES)
def test_tables_have_the_stage_of_the_functions_by_default(packages: Packages, stage: str) -> None:
    template = json.loads((packages[stage] / "sam.json").read_text())
    assert template["Parameters"]["Stage"]["Default"] == stage
    variables = template["Resources"]["WebsocketMessage"]["Properties"]["Environment"]["Variables"]
    assert variables["ROOMS_TABLE"] == f"chalice-chat-{stage}-rooms"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_function_that_serves_the_page_knows_the_websocket_url(packages: Packages, stage: str) -> None:
    function = resources_of(packages[stage])["APIHandler"]["Properties"]
    variables, api = (
        function["Environment"]["Variables"],
        "${WebsocketAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}",
    )
    assert variables["WEBSOCKET_URL"] == {"Fn::Sub": f"wss://{api}/{stage}"}
    assert variables["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] == {"Fn::Sub": f"https://{api}/{stage}"}


@pytest.mark.parametrize(
    ("parameter", "default"),
    [
        ("AccessLogs", "off"),
        ("WebAclArn", "none"),
        ("MonthlyBudget", 0),
        ("FanOutMaxJobs", 0),
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
