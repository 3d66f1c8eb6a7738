"""Handles one event for each line of standard input, and answers each with a line of what it took.

`python -m benchmarks.python_runner program` is the program itself; `boto3` is the program with its posts sent by boto3
in threads. node/runner.mjs does the same for Node.js.
"""

from __future__ import annotations

import json
import sys
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

THREADS = 32

# Chalice logs to standard output, where the answers go.
answers, sys.stdout = sys.stdout, sys.stderr


def _load(contender: str) -> Any:
    import app

    if contender == "boto3":
        app.sockets.broadcast = _boto3_broadcast()
    return app.message


def _boto3_broadcast() -> Any:
    import os
    from concurrent.futures import ThreadPoolExecutor

    import boto3
    from botocore.config import Config

    from chalicelib.broadcast import Outcome

    posts = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"],
        config=Config(max_pool_connections=THREADS),
    )
    threads = ThreadPoolExecutor(THREADS)

    def broadcast(connection_ids: Any, payload: str) -> Outcome:
        data, ids = payload.encode(), list(connection_ids)
        for _ in threads.map(lambda id_: posts.post_to_connection(ConnectionId=id_, Data=data), ids):
            pass
        return Outcome(ids, [], [])

    return broadcast


def _count_requests() -> list[str]:
    """Return a list that every request to DynamoDB puts its operation into."""
    from pynamodb.connection import Connection

    operations, dispatch = [], Connection.dispatch

    def counted(connection: Connection, operation: str, arguments: dict[str, Any]) -> Any:
        operations.append(operation)
        return dispatch(connection, operation, arguments)

    Connection.dispatch = counted
    return operations


def _cpu_ms() -> float:
    used = getrusage(RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def _run(contender: str) -> None:
    handle, requests = _load(contender), _count_requests()
    for line in sys.stdin:
        event = json.loads(line)
        requests.clear()
        cpu, started = _cpu_ms(), perf_counter()
        handle(event, None)
        wall = (perf_counter() - started) * 1000
        took = {"wall_ms": wall, "cpu_ms": _cpu_ms() - cpu, "requests": len(requests)}
        print(json.dumps(took), file=answers, flush=True)


if __name__ == "__main__":
    _run(sys.argv[1])
