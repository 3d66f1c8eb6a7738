"""Lines and labels of the plots."""

from __future__ import annotations

import math
from collections.abc import Iterable


def line(points: Iterable[tuple[float, float]], colour: str, width: int, dashed: bool = False) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def text(x: float, y: float, label: str, *, size: int = 12, anchor: str = "start", colour: str = "#222222") -> str:
    """Return a label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{label}</text>'


def spread_labels(heights: dict[str, float]) -> dict[str, float]:
    """Move labels apart so that none covers another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        lowest = placed[name] = max(height + 4, lowest + 16)
    return placed
