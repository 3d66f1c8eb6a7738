"""Post-processing of the template that `chalice package` writes."""

from __future__ import annotations

from typing import Any

from deployment import sign_in
from deployment.access_logs import add_access_logs
from deployment.budget import add_budget
from deployment.concurrency import allow_long_chains, limit_concurrency
from deployment.functions import packaged_functions
from deployment.limits import limit_apis
from deployment.monitoring import add_monitoring
from deployment.roles import narrow_roles
from deployment.template import of_type
from deployment.web_acl import add_web_acl


def postprocess_template(template: dict[str, Any], stage: str) -> None:
    """Add to the template what Chalice has no setting for."""
    resources = template["Resources"]
    # The tables belong to the same stage as the functions, without a parameter when deploying.
    template["Parameters"]["Stage"]["Default"] = stage
    _reference_queue(resources)
    _reference_rest_stage(resources)
    _set_websocket_url(resources, stage)
    narrow_roles(resources)
    sign_in.limit_settings(resources)
    limit_apis(resources)
    add_web_acl(template)
    limit_concurrency(template)
    allow_long_chains(resources)
    add_monitoring(template, packaged_functions(resources))
    add_access_logs(template)
    add_budget(template)


def _reference_queue(resources: dict[str, Any]) -> None:
    # Chalice writes the queue's ARN as text; only a reference lets CloudFormation create the queue first.
    (source,) = resources["FanOut"]["Properties"]["Events"].values()
    source["Properties"]["Queue"] = {"Fn::GetAtt": ["FanoutQueue", "Arn"]}


def _reference_rest_stage(resources: dict[str, Any]) -> None:
    # Without a version, SAM adds a stage named "Stage": public and without limits ("AWS::Serverless::Api").
    resources["RestAPI"]["Properties"]["OpenApiVersion"] = "2.0"
    # Chalice writes the stage's name as text; only a reference lets CloudFormation create the stage before the mapping.
    for mapping in of_type(resources, "AWS::ApiGateway::BasePathMapping").values():
        mapping["Properties"]["Stage"] = {"Ref": "RestAPI.Stage"}


def _set_websocket_url(resources: dict[str, Any], stage: str) -> None:
    # Otherwise the function lists the account's APIs to find the addresses. Posts go to the API's own address, also if
    # the stage has a domain of its own.
    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    api = f"${{WebsocketAPI}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"
    variables.setdefault("WEBSOCKET_URL", {"Fn::Sub": f"wss://{api}"})
    variables.setdefault("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", {"Fn::Sub": f"https://{api}"})
