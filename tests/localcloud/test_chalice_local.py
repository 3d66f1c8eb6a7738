"""`chalice local --stage local` with a running local cloud: the REST API and the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from localcloud.cloud import LocalCloud
from tests.support.ports import free_port
from tests.support.projects import copy_project

SECONDS = 20


@pytest.fixture
def project(cloud: LocalCloud, tmp_path: Path) -> Path:
    """A copy of the project whose stage `local` names the port of the tests' local cloud instead of 8000."""
    copy_project(tmp_path)
    for name in ("config.json", "localcloud.ini"):
        file = tmp_path / ".chalice" / name
        file.write_text(file.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{cloud.port}"))
    return tmp_path


@pytest.fixture
def url(project: Path) -> Iterator[str]:
    port = free_port()
    chalice = [Path(sys.executable).with_name("chalice"), "local", "--stage", "local", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    process = subprocess.Popen(
        [*chalice, "--no-autoreload"],
        cwd=project,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        assert any("Serving on" in line for line in process.stdout)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def test_chalice_local_serves_rooms_and_the_page_from_the_local_cloud(url: str) -> None:
    created = requests.post(f"{url}/rooms", json={"roomName": "Tea"}, timeout=SECONDS).json()
    room_id = created["roomId"]
    assert "text/html" in requests.get(f"{url}/", timeout=SECONDS).headers["Content-Type"]
    websocket_url = requests.get(f"{url}/config", timeout=SECONDS).json()["webSocketUrl"]
    with connect(f"{websocket_url}?roomId={room_id}&name=Aki") as member:
        member.send(json.dumps({"action": "sendMessage", "data": {"message": "hi"}}))
        assert json.loads(member.recv(SECONDS))["message"]["message"] == "hi"
        headers = {"Authorization": f"Bearer {created['ownerToken']}"}
        hooks = f"{url}/rooms/{room_id}/hooks"
        hook = requests.post(hooks, json={"name": "Builds"}, headers=headers, timeout=SECONDS).json()["url"]
        assert hook.startswith(f"{url}/hooks/")
        requests.post(hook, json={"text": "Build 57 passed"}, timeout=SECONDS)
        assert json.loads(member.recv(SECONDS))["message"]["message"] == "Build 57 passed"
        listed = requests.get(f"{url}/rooms?limit=100", timeout=SECONDS).json()["rooms"]
        assert {room["room_id"]: room["member_count"] for room in listed}[room_id] == 1
