"""The models match the tables that .chalice/resources.json creates."""

import json
from typing import Any

import boto3
import pytest
from pynamodb.attributes import TTLAttribute
from pynamodb.models import Model

from chalicelib.storage.models import Connection, IdempotencyRecord, Message, Room, RoomSequence
from tests.support.projects import PROJECT

RESOURCES = json.loads((PROJECT / ".chalice/resources.json").read_text())["Resources"]
TABLES = [
    (Room, RESOURCES["RoomsTable"]["Properties"]),
    (Connection, RESOURCES["ConnectionsTable"]["Properties"]),
    (Message, RESOURCES["MessagesTable"]["Properties"]),
    (RoomSequence, RESOURCES["MessagesTable"]["Properties"]),
    (IdempotencyRecord, RESOURCES["MessagesTable"]["Properties"]),
]


def _described(model: type[Model]) -> dict[str, Any]:
    table = boto3.client("dynamodb").describe_table(TableName=model.Meta.table_name)["Table"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in table.get("GlobalSecondaryIndexes", [])
    ]
    attributes = sorted(table["AttributeDefinitions"], key=lambda attribute: attribute["AttributeName"])
    return {"keys": table["KeySchema"], "attributes": attributes, "indexes": indexes}


@pytest.mark.parametrize("model", [model for model, _ in TABLES])
def test_model_describes_the_table_of_the_template(tables: None, model: type[Model]) -> None:
    by_template = _described(model)
    boto3.client("dynamodb").delete_table(TableName=model.Meta.table_name)
    model.create_table(billing_mode="PAY_PER_REQUEST")
    assert _described(model) == by_template


@pytest.mark.parametrize(("model", "table"), TABLES)
def test_expiry_of_a_model_is_the_ttl_attribute_of_its_table(model: type[Model], table: dict[str, Any]) -> None:
    ttl = [a.attr_name for a in model.get_attributes().values() if isinstance(a, TTLAttribute)]
    assert table["TimeToLiveSpecification"] == {"AttributeName": ttl[0], "Enabled": True}


@pytest.mark.parametrize(("model", "table"), TABLES)
def test_table_is_on_demand_backed_up_encrypted_and_protected_in_prod(
    model: type[Model], table: dict[str, Any]
) -> None:
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


@pytest.mark.parametrize(("model", "table"), TABLES)
def test_name_of_a_table_is_the_one_in_the_environment_of_the_functions(
    model: type[Model], table: dict[str, Any]
) -> None:
    stages = json.loads((PROJECT / ".chalice/config.json").read_text())["stages"]
    for stage, config in stages.items():
        name = table["TableName"]["Fn::Sub"].replace("${Stage}", stage)
        assert name in config["environment_variables"].values()
    assert model.Meta.table_name == table["TableName"]["Fn::Sub"].replace("${Stage}", "dev")
