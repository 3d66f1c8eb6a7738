"""The packaged app on the local cloud, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.cloud import LocalCloud, emulator
from localcloud.stack import STAGE, Stack, client
from tests.support.packages import packaged_stage
from tests.support.ports import free_port
from tests.support.shared_folders import SharedFolder


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, shared_folder: SharedFolder) -> Iterator[LocalCloud]:
    """Run the packaged app on a local cloud, started once for each pytest worker."""
    packaged = packaged_stage(STAGE, shared_folder)
    port = free_port()
    with emulator(port, tmp_path_factory.getbasetemp() / "cloud") as process:
        Stack(port).create(packaged / "sam.json", packaged / "deployment.zip")
        yield LocalCloud(port, process)


def connection_ids(cloud: LocalCloud, room_id: str) -> list[str]:
    """List the ids of the connections in a room."""
    found = client("dynamodb", cloud.port).query(
        TableName="chalice-chat-local-connections",
        IndexName="joined_room_id-index",
        KeyConditionExpression="joined_room_id = :room",
        ExpressionAttributeValues={":room": {"S": room_id}},
    )
    return [item["connection_id"]["S"] for item in found["Items"]]
