"""What the functions log, as the person at the console reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

__all__ = ["readable"]


def readable(line: str) -> str:
    """Write the JSON line of an invocation (chalicelib/invocation.py) in columns, and any other line as it is."""
    try:
        facts = json.loads(line)
    except ValueError:
        return line
    if not isinstance(facts, dict) or not {"function", "outcome", "milliseconds"} <= facts.keys():
        return line
    columns = [
        f"{datetime.now():%H:%M:%S}",
        f"{facts['function']:20}",
        f"{facts.get('room', ''):16}",
        f"{facts['outcome']:28}",
        f"{facts['milliseconds']:7.1f} ms",
        ", ".join(_remarks(facts)),
    ]
    return "  ".join(columns).rstrip()


def _remarks(facts: dict[str, Any]) -> Iterator[str]:
    for name in ("delivered", "gone", "failed", "handed_over"):
        if name in facts:
            yield f"{facts[name]} {name.replace('_', ' ')}"
    if "reference" in facts:
        yield f"reference {facts['reference']}"
