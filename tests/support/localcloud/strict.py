"""A local cloud whose functions use the strict DynamoDB, in which many writes meet a transaction in progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import urllib3

from localcloud.stack import STAGE, client
from tests.support.dynamodb import CONFLICTS, conflict
from tests.support.dynoxide import strict_emulator
from tests.support.tables import create_tables

FORWARDED = ("content-type", "x-amz-crc32")


@contextmanager
def strict_dynamodb(port: int, folder: Path) -> Iterator[Any]:
    """Let the functions of the local cloud at a port use the strict DynamoDB, with empty tables. Return its client.

    CONFLICTS is the share of the writes that fail as they do when they meet a transaction in progress.
    """
    with strict_emulator(folder) as emulator, _proxy(emulator) as url:
        dynamodb = client("dynamodb", emulator)
        create_tables(dynamodb, STAGE)
        functions = client("lambda", port)
        before = {
            one["FunctionName"]: one["Environment"]["Variables"] for one in functions.list_functions()["Functions"]
        }
        for name, variables in before.items():
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": variables | {"AWS_ENDPOINT_URL_DYNAMODB": url}}
            )
        yield dynamodb
        for name, variables in before.items():
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@contextmanager
def _proxy(port: int) -> Iterator[str]:
    """Serve a proxy to the emulator at a port, and return its URL."""
    pool, chance = urllib3.PoolManager(maxsize=64), Random(7)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].split(".")[1]
            if chance.random() < CONFLICTS.get(operation, 0):
                status, headers, content = conflict(operation, body.decode())
                self._respond(status, headers, content.encode())
            else:
                response = pool.request("POST", f"http://127.0.0.1:{port}", body=body, headers=dict(self.headers))
                self._respond(response.status, response.headers, response.data)

        def _respond(self, status: int, headers: Any, content: bytes) -> None:
            self.send_response(status)
            for name in FORWARDED:
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        pool.clear()
