"""The commands of docs/deploying.md, run against the local cloud from an empty account to removal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.loaders import create_loader
from websockets.sync.client import connect

from deployment.package import package
from localcloud.cloud import LocalCloud, client, emulator
from localcloud.workarounds import REST_API_ID, adapt_template, remove_metric_math
from tests.conftest import PROJECT, free_port
from tests.localcloud.client import Chat, message, receive

SECONDS = 100  # for one command: the first `chalice package` downloads the requirements
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
    """An empty local cloud."""
    port = free_port()
    with emulator(port, tmp_path / "emulator") as process:
        yield LocalCloud(port, process)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with its .venv."""
    for name in ("chalicelib", "deployment", "localcloud", ".chalice"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("deploy*", "__pycache__"))
    for name in ("app.py", "Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "installed":
            (tmp_path / ".venv" / part.name).symlink_to(part)
    (tmp_path / ".venv/installed").touch()
    if (PROJECT / ".chalice/deployments").is_dir():  # the requirements that Chalice has downloaded before
        shutil.copytree(PROJECT / ".chalice/deployments", tmp_path / ".chalice/deployments")
    return tmp_path


class Console:
    """A shell that runs the commands of the document."""

    def __init__(self, project: Path, account: LocalCloud, stage: str) -> None:
        self._project, self._endpoint = project, account.endpoint
        self._build = project / "build" / stage
        self._environment = os.environ | {
            "AWS_DATA_PATH": str(project / "models"),
            "AWS_ENDPOINT_URL": account.endpoint,
            "BUCKET": BUCKET,
            "PATH": f"{project}/.venv/bin:{os.environ['PATH']}",
            "STAGE": stage,
        }

    def run(self, commands: list[str]) -> str:
        """Run the commands, adapt the templates that they write, and return the output of the last one."""
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
                packaged = self._build / "packaged.json"
                # Indented as the command does it, so that it exceeds the 51,200 bytes and has to go through the bucket.
                packaged.write_text(json.dumps(adapt_template(packaged, self._endpoint, BUCKET), indent=4))
            if command.startswith("make resources"):
                resources = self._build / "resources.json"
                template = json.loads(resources.read_text())
                remove_metric_math(template["Resources"])
                resources.write_text(json.dumps(template))
        return printed


def left(account: LocalCloud) -> set[str]:
    """Return the services in which the account has a resource."""
    return {service for service, (ask, key) in LISTS.items() if getattr(client(service, account.port), ask)().get(key)}


def chat_at(address: str, account: LocalCloud) -> Chat:
    """Return the chat behind the page's address on AWS, at the corresponding address of the local cloud."""
    assert address == f"https://{REST_API_ID}.execute-api.us-east-1.amazonaws.com/local/\n"
    return Chat(account)


async def echo(chat: Chat, room_id: str) -> Any:
    async with chat.join(room_id, "Aki") as member:
        await member.send(message("hi"))
        return (await receive(member))["message"]


def test_stack_is_created_updated_rolled_back_and_removed(project: Path, account: LocalCloud) -> None:
    console = Console(project, account, "local")
    make_bucket, *deploy = commands("Deploy")
    chat = chat_at(console.run([make_bucket, *deploy]), account)
    room_id = chat.create("Tea")
    assert asyncio.run(echo(chat, room_id))["message"] == "hi"

    app = project / "app.py"
    before = app.read_text()
    app.write_text(before + ROUTE)
    chat = chat_at(console.run(deploy), account)
    assert chat.get(f"/rooms/{room_id}/name") == {"name": "Tea"}

    app.write_text(before)
    chat = chat_at(console.run(deploy), account)
    assert requests.get(f"{chat.rest}/rooms/{room_id}/name", timeout=SECONDS).status_code == 403
    assert chat.get(f"/rooms/{room_id}")["name"] == "Tea"

    assert left(account) == set(LISTS)
    console.run(commands("Remove"))
    assert left(account) == set()


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


def test_chalice_deploy_works_and_its_removal_leaves_nothing(project: Path, account: LocalCloud) -> None:
    shorten_waiters(project / "models")
    console = Console(project, account, "dev")
    write_template, create_stack, deploy, *remove = commands("With `chalice deploy`")
    console.run([write_template, create_stack, deploy])
    room_id = call(account, "POST", "/rooms", {"roomName": "Tea"})["roomId"]
    (api,) = client("apigatewayv2", account.port).get_apis()["Items"]
    with connect(f"ws://127.0.0.1:{account.port}/_aws/execute-api/{api['ApiId']}/dev?roomId={room_id}"):
        assert call(account, "GET", "/rooms/{room_id}", room_id=room_id)["member_count"] == 1

    console.run(remove)
    assert left(account) == set()


def test_custom_domains_map_to_both_apis(project: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"(?:^ {7}[\"} ].*\n)+", section("Domains of your own"), re.MULTILINE)
    domains, variables = (json.loads(f"{{{block}}}") for block in blocks[:2])
    config = project / ".chalice/config.json"
    stages = json.loads(config.read_text())
    stages["stages"]["prod"] |= domains
    stages["stages"]["prod"]["environment_variables"] |= variables
    config.write_text(json.dumps(stages))
    package("prod", tmp_path / "build", project)

    resources = json.loads((tmp_path / "build/sam.json").read_text())["Resources"]
    of_type = {resource["Type"]: resource["Properties"] for resource in resources.values()}
    assert of_type["AWS::ApiGateway::DomainName"]["DomainName"] == "chat.example.org"
    assert of_type["AWS::ApiGateway::BasePathMapping"]["RestApiId"] == {"Ref": "RestAPI"}
    assert of_type["AWS::ApiGatewayV2::DomainName"]["DomainName"] == "ws.chat.example.org"
    assert of_type["AWS::ApiGatewayV2::ApiMapping"]["ApiId"] == {"Ref": "WebsocketAPI"}
    key = of_type["AWS::ApiGatewayV2::ApiMapping"]["ApiMappingKey"]
    assert variables["WEBSOCKET_URL"] == f"wss://ws.chat.example.org/{key}"


def test_make_deploy_runs_the_documented_commands() -> None:
    make = "make --dry-run deploy 'STAGE=$$STAGE' 'BUCKET=$$BUCKET'"
    dry_run = subprocess.run(["/bin/sh", "-c", make], cwd=PROJECT, text=True, capture_output=True, check=True)
    lines = dry_run.stdout.replace("\\\n", " ").replace(".venv/bin/", "").splitlines()
    assert [" ".join(line.split()) for line in lines if line.startswith("aws ")] == [
        " ".join(command.split()) for command in commands("Deploy") if command.startswith("aws cloudformation")
    ]
