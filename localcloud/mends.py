"""What MiniStack 1.5.33 leaves out of a stack that it makes from a template, put in afterwards."""

from typing import Any

__all__ = ["enable_ttl", "mend_preflight"]

Template = dict[str, Any]


def enable_ttl(dynamodb: Any, template: Template, stage: str) -> None:
    """Let the tables delete what has expired: MiniStack makes them without their TimeToLiveSpecification."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            table = resource["Properties"]
            dynamodb.update_time_to_live(
                TableName=table["TableName"]["Fn::Sub"].replace("${Stage}", stage),
                TimeToLiveSpecification=table["TimeToLiveSpecification"],
            )


def mend_preflight(gateway: Any, template: Template, api_id: str) -> None:
    """Let a REST API answer the CORS preflight: MiniStack's import keeps no integration responses."""
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
