"""Association of the REST API with a web ACL of AWS WAF, none by default."""

from __future__ import annotations

from typing import Any

from deployment.template import differs

PARAMETERS = {
    "WebAclArn": {
        "Type": "String",
        "Default": "none",
        "Description": "ARN of the regional web ACL of AWS WAF that protects the REST API; none for no web ACL.",
    }
}
CONDITIONS = {"HasWebAcl": differs("WebAclArn", "none")}


def add_web_acl(template: dict[str, Any]) -> None:
    """Add the association of the REST API with a web ACL. AWS WAF does not protect WebSocket APIs."""
    template["Parameters"] |= PARAMETERS
    template["Conditions"] |= CONDITIONS
    stage = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}/stages/${RestAPI.Stage}"
    template["Resources"]["WebAcl"] = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Condition": "HasWebAcl",
        "Properties": {"ResourceArn": {"Fn::Sub": stage}, "WebACLArn": {"Ref": "WebAclArn"}},
    }
