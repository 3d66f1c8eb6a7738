"""Dashboard, alarms and log groups."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.config import Config
from chalice.deploy.appgraph import ApplicationGraphBuilder
from chalice.deploy.models import LambdaFunction

import app as chat_app
from chalicelib import request_log, settings
from deployment.config import read_stage
from deployment.functions import deployed_functions
from deployment.limits import REST_LIMITS, WEBSOCKET_LIMITS
from deployment.resources import resources_template
from tests.support.packages import STAGES, Packages, resources_of, strings
from tests.support.projects import PROJECT

pytestmark = pytest.mark.deployment


@pytest.fixture
def resources() -> dict[str, Any]:
    """Return the resources of the stage dev for `chalice deploy`."""
    resources: dict[str, Any] = resources_template("dev")["Resources"]
    return resources


@pytest.fixture
def widgets(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the widgets of the dashboard."""
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    widgets: list[dict[str, Any]] = body["widgets"]
    return widgets


def test_dashboard_shows_every_metric_that_the_functions_log(widgets: list[dict[str, Any]]) -> None:
    shown = {metric[1] for widget in widgets for metric in widget["properties"]["metrics"]}
    assert shown >= request_log.METRICS.keys()


def test_widgets_do_not_overlap(widgets: list[dict[str, Any]]) -> None:
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


def test_alarms_return_to_ok_when_a_metric_has_no_data(resources: dict[str, Any]) -> None:
    for name in ("ErrorsAlarm", "ThrottlesAlarm", "InvocationsAlarm"):
        *addends, total = resources[name]["Properties"]["Metrics"]
        filled = ", ".join(f"FILL({addend['Id']}, 0)" for addend in addends)
        assert total["Expression"] == f"SUM([{filled}])"


def test_dashboard_of_each_region_has_its_own_name(resources: dict[str, Any]) -> None:
    name = resources["Dashboard"]["Properties"]["DashboardName"]
    assert name == {"Fn::Sub": "chalice-chat-${Stage}-${AWS::Region}"}


def test_alarms_go_off_at_the_first_fault_dead_letter_or_throttle(resources: dict[str, Any]) -> None:
    alarms = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == {"ErrorsAlarm", "DeadLettersAlarm", "TicksAlarm", "ThrottlesAlarm", "InvocationsAlarm"}
    for name in alarms.keys() - {"InvocationsAlarm", "TicksAlarm"}:
        assert (alarms[name]["ComparisonOperator"], alarms[name]["Threshold"]) == ("GreaterThanThreshold", 0)
    *addends, _ = alarms["ErrorsAlarm"]["Metrics"]
    metrics = [addend["MetricStat"]["Metric"] for addend in addends]
    assert {(metric["Namespace"], metric["MetricName"]) for metric in metrics} == {
        ("AWS/Lambda", "Errors"),
        (request_log.NAMESPACE, "faults"),
    }
    assert "faults" in request_log.METRICS


def test_alarm_on_ticks_watches_the_delay_that_the_functions_log(resources: dict[str, Any]) -> None:
    alarm = resources["TicksAlarm"]["Properties"]
    assert request_log.METRICS[alarm["MetricName"]] == "Milliseconds"
    assert (alarm["Namespace"], alarm["Statistic"]) == (request_log.NAMESPACE, "Maximum")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 30_000)


def test_alarm_on_invocations_counts_those_of_all_functions_in_each_minute() -> None:
    template = resources_template("dev")
    alarm = template["Resources"]["InvocationsAlarm"]["Properties"]
    *addends, _ = alarm["Metrics"]
    metrics = [addend["MetricStat"] for addend in addends]
    assert {(metric["Metric"]["MetricName"], metric["Period"], metric["Stat"]) for metric in metrics} == {
        ("Invocations", 60, "Sum")
    }
    assert len(metrics) == len(read_stage("dev")["lambda_functions"])
    assert (alarm["ComparisonOperator"], alarm["EvaluationPeriods"]) == ("GreaterThanThreshold", 3)
    parameter = template["Parameters"][alarm["Threshold"]["Ref"]]
    # Below what the throttling of the stage permits.
    assert (
        0 < parameter["Default"] < 60 * (REST_LIMITS["ThrottlingRateLimit"] + WEBSOCKET_LIMITS["ThrottlingRateLimit"])
    )


def test_functions_have_the_names_of_chalice_deploy() -> None:
    config = Config.create(
        chalice_stage="dev",
        api_gateway_stage="dev",
        minimum_compression_size=1024,
        app_name=settings.APP_NAME,
        chalice_app=chat_app.app,
        project_dir=str(PROJECT),
    )
    deployed = ApplicationGraphBuilder().build(config, "dev")
    functions = {one.function_name for one in dependencies(deployed) if isinstance(one, LambdaFunction)}
    named = deployed_functions(read_stage("dev")["lambda_functions"])
    assert {name.replace("${Stage}", "dev") for name in named.values()} == functions


def dependencies(resource: Any) -> Iterator[Any]:
    """Yield the direct and indirect dependencies of a resource."""
    for dependency in resource.dependencies():
        yield dependency
        yield from dependencies(dependency)


def test_stack_for_chalice_deploy_contains_the_log_groups(resources: dict[str, Any]) -> None:
    groups = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup"]
    named = deployed_functions(read_stage("dev")["lambda_functions"])
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups} == {f"/aws/lambda/{name}" for name in named.values()}


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
