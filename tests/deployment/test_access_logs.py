"""API Gateway's access logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.deployment


def test_access_logs_contain_neither_query_string_nor_path(expanded: dict[str, Any]) -> None:
    """Both may contain tokens."""
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
