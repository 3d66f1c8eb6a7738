"""MiniStack as a child process that prints the functions' logs and ends with its parent.

localcloud.cloud starts it as `python -m localcloud.emulator`, with a pipe as its standard input.
"""

import gzip
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any
from weakref import WeakSet

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1, lambda_svc
from ministack.services.cloudformation import provisioners

from deployment.config import PROJECT
from localcloud.console import format_line

_processes: WeakSet[subprocess.Popen[str]] = WeakSet()
"""The processes that run the functions."""


def _print_logs() -> None:
    """Print the log of each invocation when it ends.

    MiniStack 1.5.33 sends the logs of REST requests and Invoke calls to CloudWatch Logs, but drops those of WebSocket
    handlers.
    """
    invoke = lambda_runtime.Worker.invoke

    def invoke_and_print(worker: Any, *arguments: Any, **options: Any) -> Any:
        result = invoke(worker, *arguments, **options)
        lines = [*result.get("log", "").splitlines(), *result.get("trace", "").splitlines()]
        if result.get("status") == "error" and "trace" not in result:
            lines.append(f"{worker.func_name}: {result['error']}")
        print("".join(f"{format_line(line)}\n" for line in lines if line), end="", flush=True)
        return result

    lambda_runtime.Worker.invoke = invoke_and_print


def _finish_invocations() -> None:
    """Let invocations finish before their process ends: MiniStack 1.5.33 kills it at once when its code is updated."""
    kill = lambda_runtime.kill_workers

    def kill_when_idle(workers: list[Any]) -> None:
        def wait_and_kill() -> None:
            for worker in workers:
                with worker._lock:  # held during an invocation
                    kill([worker])

        # In another thread: the invocation may be waiting for a response from this one.
        threading.Thread(target=wait_and_kill).start()

    lambda_runtime.kill_workers = kill_when_idle


def _start_with_current_code() -> None:
    """Start each process with the current code of its function.

    MiniStack 1.5.33 starts it with the code of the time at which the request came in, which an update may have
    replaced since, and then keeps that process.
    """
    spawn = lambda_runtime.Worker._spawn

    def spawn_with_current_code(worker: Any) -> None:
        worker.code_zip = lambda_svc._functions[worker.func_name]["code_zip"]
        spawn(worker)
        _processes.add(worker._proc)

    lambda_runtime.Worker._spawn = spawn_with_current_code


class SharedZipFile(zipfile.ZipFile):
    """Archive of code that is extracted once. `extractall` links a folder to what was extracted.

    The shared copy of an earlier archive is deleted when no process uses it any more.
    """

    _lock = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Replace the empty folder path with a link to the extracted archive."""
        archive = Path(str(self.filename))
        copies = Path(tempfile.gettempdir()) / "code"
        shared = copies / hashlib.sha256(archive.read_bytes()).hexdigest()
        with self._lock:
            if not shared.exists():
                in_use = {link.resolve() for link in copies.parent.glob("ministack-lambda-*/code") if link.is_symlink()}
                for unused in set(copies.glob("*")) - in_use:
                    shutil.rmtree(unused)
                super().extractall(copies / "partial")
                (copies / "partial").rename(shared)
            Path(path).rmdir()
            Path(path).symlink_to(shared)


def _share_code() -> None:
    """Let all processes of one version share one copy of its code.

    MiniStack 1.5.33 extracts the package, 2,400 files, for each process: that takes longer than the process takes to
    start, and a room of 50 members starts 50 of them.
    """
    vars(lambda_runtime)["zipfile"] = types.SimpleNamespace(**vars(zipfile) | {"ZipFile": SharedZipFile})


def _update_rest_api_in_place() -> None:
    """Update the routes of a REST API in place, as CloudFormation does.

    MiniStack 1.5.33 creates another API and deletes the first one, which fails when their id is fixed.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    update = handlers["update"]

    def overwrite(api_id: str, old: dict[str, Any], new: dict[str, Any], *others: Any, **options: Any) -> Any:
        if new["Body"] != old["Body"]:
            resources = apigateway_v1._resources[api_id]
            (root,) = [resource for resource in resources.values() if resource["path"] == "/"]
            resources.clear()
            resources[root["id"]] = root | {"resourceMethods": {}}
            for path, methods in new["Body"]["paths"].items():
                apigateway_v1._import_path_item(api_id, path, methods)
        return update(api_id, old | {"Body": new["Body"]}, new, *others, **options)

    handlers["update"] = overwrite


def _pass_missing_slash() -> None:
    """Tell functions that the address of a REST API's stage lacks the last slash, as API Gateway does.

    MiniStack 1.5.33 adds the slash to the `path` of the request's context.
    """
    parse = app._parse_execute_api_url

    def parse_and_keep(host: str, path: str) -> Any:
        parsed = parse(host, path)
        return (*parsed[:2], "") if parsed and parsed[2] == "/" and not path.endswith("/") else parsed

    app._parse_execute_api_url = parse_and_keep


def _compress_responses() -> None:
    """Compress the responses of a REST API for clients that accept it, as API Gateway does.

    MiniStack 1.5.33 ignores minimumCompressionSize ("Payload compression for REST APIs in API Gateway").
    """
    execute = apigateway_v1.handle_execute
    minimum_size = json.loads((PROJECT / ".chalice/config.json").read_text())["minimum_compression_size"]

    async def execute_and_compress(api_id: str, stage: str, method: str, path: str, headers: Any, *rest: Any) -> Any:
        status, returned, body = await execute(api_id, stage, method, path, headers, *rest)
        accepted = next((value for name, value in headers.items() if name.lower() == "accept-encoding"), "")
        if "gzip" in accepted and len(body) >= minimum_size:
            body = gzip.compress(body)
            returned = returned | {"Content-Encoding": "gzip"}
        return status, returned, body

    apigateway_v1.handle_execute = execute_and_compress


def _pass_whole_path() -> None:
    """Tell functions the whole path of a request's address, as API Gateway does with the base path of a domain.

    MiniStack 1.5.33 leaves out what it has before the stage: /_aws/execute-api and the id of the API.
    """
    build = apigateway_v1._build_lambda_event_v1

    def build_with_whole_path(api_id: str, *arguments: Any, **options: Any) -> Any:
        event = build(api_id, *arguments, **options)
        event["requestContext"]["path"] = f"/_aws/execute-api/{api_id}{event['requestContext']['path']}"
        return event

    apigateway_v1._build_lambda_event_v1 = build_with_whole_path


def _end_with_parent() -> None:
    """End with the functions' processes when the parent closes the pipe.

    SIGKILL ends them at once. MiniStack would first close every connection, and the functions that this invokes could
    no longer reach it.
    """
    sys.stdin.read()
    for process in list(_processes):
        process.kill()
        process.wait()  # so that no zombie is left, even where the init process reaps none
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _print_logs()
    _finish_invocations()
    _start_with_current_code()
    _share_code()
    _update_rest_api_in_place()
    _pass_missing_slash()
    _compress_responses()
    _pass_whole_path()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # SAM warns about usage metrics for its developers, which are not published here.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    sys.argv = ["ministack"]
    app.main()
