"""The packaged app on the local cloud, as a fixture."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.package import package
from localcloud.cloud import LocalCloud, emulator
from localcloud.stack import STAGE, Stack, client
from tests.support.ports import free_port


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[LocalCloud]:
    """Run the packaged app on a local cloud, started once for each pytest worker."""
    port, folder = free_port(), tmp_path_factory.getbasetemp()
    packaged = _package(folder if worker_id == "master" else folder.parent)
    with emulator(port, folder / "cloud") as process:
        Stack(port).create(packaged / "sam.json", packaged / "deployment.zip")
        yield LocalCloud(port, process)


def _package(shared: Path) -> Path:
    """Package the app in a folder that the workers share, unless another worker has done so, and return its folder."""
    folder = shared / "package"
    with (shared / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            package(STAGE, unfinished := shared / "unfinished")
            unfinished.rename(folder)
    return folder


def connection_ids(cloud: LocalCloud, room_id: str) -> list[str]:
    """List the ids of the connections in a room."""
    found = client("dynamodb", cloud.port).query(
        TableName="chalice-chat-local-connections",
        IndexName="joined_room_id-index",
        KeyConditionExpression="joined_room_id = :room",
        ExpressionAttributeValues={":room": {"S": room_id}},
    )
    return [item["connection_id"]["S"] for item in found["Items"]]
