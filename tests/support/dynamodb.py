"""DynamoDB for the tests without a local cloud: a strict emulator, and the faults that it does not show by itself.

dynoxide rejects requests that moto accepts and AWS does not, and its writes and transactions are atomic. It has a
replica, which receives the writes late: reads that are not consistent return old data, as they may on AWS. moto handles
the requests to other services.

npm installs dynoxide. Without it, MiniStack's DynamoDB stands in, which accepts more. It runs in this process: with its
server, the tests would take twice as long.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache, partial
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import moto.core.models
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ReadTimeoutError
from ministack.core.responses import request_scope
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from pynamodb.connection import Connection

from chalicelib.storage.client import dynamodb as client
from tests.support.dynoxide import is_installed, strict_emulator
from tests.support.invocations import current_invocation
from tests.support.tables import tables

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
READS = {"GetItem", "BatchGetItem", "Query", "Scan"}

CONFLICTS = {"PutItem": 0.2, "UpdateItem": 0.2, "DeleteItem": 0.2, "TransactWriteItems": 0.3}
"""The share of the writes that meet a transaction in progress, by operation, in the tests of many random events."""

Fault = Literal["throttling", "timeout", "conflict", "unprocessed", "crash before", "crash after"]
"""A timeout means that DynamoDB handles the request, but its response does not arrive. `unprocessed` is a response to a
batch read that has read nothing yet."""

Response = tuple[int, dict[str, str], bytes]
"""The status, the headers and the body of a response."""

Send = Callable[[Mapping[str, Any], Any], Response]
"""A function that sends the headers and the body of a request to an emulator."""

# For the requests library, moto creates 1,300 objects at each start. No test calls AWS with that library.
moto.core.models.RESPONSES_METHODS.clear()

# A signature takes 40 % of the time that botocore spends on a request.
client.client.meta.events.register("choose-signer.dynamodb", lambda **_: UNSIGNED)

_process = BotocoreStubber.process_request

_REQUEST = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"X-Amz-Date: 20261123T100000Z\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=testing/20261123/us-east-1/dynamodb/aws4_request, "
    b"SignedHeaders=host, Signature=0\r\nX-Amz-Target: %s\r\nContent-Length: %d\r\n\r\n%s"
)
"""A signed request. Emulators check the form of the headers, not the signature."""


@pytest.fixture(scope="session")
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Run a primary and a replica, with the tables of the stage dev."""
    folder = tmp_path_factory.mktemp("dynamodb")
    with _emulator(folder, "primary") as primary, _emulator(folder, "replica") as replica:
        yield Database(primary, replica)


@contextmanager
def _emulator(folder: Path, name: str) -> Iterator[Send]:
    if not is_installed():
        yield partial(_send_to_ministack, name)
        return
    with strict_emulator(folder / name) as port, closing(_Pool(port)) as pool:
        yield pool.send


class _Pool:
    """Keep-alive connections to dynoxide. A request takes a third of the time that it takes with urllib3."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[socket.socket, BufferedReader]] = []

    def send(self, headers: Mapping[str, Any], body: bytes) -> Response:
        """Send a request, and return the response."""
        connection, stream = self._idle.pop() if self._idle else self._connect()
        target = headers["X-Amz-Target"]
        target = target if isinstance(target, bytes) else target.encode()
        connection.sendall(_REQUEST % (target, len(body), body))
        status = int(stream.readline().split()[1])
        fields = {}
        while line := stream.readline().decode("ascii").strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        content = stream.read(int(fields["content-length"]))
        self._idle.append((connection, stream))
        return status, fields, content

    def _connect(self) -> tuple[socket.socket, BufferedReader]:
        connection = socket.create_connection(("127.0.0.1", self._port))
        return connection, connection.makefile("rb")

    def close(self) -> None:
        """Close the connections."""
        for connection, stream in self._idle:
            stream.close()
            connection.close()


_ministack_lock = threading.Lock()
"""Held during a request to MiniStack, which expects to run in one thread."""


@cache
def _ministack() -> Any:
    """Import MiniStack's DynamoDB, without the thread that deletes expired items: tests move the clock."""
    with mock.patch("threading.Thread.start"):
        from ministack.services import dynamodb as ministack
    return ministack


def _send_to_ministack(account: str, headers: Mapping[str, Any], body: Any) -> Response:
    target = headers["X-Amz-Target"]
    names = {"x-amz-target": target.decode() if isinstance(target, bytes) else target}
    with _ministack_lock, request_scope(account, "us-east-1"):
        response: Response = asyncio.run(_ministack().handle_request("POST", "/", names, body, {}))
    return response


@pytest.fixture
def dynamodb(_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Send the requests to DynamoDB to dynoxide instead of moto."""

    def process(stubber: BotocoreStubber, request: Any) -> Any:
        return _database.respond(request) if _is_dynamodb(request) else _process(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", process)
    return _database


class Database:
    """Two emulators: a primary, and a replica that serves the reads that may return old data ("Read consistency").

    - A query of an index does not find what the same invocation has written. Earlier writes have arrived.
    - Another read without ConsistentRead does not find the last write, either.

    The replica gets the writes when the next of these reads needs them. Most tests need few.
    """

    def __init__(self, primary: Send, replica: Send) -> None:
        self._primary, self._replica = primary, replica
        self._lock = threading.Lock()
        self._writes: list[tuple[object | None, Any]] = []
        self._arrived = 0
        for emulator in (primary, replica):
            for table in tables("dev"):
                _call(emulator, "CreateTable", **table)

    def respond(self, request: Any) -> Response:
        """Return the response to a request."""
        operation = _operation(request)
        if operation in READS:
            return self._read(request)
        with self._lock:  # so that the replica gets the writes in the same order
            response = self._primary(request.headers, request.body)
            if response[0] == 200:
                self._writes.append((current_invocation(), request))
        return response

    @contextmanager
    def empty_tables(self) -> Iterator[None]:
        """Provide empty tables, and an empty AWS account of moto for the other services."""
        # moto would also replace the default session of boto3: with it, the next client would take as long as a test.
        with mock_aws(config={"core": {"reset_boto3_session": False}}):
            self._empty()
            yield

    def _empty(self) -> None:
        """Replace the tables that have been written to."""
        for emulator, writes in ((self._primary, self._writes), (self._replica, self._writes[: self._arrived])):
            for table in tables("dev"):
                if any(table["TableName"].encode() in write.body for _, write in writes):
                    _call(emulator, "DeleteTable", TableName=table["TableName"])
                    _call(emulator, "CreateTable", **table)
        self._writes.clear()
        self._arrived = 0

    def _read(self, request: Any) -> Response:
        is_consistent = b'"ConsistentRead": true' in request.body
        with self._lock:
            visible = len(self._writes) if is_consistent else self._count_visible_writes(request)
            if visible < len(self._writes):
                for _, write in self._writes[self._arrived : visible]:
                    assert self._replica(write.headers, write.body)[0] == 200
                self._arrived = max(self._arrived, visible)
                return self._replica(request.headers, request.body)
        return self._primary(request.headers, request.body)

    def _count_visible_writes(self, request: Any) -> int:
        written_by = [invocation for invocation, _ in self._writes]
        invocation = current_invocation()
        own = written_by.index(invocation) if invocation is not None and invocation in written_by else len(written_by)
        return own if b'"IndexName"' in request.body else min(own, len(written_by) - 1)


def _call(emulator: Send, operation: str, **arguments: Any) -> None:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    status, _, body = emulator(headers, json.dumps(arguments).encode())
    assert status == 200, body


def _operation(request: Any) -> str:
    return str(request.headers["X-Amz-Target"].decode().split(".")[1])


def _is_dynamodb(request: Any) -> bool:
    return bytes(request.headers.get("X-Amz-Target", b"")).startswith(b"DynamoDB_20120810.")


@pytest.fixture(name="tables")
def tables_fixture(dynamodb: Database) -> Iterator[None]:
    """Provide empty tables."""
    with dynamodb.empty_tables():
        yield


class WriteUnits(Counter[str]):
    """The write units by operation: one for each started KB of the item before or after a write, two in a transaction.

    largest: the size in bytes of the largest of these items.
    """

    largest = 0

    def clear(self) -> None:
        """Forget the writes so far."""
        super().clear()
        self.largest = 0

    def counting(self, dispatch: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function in place of `dispatch` of PynamoDB's connection that counts its writes."""

        def counted(connection: Connection, operation: str, arguments: dict[str, Any]) -> Any:
            if operation not in WRITES:
                return dispatch(connection, operation, arguments)
            is_transaction = operation == "TransactWriteItems"
            parts = arguments["TransactItems"] if is_transaction else [{operation.removesuffix("Item"): arguments}]
            writes = [next(iter(part.values())) for part in parts]

            def sizes() -> list[int]:
                return [_size(_stored(connection, dispatch, write)) for write in writes]

            before = sizes()
            response = dispatch(connection, operation, arguments)
            for size in map(max, before, sizes()):
                self.largest = max(self.largest, size)
                self[operation] += max(1, -(-size // 1024)) * (2 if is_transaction else 1)
            return response

        return counted


def _stored(connection: Connection, dispatch: Callable[..., Any], write: dict[str, Any]) -> dict[str, Any]:
    """Return the item that a write is for, as it is."""
    schema = connection.get_meta_table(write["TableName"])
    names = [name for name in (schema.hash_keyname, schema.range_keyname) if name is not None]
    given = write.get("Key") or write["Item"]
    key = {name: given[name] for name in names}
    found = dispatch(connection, "GetItem", {"TableName": write["TableName"], "Key": key, "ConsistentRead": True})
    item: dict[str, Any] = found.get("Item", {})
    return item


def _size(item: dict[str, Any]) -> int:
    """Return the size of an item in bytes ("Amazon DynamoDB item sizes and formats"), numbers at their upper bound."""
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def _size_of_value(value: dict[str, Any]) -> int:
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"N": str(digits)}:
            return (len(digits) + 1) // 2 + 2
        case {"NS": list(numbers)}:
            return sum((len(digits) + 1) // 2 + 2 for digits in numbers)
        case {"SS": list(texts)}:
            return sum(len(text.encode()) for text in texts)
        case {"L": list(values)}:
            return 3 + sum(1 + _size_of_value(one) for one in values)
        case {"BOOL": _} | {"NULL": _}:
            return 1
    raise AssertionError(f"no size is known for {value}")


class Crash(BaseException):
    """The end of the process. No `except Exception` catches it."""


def inject_faults(monkeypatch: pytest.MonkeyPatch, select_fault: Callable[[str, str], Fault | None]) -> None:
    """Inject the fault that select_fault returns for the operation and the body of a request. Retries do not wait."""
    process = BotocoreStubber.process_request

    def process_with_fault(stubber: BotocoreStubber, request: Any) -> Any:
        if not _is_dynamodb(request):
            return process(stubber, request)
        operation, body = _operation(request), request.body.decode()
        fault = select_fault(operation, body)
        if fault == "throttling":
            return _error("ProvisionedThroughputExceededException", message="slow down")
        if fault == "conflict":
            return conflict(operation, body)
        if fault == "unprocessed":
            keys = json.loads(body)["RequestItems"]
            return 200, {}, json.dumps({"Responses": {key: [] for key in keys}, "UnprocessedKeys": keys})
        if fault == "crash before":
            raise Crash
        response = process(stubber, request)
        if fault == "timeout":
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "crash after":
            raise Crash
        return response

    monkeypatch.setattr(BotocoreStubber, "process_request", process_with_fault)
    monkeypatch.setattr(time, "sleep", lambda _: None)


Meanwhile = Callable[..., None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return a function that makes a change before the next request of an operation, by default a transaction."""

    def arrange(change: Callable[[], object], before: str = "TransactWriteItems") -> None:
        dispatch = Connection.dispatch

        def interrupted(connection: Connection, operation: str, arguments: dict[str, Any]) -> Any:
            if operation == before:
                monkeypatch.setattr(Connection, "dispatch", dispatch)
                change()
            return dispatch(connection, operation, arguments)

        monkeypatch.setattr(Connection, "dispatch", interrupted)

    return arrange


def conflict(operation: str, body: str) -> tuple[int, dict[str, str], str]:
    """Return the error of a write that meets a transaction in progress ("DynamoDB Transactions: How it works")."""
    if operation != "TransactWriteItems":
        return _error("TransactionConflictException", message="Transaction is ongoing for the item")
    items = json.loads(body)["TransactItems"]
    return _error(
        "TransactionCanceledException",
        Message="Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        CancellationReasons=[{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]
        + [{"Code": "None"}] * (len(items) - 1),
    )


def _error(code: str, **content: Any) -> tuple[int, dict[str, str], str]:
    return 400, {}, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"} | content)
