"""Start the emulator, put the stack in it, and say where it answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from localcloud.errors import LocalCloudError
from localcloud.mends import enable_ttl, mend_preflight
from localcloud.package import PROJECT, package
from localcloud.template import WEBSOCKET_API_ID, mended

__all__ = ["LocalCloud", "local_cloud"]

HOST = "127.0.0.1"
STAGE = "local"
STACK = "chalice-chat-local"
BUCKET = "chalice-chat-local-code"
START_SECONDS = 30


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    port: int
    rest_url: str
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{WEBSOCKET_API_ID}/{STAGE}"


def client(service: str, port: int) -> Any:
    """Make a boto3 client for the local cloud at port; its credentials mean nothing."""
    return boto3.client(
        service,
        endpoint_url=f"http://{HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )


@contextmanager
def local_cloud(port: int, folder: Path, say: Callable[[str], None]) -> Iterator[LocalCloud]:
    """Package the project into folder, serve it on 127.0.0.1 at port, and stop all of it at the end.

    Calls say with each step. Raises LocalCloudError when the port is taken, or the package or its stack fails.
    """
    _check_port(port)
    shutil.rmtree(folder, ignore_errors=True)
    say("Packaging, as for AWS: chalice package --stage local")
    package(STAGE, folder)
    say(f"Starting MiniStack on {HOST}:{port}")
    process = _start_emulator(port, folder / "tmp")
    try:
        _await_emulator(process, port)
        say(f"Creating the stack {STACK}: tables, functions, APIs")
        yield LocalCloud(port, _create_stack(port, folder), process)
    finally:
        _stop(process)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # Like the server itself: what an earlier run left in TIME_WAIT does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as cause:
            raise LocalCloudError(
                f"port {port} cannot be had ({cause.strerror}); choose another: PORT=8080 make run"
            ) from cause


def _start_emulator(port: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    settings = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(folder.absolute()),
        "LOG_LEVEL": "WARNING",
        # Listeners on further ports, of services that nothing here uses.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    # The emulator ends when this pipe closes, which it does when this process ends, however it ends. A session of its
    # own keeps Ctrl-C from it, and holds the processes that end with it.
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud.emulator"],
        cwd=PROJECT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _await_emulator(process: subprocess.Popen[bytes], port: int) -> None:
    def ask() -> None:
        if process.poll() is not None:
            raise LocalCloudError(f"MiniStack ended while starting, with exit code {process.returncode}")
        urllib.request.urlopen(f"http://{HOST}:{port}/_ministack/health", timeout=1).close()

    try:
        Retrying(retry=retry_if_exception_type(OSError), wait=wait_fixed(0.05), stop=stop_after_delay(START_SECONDS))(
            ask
        )
    except RetryError as cause:
        raise LocalCloudError(f"MiniStack does not answer within {START_SECONDS} seconds") from cause


def _create_stack(port: int, folder: Path) -> str:
    storage, stacks = client("s3", port), client("cloudformation", port)
    storage.create_bucket(Bucket=BUCKET)
    storage.upload_file(str(folder / "deployment.zip"), BUCKET, "deployment.zip")
    template = mended(folder / "sam.json", f"http://{HOST}:{port}", BUCKET)
    try:
        stacks.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        stacks.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": START_SECONDS}
        )
    except ClientError as cause:
        raise LocalCloudError(f"the stack {STACK} failed: {cause}") from cause
    except WaiterError as cause:
        raise LocalCloudError(f"the stack {STACK} failed: {_first_failure(stacks)}") from cause
    outputs = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    api_id = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RestAPIId")
    mend_preflight(client("apigateway", port), template, api_id)
    enable_ttl(client("dynamodb", port), template, STAGE)
    return f"http://{HOST}:{port}/_aws/execute-api/{api_id}/{STAGE}"


def _first_failure(stacks: Any) -> str:
    events = stacks.describe_stack_events(StackName=STACK)["StackEvents"]
    failures = [event for event in reversed(events) if "FAILED" in event["ResourceStatus"]]
    if not failures:
        return "it is not complete in time"
    return f"{failures[0]['LogicalResourceId']}: {failures[0].get('ResourceStatusReason', 'no reason given')}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    process.wait()
