"""The packaged app on the local cloud, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.cloud import LocalCloud, client, local_cloud
from tests.ports import free_port

__all__ = ["cloud", "connection_ids"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run the packaged app on a local cloud, started once for each pytest worker."""
    with local_cloud(free_port(), tmp_path_factory.mktemp("cloud"), print) as cloud:
        yield cloud


def connection_ids(cloud: LocalCloud, room_id: str) -> list[str]:
    """List the ids of the connections in a room."""
    found = client("dynamodb", cloud.port).query(
        TableName="chalice-chat-local-connections",
        IndexName="joined_room_id-index",
        KeyConditionExpression="joined_room_id = :room",
        ExpressionAttributeValues={":room": {"S": room_id}},
    )
    return [item["connection_id"]["S"] for item in found["Items"]]
