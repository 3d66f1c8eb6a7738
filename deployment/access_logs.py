"""API Gateway's access logs of both APIs, off by default."""

from __future__ import annotations

import json
from typing import Any

from deployment.template import value_if

PARAMETERS = {
    "AccessLogs": {
        "Type": "String",
        "Default": "off",
        "AllowedValues": ["off", "on"],
        "Description": "Whether API Gateway logs the source address, time, route and status of each request.",
    }
}
CONDITIONS = {"HasAccessLogs": {"Fn::Equals": [{"Ref": "AccessLogs"}, "on"]}}

LOG_GROUP = "AccessLogGroup"

COMMON = {"source": "$context.identity.sourceIp", "time": "$context.requestTime", "status": "$context.status"}
REST_FORMAT = COMMON | {"route": "$context.httpMethod $context.resourcePath", "length": "$context.responseLength"}
WEBSOCKET_FORMAT = COMMON | {"route": "$context.routeKey"}
"""Neither query string nor path, because they contain tokens: `resourcePath` is the declared path, such as
/rooms/{room_id}. Frames have no length ("Configure logging for WebSocket APIs in API Gateway")."""


def add_access_logs(template: dict[str, Any]) -> None:
    """Add the log group of the access logs, and let both APIs write to it."""
    template["Parameters"] |= PARAMETERS
    template["Conditions"] |= CONDITIONS
    resources = template["Resources"]
    resources[LOG_GROUP] = {
        "Type": "AWS::Logs::LogGroup",
        "Condition": "HasAccessLogs",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "LogGroupName": {"Fn::Sub": "/aws/apigateway/chalice-chat-${Stage}"},
            "RetentionInDays": {"Ref": "LogRetentionDays"},
        },
    }
    resources["RestAPI"]["Properties"]["AccessLogSetting"] = _setting(REST_FORMAT)
    resources["WebsocketAPIStage"]["Properties"]["AccessLogSettings"] = _setting(WEBSOCKET_FORMAT)


def _setting(fields: dict[str, str]) -> dict[str, Any]:
    # Without the ":*" at the end of the log group's own attribute.
    arn = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{LOG_GROUP}}}"
    setting = {"DestinationArn": {"Fn::Sub": arn}, "Format": json.dumps(fields)}
    return value_if("HasAccessLogs", setting)
