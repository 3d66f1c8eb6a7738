"""Create the DynamoDB tables of a stage from .chalice/resources.json, without CloudFormation."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.support.projects import PROJECT

RESOURCES = PROJECT / ".chalice/resources.json"
CREATE_TABLE_KEYS = {"TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"}


def create_tables(client: Any, stage: str) -> None:
    """Create empty tables for a stage with a boto3 client of DynamoDB."""
    for table in tables(stage):
        client.create_table(**table)


@cache
def tables(stage: str) -> list[dict[str, Any]]:
    """Return the tables of a stage, as CreateTable takes them."""
    resources = json.loads(RESOURCES.read_text())["Resources"].values()
    return [
        {key: value for key, value in resource["Properties"].items() if key in CREATE_TABLE_KEYS}
        | {"TableName": resource["Properties"]["TableName"]["Fn::Sub"].replace("${Stage}", stage)}
        for resource in resources
        if resource["Type"] == "AWS::DynamoDB::Table"
    ]
