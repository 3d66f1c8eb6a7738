"""Association of the REST API with a web ACL of AWS WAF."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.deployment


def test_web_acl_protects_the_stage_of_the_rest_api(expanded: dict[str, Any]) -> None:
    (stage,) = (name for name, one in expanded.items() if one["Type"] == "AWS::ApiGateway::Stage")
    association = expanded["WebAcl"]
    assert association["Condition"] == "HasWebAcl"
    arn = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{RestAPI}}/stages/${{{stage}}}"
    assert association["Properties"] == {"ResourceArn": {"Fn::Sub": arn}, "WebACLArn": {"Ref": "WebAclArn"}}
