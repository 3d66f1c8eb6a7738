"""MiniStack as a child process: it prints what the functions log, and ends when its parent does.

`python -m localcloud.emulator` is started by localcloud.cloud, with a pipe as its standard input.
"""

import os
import signal
import sys
import threading
from typing import Any

from ministack.app import main
from ministack.core import lambda_runtime

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
            lines.append(result["error"])
        # chalice-chat-local-WebsocketMessage-9D5BD4A4BF67B, as CloudFormation names it, is WebsocketMessage
        function = worker.func_name.split("-")[-2]
        print("".join(f"[{function}] {line}\n" for line in lines if line), end="", flush=True)
        return result

    lambda_runtime.Worker.invoke = invoke_and_print


def _end_with_parent() -> None:
    """End, with the functions' processes, when the other end of standard input closes.

    At once: MiniStack would first disconnect everybody, through functions that can no longer reach it.
    """
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _print_logs()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["ministack"]
    main()
