"""Workarounds for what MiniStack 1.5.33 does not support in a CloudFormation template.

python -m localcloud.workarounds FILE adapts a packaged template in place to the local cloud at AWS_ENDPOINT_URL. The
workarounds for MiniStack's behaviour at run time are in localcloud/emulator.py.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

REST_API_ID = "chat-rest"
"""Fixed, so that the page keeps its address when the local cloud restarts."""

WEBSOCKET_API_ID = "chat-ws"
"""Fixed for the same reason, and because .chalice/config.json contains the addresses of the stage `local`."""

Template = dict[str, Any]


def adapt_template(path: Path, endpoint: str) -> Template:
    """Read a packaged template and adapt it to MiniStack at an endpoint."""
    template: Template = json.loads(path.read_text())
    resources = template["Resources"]
    remove_metric_math(resources)
    _deploy_automatically(resources)
    _fix_api_ids(resources)
    _set_binary_types(resources["RestAPI"]["Properties"])
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            _set_endpoints(endpoint, resource["Properties"]["Environment"]["Variables"])
    return template


def remove_metric_math(resources: Template) -> None:
    """Remove the alarms on several metrics: MiniStack only supports alarms on one metric."""
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del resources[name]


def _deploy_automatically(resources: Template) -> None:
    # MiniStack has no AWS::ApiGatewayV2::Deployment. A stage with AutoDeploy needs none.
    del resources["WebsocketAPIDeployment"]
    stage = resources["WebsocketAPIStage"]["Properties"]
    del stage["DeploymentId"]
    stage["AutoDeploy"] = True


def _fix_api_ids(resources: Template) -> None:
    # MiniStack takes an API's id from this tag. SAM passes the tag from its API on to API Gateway's with PropagateTags.
    resources["RestAPI"]["Properties"] |= {"Tags": {"ms-custom-id": REST_API_ID}, "PropagateTags": True}
    resources["WebsocketAPI"]["Properties"]["Tags"] = {"ms-custom-id": WEBSOCKET_API_ID}


def _set_binary_types(api: Template) -> None:
    # MiniStack takes them only from this property, not from the description of the API.
    api["BinaryMediaTypes"] = api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"]


def _set_endpoints(endpoint: str, variables: dict[str, str]) -> None:
    api = f"{endpoint}/_aws/execute-api/{WEBSOCKET_API_ID}/{variables['STAGE']}"
    variables["AWS_ENDPOINT_URL"] = endpoint
    variables["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = api
    variables["WEBSOCKET_URL"] = api.replace("http", "ws", 1)
    # .chalice/config.json sets these for `chalice local`, in the stage `local`.
    variables.pop("AWS_CONFIG_FILE", None)
    variables.pop("AWS_PROFILE", None)


def enable_ttl(dynamodb: Any, template: Template, stage: str) -> None:
    """Enable expiry on the tables of a new stack: MiniStack ignores their TimeToLiveSpecification."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            table = resource["Properties"]
            dynamodb.update_time_to_live(
                TableName=table["TableName"]["Fn::Sub"].replace("${Stage}", stage),
                TimeToLiveSpecification=table["TimeToLiveSpecification"],
            )


def repair_preflight(gateway: Any, template: Template, api_id: str) -> None:
    """Make a new REST API respond to CORS preflight requests: MiniStack does not import integration responses."""
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    ids = {resource["path"]: resource["id"] for resource in gateway.get_resources(restApiId=api_id, limit=500)["items"]}
    for path, methods in paths.items():
        if "options" in methods:
            method = {"restApiId": api_id, "resourceId": ids[path], "httpMethod": "OPTIONS"}
            _put_mock(gateway, method, methods["options"]["x-amazon-apigateway-integration"])


def _put_mock(gateway: Any, method: dict[str, str], integration: Template) -> None:
    headers = integration["responses"]["default"]["responseParameters"]
    gateway.put_integration(**method, type="MOCK", requestTemplates=integration["requestTemplates"])
    gateway.put_method_response(**method, statusCode="200", responseParameters=dict.fromkeys(headers, False))
    gateway.put_integration_response(**method, statusCode="200", responseParameters=headers, responseTemplates={})


def main(file: Path) -> None:
    """Adapt a packaged template in place."""
    file.write_text(json.dumps(adapt_template(file, os.environ["AWS_ENDPOINT_URL"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
