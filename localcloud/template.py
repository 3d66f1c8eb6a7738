"""The packaged template, with the few changes that MiniStack 1.5.33 needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["WEBSOCKET_API_ID", "mended"]

WEBSOCKET_API_ID = "chat-ws"
"""Fixed, so that the addresses of the stage `local` can stand in .chalice/config.json."""

Template = dict[str, Any]


def mended(path: Path, endpoint: str, bucket: str) -> Template:
    """Read a template that `chalice package` made, for a local cloud at endpoint and code in an S3 bucket there."""
    template: Template = json.loads(path.read_text())
    resources = template["Resources"]
    _deploy_by_stage(resources)
    _leave_out_metric_math(resources)
    resources["WebsocketAPI"]["Properties"]["Tags"] = {"ms-custom-id": WEBSOCKET_API_ID}
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            function = resource["Properties"]
            function["CodeUri"] = {"Bucket": bucket, "Key": Path(function["CodeUri"]).name}
            _point_to(endpoint, function["Environment"]["Variables"])
    return template


def _deploy_by_stage(resources: Template) -> None:
    # MiniStack has no AWS::ApiGatewayV2::Deployment; a stage that deploys by itself needs none.
    del resources["WebsocketAPIDeployment"]
    stage = resources["WebsocketAPIStage"]["Properties"]
    del stage["DeploymentId"]
    stage["AutoDeploy"] = True


def _leave_out_metric_math(resources: Template) -> None:
    # MiniStack knows alarms of one metric only.
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del resources[name]


def _point_to(endpoint: str, variables: dict[str, str]) -> None:
    api = f"{endpoint}/_aws/execute-api/{WEBSOCKET_API_ID}/{variables['STAGE']}"
    variables["AWS_ENDPOINT_URL"] = endpoint
    variables["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = api
    variables["WEBSOCKET_URL"] = api.replace("http", "ws", 1)
    # These stand in .chalice/config.json for `chalice local`.
    del variables["AWS_CONFIG_FILE"], variables["AWS_PROFILE"]
