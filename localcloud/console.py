"""Console output for the log lines of the functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any


def format_line(line: str) -> str:
    """Format the JSON line of an invocation (chalicelib/request_log.py) in columns; return any other line unchanged."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict) or not {"function", "outcome", "duration_ms"} <= fields.keys():
        return line
    columns = [
        f"{datetime.now():%H:%M:%S}",
        f"{fields['function']:20}",
        f"{fields.get('room_id', ''):16}",
        f"{fields['outcome']:28}",
        f"{fields['duration_ms']:7.1f} ms",
        ", ".join(_details(fields)),
    ]
    return "  ".join(columns).rstrip()


def _details(fields: dict[str, Any]) -> Iterator[str]:
    for name in ("delivered", "gone", "failed", "queued"):
        if name in fields:
            yield f"{fields[name]} {name}"
    if fields.get("faults"):
        yield f"{fields['faults']} faults"
    if "reference" in fields:
        yield f"reference {fields['reference']}"
