"""`make deploy`, `make undeploy` and the commands of docs/deploying.md, on the local cloud from an empty account on."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader
from websockets.sync.client import connect

from localcloud.cloud import LocalCloud, emulator
from localcloud.stack import client
from localcloud.workarounds import REST_API_ID, remove_metric_math
from tests.support.localcloud.client import Chat, message, receive
from tests.support.ports import free_port
from tests.support.projects import PROJECT, copy_project

SECONDS = 60  # for one command
BUCKET = "chalice-chat-000000000000-us-east-1"
ADAPT = """
deploy: adapt
adapt: package
	$(BIN)/python -m localcloud.workarounds build/$(STAGE)/sam.json
"""
"""A step between `package` and the command of `deploy`: MiniStack does not support the template as it is."""
ROUTE = """

@app.route("/rooms/{room_id}/name")
def get_room_name(room_id):
    return {"name": rooms.authorize(room_id).name}
"""
LISTS = {
    "apigateway": ("get_rest_apis", "items"),
    "apigatewayv2": ("get_apis", "Items"),
    "cloudwatch": ("describe_alarms", "MetricAlarms"),
    "dynamodb": ("list_tables", "TableNames"),
    "iam": ("list_roles", "Roles"),
    "lambda": ("list_functions", "Functions"),
    "logs": ("describe_log_groups", "logGroups"),
    "s3": ("list_buckets", "Buckets"),
    "sqs": ("list_queues", "QueueUrls"),
}


def section(heading: str) -> str:
    return (PROJECT / "docs/deploying.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def commands(heading: str) -> list[str]:
    code = [line.removeprefix("    ") for line in section(heading).splitlines() if line.startswith("    ")]
    return "\n".join(code).replace("\\\n", " ").splitlines()


@pytest.fixture
def account(tmp_path: Path) -> Iterator[LocalCloud]:
    """An empty local cloud."""
    port = free_port()
    with emulator(port, tmp_path / "emulator") as process:
        yield LocalCloud(port, process)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with its .venv."""
    copy_project(tmp_path, "deployment", "localcloud", "Makefile")
    (tmp_path / "requirements-dev.txt").touch()
    (tmp_path / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "installed":
            (tmp_path / ".venv" / part.name).symlink_to(part)
    (tmp_path / ".venv/installed").touch()
    return tmp_path


class Console:
    """A shell that runs commands in a project, with an account."""

    def __init__(self, project: Path, account: LocalCloud, stage: str) -> None:
        (project / "adapt.mk").write_text(ADAPT)
        self._project, self._resources = project, project / f"build/{stage}/resources.json"
        self._environment = os.environ | {
            "AWS_DATA_PATH": str(project / "models"),
            "AWS_ENDPOINT_URL": account.endpoint,
            "MAKEFILES": str(project / "adapt.mk"),
            "PATH": f"{project}/.venv/bin:{os.environ['PATH']}",
            "STAGE": stage,
        }

    def start(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self._project,
            env=self._environment,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )

    def run(self, *commands: str) -> str:
        """Run commands that succeed, and return the output of the last one."""
        printed = ""
        for command in commands:
            ran = self.start(command)
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
            printed = ran.stdout
            if command.startswith("make resources"):
                template = json.loads(self._resources.read_text())
                remove_metric_math(template["Resources"])
                self._resources.write_text(json.dumps(template))
        return printed


def left(account: LocalCloud) -> set[str]:
    """Return the services in which the account has a resource."""
    return {service for service, (ask, key) in LISTS.items() if getattr(client(service, account.port), ask)().get(key)}


async def echo(chat: Chat, room_id: str) -> Any:
    async with chat.join(room_id, "Aki") as member:
        await member.send(message("hi"))
        return (await receive(member))["message"]


def chat_of(account: LocalCloud, stage: str) -> Chat:
    """Return the chat of a stage."""
    chat = Chat(account)
    chat.rest, chat.websocket = (f"{url.rpartition('/')[0]}/{stage}" for url in (chat.rest, chat.websocket))
    return chat


def test_stage_is_deployed_updated_and_removed_without_preparation(project: Path, account: LocalCloud) -> None:
    console, chat = Console(project, account, "dev"), chat_of(account, "dev")
    (deploy,), (_, undeploy) = commands("Deploy"), commands("Remove")
    *_, page = console.run(deploy).splitlines()
    assert page == f"https://{REST_API_ID}.execute-api.us-east-1.amazonaws.com/dev/"
    room_id = chat.create("Tea")
    assert asyncio.run(echo(chat, room_id))["message"] == "hi"
    deployed = objects(account)
    assert {Path(key).parent.name for key in deployed} == {"chalice-chat-dev"}

    assert "Nothing has changed" in console.run(deploy)
    assert objects(account) == deployed

    with (project / "app.py").open("a") as app:
        app.write(ROUTE)
    assert console.run(deploy).endswith(f"Deployed.\n{page}\n")
    assert chat.get(f"/rooms/{room_id}/name") == {"name": "Tea"}
    assert len(objects(account)) == 2 * len(deployed)

    assert left(account) == set(LISTS)
    assert "error: nothing was deleted: there is no terminal" in console.start(undeploy).stderr
    assert left(account) == set(LISTS)
    named = console.run(f"{undeploy} YES=1")
    assert all(name in named for name in ("chalice-chat-dev-messages", f"in the bucket {BUCKET}: 4"))
    assert left(account) == set()
    assert console.run(undeploy).startswith("There is nothing to remove")


def objects(account: LocalCloud) -> list[str]:
    """List the keys in the project's bucket."""
    return [stored["Key"] for stored in client("s3", account.port).list_objects_v2(Bucket=BUCKET)["Contents"]]


def shorten_waiters(models: Path) -> None:
    """Let botocore ask ten times a second whether a function is ready, instead of every five seconds."""
    loader = create_loader()
    waiters = loader.load_service_model("lambda", "waiters-2")
    for waiter in waiters["waiters"].values():
        waiter["delay"] = 0.1
    folder = models / "lambda" / loader.determine_latest_version("lambda", "waiters-2")
    folder.mkdir(parents=True)
    (folder / "waiters-2.json").write_text(json.dumps(waiters))


def call(account: LocalCloud, method: str, route: str, body: Any = None, **path: str) -> Any:
    """Invoke the function of a route as API Gateway does; MiniStack does not import the routes of `chalice deploy`."""
    event = {
        "requestContext": {"httpMethod": method, "resourcePath": route, "identity": {"sourceIp": "127.0.0.1"}},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": path,
        "stageVariables": None,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    response = client("lambda", account.port).invoke(FunctionName="chalice-chat-dev", Payload=json.dumps(event))
    return json.loads(json.loads(response["Payload"].read())["body"])


def test_chalice_deploy_works_and_its_removal_leaves_nothing(project: Path, account: LocalCloud) -> None:
    shorten_waiters(project / "models")
    console = Console(project, account, "dev")
    write_template, create_stack, deploy, *remove = commands("With `chalice deploy`")
    console.run(write_template, create_stack, deploy)
    room_id = call(account, "POST", "/rooms", {"roomName": "Tea"})["roomId"]
    (api,) = client("apigatewayv2", account.port).get_apis()["Items"]
    with connect(f"ws://127.0.0.1:{account.port}/_aws/execute-api/{api['ApiId']}/dev?roomId={room_id}"):
        assert call(account, "GET", "/rooms/{room_id}", room_id=room_id)["member_count"] == 1

    console.run(*remove)
    assert left(account) == set()
