"""The roles of the packaged functions, limited to what is known only at deployment."""

from __future__ import annotations

from typing import Any

from deployment.secret_settings import SECRETS
from deployment.template import of_type


def narrow_roles(resources: dict[str, Any]) -> None:
    """Replace the wildcards for account, Region and API in the roles' policies by those of the stack.

    The policies in .chalice/policies/ cannot contain them: `chalice deploy` knows no references.
    """
    functions = {
        function["Properties"]["Role"]["Fn::GetAtt"][0]: name
        for name, function in of_type(resources, "AWS::Serverless::Function").items()
    }
    of_secrets = {secret.sid for secret in SECRETS}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        (policy,) = role["Properties"]["Policies"]
        document = policy["PolicyDocument"]
        # The package contains the WebSocket API's address, so no function has to look for it.
        document["Statement"] = [one for one in document["Statement"] if one["Sid"] != "WebSocketUrl"]
        for statement in document["Statement"]:
            if statement["Sid"] in of_secrets:  # a secret may belong to another account or Region
                continue
            if statement["Sid"] == "Logs":
                statement["Resource"] = [_log_group(functions[name])]
            statement["Resource"] = [{"Fn::Sub": _narrow(arn)} for arn in statement["Resource"]]


def _log_group(function: str) -> str:
    """Return the ARN of the log group of a function, whose name CloudFormation makes of its logical ID.

    A reference to the function would be circular, because the function refers to its role.
    """
    return f"arn:aws:logs:*:*:log-group:/aws/lambda/${{AWS::StackName}}-{function}-*"


def _narrow(arn: str) -> str:
    """Return an ARN of .chalice/policies/, such as arn:aws:execute-api:*:*:*/dev/POST/@connections/*, for `Fn::Sub`."""
    _, _, service, _, _, resource = arn.split(":", 5)
    if service == "execute-api":
        resource = resource.replace("*", "${WebsocketAPI}", 1)
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
