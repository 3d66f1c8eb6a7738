"""docs/deploying.md, rehearsed: its own commands take an empty account to a chat, a new one, and back to nothing."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.loaders import create_loader
from websockets.sync.client import connect

from localcloud.cloud import LocalCloud, client, emulator
from localcloud.package import package
from localcloud.template import mended
from tests.conftest import PROJECT, free_port
from tests.localcloud.client import Chat, message, receive

SECONDS = 100  # the longest a command may take: a package is made of what pip has to fetch, the first time
BUCKET = "my-chat-code-4711"
ROUTE = """

@app.route("/rooms/{room_id}/name")
def get_room_name(room_id):
    return {"name": rooms.get(room_id).name}
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
    """A local cloud with nothing in it."""
    port = free_port()
    with emulator(port, tmp_path / "emulator") as process:
        yield LocalCloud(port, "", process)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout, with its .venv made."""
    for name in ("chalicelib", "localcloud", ".chalice"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("deploy*", "__pycache__"))
    for name in ("app.py", "Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "installed":
            (tmp_path / ".venv" / part.name).symlink_to(part)
    (tmp_path / ".venv/installed").touch()
    return tmp_path


class Console:
    """Where somebody types the commands of the document."""

    def __init__(self, project: Path, account: LocalCloud, stage: str) -> None:
        self._project, self._endpoint = project, account.endpoint
        self._template = project / f"build/{stage}/packaged.json"
        self._environment = os.environ | {
            "AWS_DATA_PATH": str(project / "models"),
            "AWS_ENDPOINT_URL": account.endpoint,
            "BUCKET": BUCKET,
            "PATH": f"{project}/.venv/bin:{os.environ['PATH']}",
            "STAGE": stage,
        }

    def type(self, commands: list[str]) -> str:
        """Run the commands, and return what the last one printed."""
        printed = ""
        for command in commands:
            ran = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=self._project,
                env=self._environment,
                text=True,
                capture_output=True,
                timeout=SECONDS,
            )
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
            printed = ran.stdout
            if command.startswith("aws cloudformation package"):
                template = mended(self._template, self._endpoint, BUCKET)
                # As long as the command writes it: longer than a stack is made of without a bucket.
                self._template.write_text(json.dumps(template, indent=4))
        return printed


def left(account: LocalCloud) -> set[str]:
    """Name the services that have something of the account."""
    return {service for service, (ask, key) in LISTS.items() if getattr(client(service, account.port), ask)().get(key)}


def chat_at(address: str, account: LocalCloud) -> Chat:
    """Take the page's address as AWS has it to where the local cloud has it."""
    (api_id, stage) = re.fullmatch(r"https://(\w+)\.execute-api\.us-east-1\.amazonaws\.com/(\w+)/\n", address).groups()
    return Chat(replace(account, rest_url=f"{account.endpoint}/_aws/execute-api/{api_id}/{stage}"))


async def echo(chat: Chat, room_id: str) -> Any:
    async with chat.join(room_id, "Aki") as member:
        await member.send(message("hi"))
        return (await receive(member))["message"]


def test_a_stack_comes_up_takes_a_new_version_goes_back_and_leaves_nothing(project: Path, account: LocalCloud) -> None:
    console = Console(project, account, "local")
    make_bucket, *deploy = commands("Deploy")
    chat = chat_at(console.type([make_bucket, *deploy]), account)
    room_id = chat.create("Tea")
    assert asyncio.run(echo(chat, room_id))["message"] == "hi"

    app = project / "app.py"
    before = app.read_text()
    app.write_text(before + ROUTE)
    chat = chat_at(console.type(deploy), account)
    assert chat.get(f"/rooms/{room_id}/name") == {"name": "Tea"}

    app.write_text(before)
    chat = chat_at(console.type(deploy), account)
    assert requests.get(f"{chat.rest}/rooms/{room_id}/name", timeout=SECONDS).status_code == 403
    assert chat.get(f"/rooms/{room_id}")["name"] == "Tea"

    assert left(account) == set(LISTS)
    console.type(commands("Remove"))
    assert left(account) == set()


def leave_out_metric_math(resources: Path) -> None:
    """Take out what MiniStack 1.5.33 does not know: alarms of several metrics."""
    template = json.loads(resources.read_text())
    known = {name: each for name, each in template["Resources"].items() if "Metrics" not in each["Properties"]}
    resources.write_text(json.dumps(template | {"Resources": known}))


def ask_more_often(models: Path) -> None:
    """Let botocore ask ten times a second whether a function is ready, not every five seconds."""
    loader = create_loader()
    waiters = loader.load_service_model("lambda", "waiters-2")
    for waiter in waiters["waiters"].values():
        waiter["delay"] = 0.1
    folder = models / "lambda" / loader.determine_latest_version("lambda", "waiters-2")
    folder.mkdir(parents=True)
    (folder / "waiters-2.json").write_text(json.dumps(waiters))


def call(account: LocalCloud, method: str, route: str, body: Any = None, **path: str) -> Any:
    """Call the function behind a route as API Gateway would, whose routes MiniStack leaves out here."""
    event = {
        "requestContext": {"httpMethod": method, "resourcePath": route, "identity": {}},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": path,
        "stageVariables": None,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = client("lambda", account.port).invoke(FunctionName="chalice-chat-dev", Payload=json.dumps(event))
    return json.loads(json.loads(answer["Payload"].read())["body"])


def test_chalice_deploy_comes_up_and_leaves_nothing_but_logs(project: Path, account: LocalCloud) -> None:
    leave_out_metric_math(project / ".chalice/resources.json")
    ask_more_often(project / "models")
    console = Console(project, account, "dev")
    make_tables, deploy, *remove = commands("With `chalice deploy`")
    console.type([make_tables, deploy])
    room_id = call(account, "POST", "/rooms", {"roomName": "Tea"})["roomId"]
    (api,) = client("apigatewayv2", account.port).get_apis()["Items"]
    with connect(f"ws://127.0.0.1:{account.port}/_aws/execute-api/{api['ApiId']}/dev?roomId={room_id}"):
        assert call(account, "GET", "/rooms/{room_id}", room_id=room_id)["member_count"] == 1

    console.type(remove)
    assert left(account) == {"logs"}


def test_domains_of_ones_own_get_the_page_and_the_sockets(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"(?:^ {7}[\"} ].*\n)+", section("Domains of your own"), re.MULTILINE)
    domains, variables = (json.loads(f"{{{block}}}") for block in blocks[:2])
    config = project / ".chalice/config.json"
    stages = json.loads(config.read_text())
    stages["stages"]["prod"] |= domains
    stages["stages"]["prod"]["environment_variables"] |= variables
    config.write_text(json.dumps(stages))
    monkeypatch.setattr("localcloud.package.PROJECT", project)
    package("prod", tmp_path / "build")

    resources = json.loads((tmp_path / "build/sam.json").read_text())["Resources"]
    of_type = {resource["Type"]: resource["Properties"] for resource in resources.values()}
    assert of_type["AWS::ApiGateway::DomainName"]["DomainName"] == "chat.example.org"
    assert of_type["AWS::ApiGateway::BasePathMapping"]["RestApiId"] == {"Ref": "RestAPI"}
    assert of_type["AWS::ApiGatewayV2::DomainName"]["DomainName"] == "ws.chat.example.org"
    assert of_type["AWS::ApiGatewayV2::ApiMapping"]["ApiId"] == {"Ref": "WebsocketAPI"}
    key = of_type["AWS::ApiGatewayV2::ApiMapping"]["ApiMappingKey"]
    assert variables["WEBSOCKET_URL"] == f"wss://ws.chat.example.org/{key}"


def test_make_deploy_runs_the_commands_of_the_document() -> None:
    make = "make --dry-run deploy 'STAGE=$$STAGE' 'BUCKET=$$BUCKET'"
    dry_run = subprocess.run(["/bin/sh", "-c", make], cwd=PROJECT, text=True, capture_output=True, check=True)
    lines = dry_run.stdout.replace("\\\n", " ").replace(".venv/bin/", "").splitlines()
    assert [" ".join(line.split()) for line in lines if line.startswith("aws ")] == [
        " ".join(command.split()) for command in commands("Deploy") if command.startswith("aws cloudformation")
    ]
