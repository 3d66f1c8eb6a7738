"""Estimate of the costs in docs/scaling.md and docs/deploying.md, from prices, limits and assumptions.

python -m benchmarks.costs writes the tables into both documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import ceil
from pathlib import Path

from benchmarks.simulation import parameters as p
from chalicelib import limits
from deployment.config import PROJECT

SECONDS_PER_HOUR, HOURS_PER_DAY, HOURS_PER_MONTH = 3_600, 24, 720
MILLION, BILLION = 10**6, 10**9
KILOBYTE, KIBIBYTE, GIGABYTE = 10**3, 2**10, 10**9

# "Amazon API Gateway pricing": above a billion messages a month.
PRICE_WEBSOCKET_ABOVE_BILLION = 0.8e-6
PRICE_LOG_GIGABYTE = 0.5  # "Amazon CloudWatch pricing"
PRICE_TRANSFER_GIGABYTE = 0.09  # "Amazon EC2 On-Demand Pricing": to the internet
# "Quotas in Amazon DynamoDB": units per second of a table.
TABLE_UNITS = 40_000
# "Quotas for configuring and running a WebSocket API in API Gateway".
IDLE_SECONDS, CONNECTION_SECONDS = 600, 7_200

ROOM_SIZES = (2, 10, 100, 1_000, 10_000)
MESSAGE_SECONDS = 0.03  # assumed: DynamoDB's share of a message's duration
MESSAGE_UNITS = 6  # counted: docs/scaling.md
INDEX_ROWS_PER_UNIT = 63  # counted: docs/scaling.md
ANNOUNCE_UNITS, TICK_UNITS = 1, 3  # a message that waits for a tick; a tick: its claim, its begin and its end

REQUEST_SECONDS = 0.01  # assumed
RENAMED_CONNECTIONS = limits.MAX_CONNECTIONS_PER_MEMBER
JOIN_UNITS, LEAVE_UNITS, ROOM_UNITS = 8, 5, 2  # assumed; counted for rooms
LOG_BYTES = 600  # assumed: of one invocation
TEXT_BYTES = 4 * limits.MAX_MESSAGE_LENGTH
FRAME_BYTES = TEXT_BYTES + 300

Row = tuple[str, float]


def message_costs(members: int) -> list[float]:
    """Return the dollars for a million messages in a room, each in a tick of its own if the room is large.

    They are those for API Gateway, Lambda, DynamoDB and SQS.
    """
    batches = ceil(members / p.FANOUT_BATCH) if members > p.FANOUT_BATCH else 0
    ticks = int(batches > 0)
    seconds = MESSAGE_SECONDS * (1 + ticks) + members / p.MAX_CONNECTIONS * p.POST
    gigabytes = p.MEMORY_MB["websocket_message"] / KIBIBYTE
    writes = MESSAGE_UNITS + ticks * (ANNOUNCE_UNITS + TICK_UNITS)
    reads = (1 + ticks) * members / INDEX_ROWS_PER_UNIT
    queue_requests = batches * p.QUEUE_REQUESTS_PER_BATCH + ticks * p.QUEUE_REQUESTS_PER_JOB
    return [
        (1 + members) * p.PRICE_WEBSOCKET * MILLION,
        ((1 + ticks + batches) * p.PRICE_INVOCATION + seconds * gigabytes * p.PRICE_GB_SECOND) * MILLION,
        (writes * p.PRICE_WRITE_UNIT + reads * p.PRICE_READ_UNIT) * MILLION,
        queue_requests * p.PRICE_QUEUE_REQUEST * MILLION,
    ]


def worst_hour() -> list[Row]:
    """Return what strangers who use every limit at once can make an hour cost, by item.

    They hold as many connections as the stage's events permit: each takes a join, a leave, and a frame before it is
    idle for too long. All frames are renames, the most expensive ones, but for the few messages that suffice to use up
    the account's quota with deliveries. REST requests create rooms, or read the longest pages of messages.
    """
    events, connections = p.WEBSOCKET_RATE, _connections()
    joins = connections / CONNECTION_SECONDS
    frames, deliveries = _messages_per_second()
    page_bytes = limits.MAX_PAGE_SIZE * limits.MAX_MESSAGE_LENGTH  # of ASCII characters
    pages = min(p.REST_RATE, TABLE_UNITS / (page_bytes / p.READ_UNIT_BYTES))
    rename_units = _rename_units()
    units = joins * (JOIN_UNITS + LEAVE_UNITS) + frames * rename_units + (p.REST_RATE - pages) * ROOM_UNITS
    reads = pages * page_bytes / p.READ_UNIT_BYTES
    invocations = p.REST_RATE + events
    rest, message = (p.MEMORY_MB[name] / KIBIBYTE for name in ("api_handler", "websocket_message"))
    per_second = [
        (f"{p.REST_RATE:,} REST requests/s", p.REST_RATE * p.PRICE_REST),
        (f"{_round(frames)} frames/s received, up to 32 KiB each", frames * p.PRICE_WEBSOCKET),
        (f"{_round(connections)} open connections", connections / 60 * p.PRICE_CONNECTION_MINUTE),
        (f"{deliveries:,} deliveries/s, the rest of the account's quota", deliveries * p.PRICE_WEBSOCKET),
        (
            f"DynamoDB, {_round(units)} write units/s: each frame renames a member with {RENAMED_CONNECTIONS} "
            f"connections ({rename_units} units); joins, leaves and {_round(p.REST_RATE - pages)} new rooms/s",
            units * p.PRICE_WRITE_UNIT,
        ),
        (
            f"DynamoDB, {_round(reads)} read units/s: {_round(pages)} pages/s of {limits.MAX_PAGE_SIZE} messages of "
            f"{limits.MAX_MESSAGE_LENGTH:,} ASCII characters",
            reads * p.PRICE_READ_UNIT,
        ),
        (
            f"Lambda: {REQUEST_SECONDS * 1_000:.0f} ms for a REST request, "
            f"{MESSAGE_SECONDS * 1_000:.0f} ms for an event of a connection (*assumed*)",
            invocations * p.PRICE_INVOCATION
            + (p.REST_RATE * REQUEST_SECONDS * rest + events * MESSAGE_SECONDS * message) * p.PRICE_GB_SECOND,
        ),
        (
            f"logs, {LOG_BYTES / KILOBYTE:.1f} KB for each invocation (*assumed*)",
            invocations * LOG_BYTES / GIGABYTE * PRICE_LOG_GIGABYTE,
        ),
        (
            f"transfer to the internet: the deliveries with {limits.MAX_MESSAGE_LENGTH:,} emoji each",
            deliveries * FRAME_BYTES / GIGABYTE * PRICE_TRANSFER_GIGABYTE,
        ),
        ("transfer to the internet: the pages", pages * page_bytes / GIGABYTE * PRICE_TRANSFER_GIGABYTE),
    ]
    return [(item, dollars * SECONDS_PER_HOUR) for item, dollars in per_second]


def _connections() -> float:
    """Return the number of connections that the events of the stage permit."""
    return p.WEBSOCKET_RATE / (2 / CONNECTION_SECONDS + 1 / IDLE_SECONDS)


def _messages_per_second() -> tuple[float, float]:
    """Return the frames that API Gateway receives in the worst hour, and those that it delivers, per second."""
    return _connections() / IDLE_SECONDS, p.ACCOUNT_RATE - p.REST_RATE - p.WEBSOCKET_RATE


def _rename_units() -> int:
    """Return the write units of a rename: rows of connections with their index, the member, the event, the sequence."""
    transaction = 2  # "DynamoDB transactions": two units per item
    return RENAMED_CONNECTIONS * (transaction + 1) + 2 * transaction + 1


def message_table() -> str:
    """Return the table of the costs of messages."""
    rows = []
    for members in ROOM_SIZES:
        costs = message_costs(members)
        total = sum(costs)
        rows.append([f"{members:,}", *map(_dollars, costs), _dollars(total), f"{total / members:.2f}"])
    return _table(["N", "API Gateway", "Lambda", "DynamoDB", "SQS", "total", "per member"], rows)


def worst_table() -> str:
    """Return the table of the worst hour."""
    rows = worst_hour()
    total = sum(dollars for _, dollars in rows)
    together = ("together", f"{total:.0f}, which is {total * HOURS_PER_DAY:,.0f} per day")
    month = total * HOURS_PER_MONTH - _discount()
    price = f"{PRICE_WEBSOCKET_ABOVE_BILLION * MILLION:.2f}"
    text = f"a month of 30 days, with API Gateway's price of {price} per million messages above a billion"
    last = [together, (text, f"{month:,.0f}")]
    return _table(["item", "dollars per hour"], [*((item, f"{dollars:.2f}") for item, dollars in rows), *last])


def _discount() -> float:
    """Return what a month of worst hours costs less, because messages above a billion have another price."""
    messages = sum(_messages_per_second()) * SECONDS_PER_HOUR * HOURS_PER_MONTH
    return max(0, messages - BILLION) * (p.PRICE_WEBSOCKET - PRICE_WEBSOCKET_ABOVE_BILLION)


def tables() -> dict[Path, str]:
    """Return the documents with their tables, by path."""
    places = {"docs/scaling.md": message_table(), "docs/deploying.md": worst_table()}
    return {PROJECT / name: _replace((PROJECT / name).read_text(), table) for name, table in places.items()}


def _replace(page: str, table: str) -> str:
    marked = re.compile(r"(<!-- written by benchmarks/costs.py -->\n).*?(<!-- end -->\n)", re.DOTALL)
    return marked.sub(lambda place: f"{place[1]}{table}{place[2]}", page, count=1)


def _table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rows])


def _dollars(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.2f}"


def _round(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{float(f'{value:.3g}'):,.0f}"


if __name__ == "__main__":
    for path, page in tables().items():
        path.write_text(page)
