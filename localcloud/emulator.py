"""MiniStack as a child process: it prints what the functions log, and ends when its parent does.

`python -m localcloud.emulator` is started by localcloud.cloud, with a pipe as its standard input.
"""

import hashlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1, lambda_svc
from ministack.services.cloudformation import provisioners

from localcloud.console import readable

__all__: list[str] = []


def _print_logs() -> None:
    """Print each invocation's log as it ends.

    MiniStack 1.5.33 collects the log of every invocation, but passes on to CloudWatch Logs only those of REST
    requests and of Invoke calls: what a WebSocket handler logs is dropped.
    """
    invoke = lambda_runtime.Worker.invoke

    def invoke_and_print(worker: Any, *arguments: Any, **options: Any) -> Any:
        result = invoke(worker, *arguments, **options)
        lines = [*result.get("log", "").splitlines(), *result.get("trace", "").splitlines()]
        if result.get("status") == "error" and "trace" not in result:
            lines.append(f"{worker.func_name}: {result['error']}")
        print("".join(f"{readable(line)}\n" for line in lines if line), end="", flush=True)
        return result

    lambda_runtime.Worker.invoke = invoke_and_print


def _let_invocations_end() -> None:
    """Let what runs end before its process does: MiniStack 1.5.33 kills it in the midst when its code is updated."""
    kill = lambda_runtime.kill_workers

    def kill_when_idle(workers: list[Any]) -> None:
        def wait_and_kill() -> None:
            for worker in workers:
                with worker._lock:  # which an invocation holds
                    kill([worker])

        # Not here: the invocation may wait for an answer that this thread gives.
        threading.Thread(target=wait_and_kill).start()

    lambda_runtime.kill_workers = kill_when_idle


def _start_with_the_last_code() -> None:
    """Start each process with its function's code of this moment.

    MiniStack 1.5.33 gives it the code of when the invocation came in, and keeps the process, although the code may
    have been updated in between.
    """
    spawn = lambda_runtime.Worker._spawn

    def spawn_with_the_last_code(worker: Any) -> None:
        worker.code_zip = lambda_svc._functions[worker.func_name]["code_zip"]
        spawn(worker)

    lambda_runtime.Worker._spawn = spawn_with_the_last_code


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


def _keep_rest_api() -> None:
    """Let the REST API keep its id, and so the page its address, when a stack's update changes the routes.

    CloudFormation overwrites the API. MiniStack 1.5.33 makes another one, and deletes the first.
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


def _end_with_parent() -> None:
    """End, with the functions' processes, when the other end of standard input closes.

    At once: MiniStack would first disconnect everybody, through functions that can no longer reach it.
    """
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _print_logs()
    _let_invocations_end()
    _start_with_the_last_code()
    _share_code()
    _keep_rest_api()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # It warns of numbers that it collects for its makers, and that nobody publishes here.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    sys.argv = ["ministack"]
    main()
