"""The log groups of a stage's functions."""

from __future__ import annotations

from typing import Any

from deployment.functions import Functions

PARAMETERS = {
    "LogRetentionDays": {
        "Type": "Number",
        "Default": 30,
        # The values that CloudWatch Logs accepts ("PutRetentionPolicy").
        "AllowedValues": [
            *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
            *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
        ],
        "Description": "Days for which the logs of the functions are kept.",
    }
}


def log_groups(functions: Functions) -> dict[str, Any]:
    """Return the log groups as CloudFormation resources.

    Without them, Lambda creates each group with the first log line, keeps it forever, and needs a permission for it.
    """
    return {
        f"{name.title().replace('_', '')}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/aws/lambda/{deployed}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        }
        for name, deployed in functions.items()
    }
