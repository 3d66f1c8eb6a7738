"""What a run has measured, as tables and as a plot."""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Faults", "Measured", "Results", "write"]

NAMES = {"program": "the program", "node": "Node.js, AWS SDK v3", "boto3": "boto3, 32 threads"}
COLOURS = {"program": "#0b6e4f", "node": "#c8553d", "boto3": "#3d5a98", "floor": "#888888"}
FLOOR_CHANNELS = 256
POST_TIME_OUT_MS = 2_000


class Measured(NamedTuple):
    """What a message took in a room: medians, but for the peak of memory, which is the process's own."""

    contender: str
    members: int
    wall_ms: float
    cpu_ms: float
    peak_mb: float
    requests: int
    delivered: int


class Faults(NamedTuple):
    """What a message of the program took where some members' posts fail, and where none does."""

    members: int
    reachable: int
    delivered: int
    posts: int
    clean_ms: float
    faulty_ms: float


class Results(NamedTuple):
    """All of a run."""

    delay_ms: int
    measured: list[Measured]
    first_ms: dict[str, float]
    faults: Faults


def write(results: Results, folder: Path) -> None:
    """Write results.md and wall.svg into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text("\n".join(_page(results)))
    (folder / "wall.svg").write_text("\n".join(_plot(results)))


def _page(results: Results) -> Iterable[str]:
    yield "# What a message takes"
    yield ""
    yield f"Written by `python -m benchmarks.run`; README.md says what is measured. {_machine()}"
    yield ""
    yield "Medians of one message; a ratio below 1 is to the program's advantage."
    yield ""
    yield from _table(
        ["members", "", "wall ms", "CPU ms", "peak MB", "DynamoDB requests", "delivered", "wall, CPU: program's ratio"],
        _rows(results),
    )
    yield ""
    yield "![Wall time against room size](wall.svg)"
    yield ""
    yield "## The program's cost per member"
    yield ""
    yield from _table(["members", "wall ms", "CPU ms"], _per_member(results))
    yield ""
    yield "## A first message in a new process, imports included"
    yield ""
    yield from _table(["", "wall ms", "program's ratio"], _first(results))
    yield ""
    yield from _faults(results.faults)
    yield ""


def _machine() -> str:
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    node = subprocess.run([shutil.which("node") or "node", "--version"], capture_output=True, text=True, check=True)
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return (
        f"The machine: {cpu}, {os.cpu_count()} cores, {system}, "
        f"Python {platform.python_version()}, Node.js {node.stdout.strip().lstrip('v')}."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _table(head: list[str], rows: Iterable[list[str]]) -> Iterable[str]:
    for row in [head, ["---"] * len(head), *rows]:
        yield f"| {' | '.join(row)} |"


def _floor_ms(results: Results, members: int) -> float:
    return max(1, members / FLOOR_CHANNELS) * results.delay_ms


def _rows(results: Results) -> Iterable[list[str]]:
    ours = {row.members: row for row in results.measured if row.contender == "program"}
    for size, program in ours.items():
        for row in results.measured:
            if row.members != size:
                continue
            ratio = f"{program.wall_ms / row.wall_ms:.2f}, {program.cpu_ms / row.cpu_ms:.2f}"
            yield [
                f"{size:,}",
                NAMES[row.contender],
                _figure(row.wall_ms),
                _figure(row.cpu_ms),
                f"{row.peak_mb:.0f}",
                str(row.requests),
                f"{row.delivered:,}",
                "" if row is program else ratio,
            ]
        floor = _floor_ms(results, size)
        yield [f"{size:,}", "arithmetic floor", _figure(floor), "", "", "", "", f"{program.wall_ms / floor:.2f}, -"]


def _per_member(results: Results) -> Iterable[list[str]]:
    for row in results.measured:
        if row.contender == "program":
            yield [f"{row.members:,}", f"{row.wall_ms / row.members:.3f}", f"{row.cpu_ms / row.members:.3f}"]


def _first(results: Results) -> Iterable[list[str]]:
    program = results.first_ms["program"]
    for name, wall in results.first_ms.items():
        yield [NAMES[name], _figure(wall), "" if name == "program" else f"{program / wall:.2f}"]


def _faults(faults: Faults) -> Iterable[str]:
    bound = 2 * faults.clean_ms + POST_TIME_OUT_MS
    yield f"## The program in a room of {faults.members:,}, of whom some fail"
    yield ""
    yield (
        "5 % answer 429 once, 1 % 500 once, 1 % never, 5 % 410. "
        f"{faults.delivered:,} of the {faults.reachable:,} that can be reached were reached, each once, "
        f"with {faults.posts:,} posts."
    )
    yield ""
    yield from _table(
        ["", "wall ms"],
        [
            ["nobody fails", _figure(faults.clean_ms)],
            ["some fail", _figure(faults.faulty_ms)],
            ["twice the first, and one post's time-out", _figure(bound)],
        ],
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50

Scale = Callable[[float], float]


def _plot(results: Results) -> Iterable[str]:
    lines = {
        name: [(row.members, row.wall_ms) for row in results.measured if row.contender == name] for name in NAMES
    } | {"floor": [(size, _floor_ms(results, size)) for size in _sizes(results)]}
    walls = [wall for line in lines.values() for _, wall in line]
    across = _scale(_decades(_sizes(results)), LEFT, WIDTH - RIGHT)
    up = _scale(_decades(walls), HEIGHT - BOTTOM, TOP)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    yield _text(LEFT, 22, "Wall time of one message, ms, against the members of its room", size=14)
    for power in _decades(_sizes(results)):
        x = across(10**power)
        yield _line([(x, TOP), (x, HEIGHT - BOTTOM)], "#dddddd", 1)
        yield _text(x, HEIGHT - BOTTOM + 20, f"{10**power:,}", anchor="middle")
    for power in _decades(walls):
        y = up(10**power)
        yield _line([(LEFT, y), (WIDTH - RIGHT, y)], "#dddddd", 1)
        yield _text(LEFT - 8, y + 4, f"{10**power:,}", anchor="end")
    labels = _apart({name: up(line[-1][1]) for name, line in lines.items()})
    for name, line in lines.items():
        points = [(across(members), up(wall)) for members, wall in line]
        yield _line(points, COLOURS[name], 2, dashed=name == "floor")
        yield _text(WIDTH - RIGHT + 10, labels[name], NAMES.get(name, "arithmetic floor"), colour=COLOURS[name])
    yield "</svg>"
    yield ""


def _sizes(results: Results) -> list[int]:
    return sorted({row.members for row in results.measured})


def _decades(values: Iterable[float]) -> list[int]:
    found = [math.log10(value) for value in values]
    return list(range(math.floor(min(found)), math.ceil(max(found)) + 1))


def _scale(decades: list[int], start: float, end: float) -> Scale:
    first, width = decades[0], decades[-1] - decades[0]
    return lambda value: start + (math.log10(value) - first) / width * (end - start)


def _apart(heights: dict[str, float]) -> dict[str, float]:
    """Move the labels apart that would cover one another."""
    placed: dict[str, float] = {}
    lowest = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        lowest = placed[name] = max(height + 4, lowest + 16)
    return placed


def _line(points: list[tuple[float, float]], colour: str, width: int, dashed: bool = False) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _text(x: float, y: float, text: Any, *, size: int = 12, anchor: str = "start", colour: str = "#222222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
