"""Results of the simulation: results.json, and in docs/ the table of scaling.md and two plots."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import svg
from benchmarks.simulation.scenarios import CHANGED, CONCURRENCIES, LATENCIES, SCENARIOS, Outcome, Scenario

RESULTS = Path(__file__).parent / "results.json"
BEGIN, END = "<!-- written by `make simulate` -->\n", "<!-- end -->\n"

HEAD = [
    "scenario",
    "Lambda",
    "all connected",
    "latency p50, p99",
    "live",
    "read later",
    "not yet",
    "throttled",
    "dollars",
]
LABELS = {
    "crowd": "crowd",
    "rooms": "1,000 rooms",
    "large-1": "10,000 at 1/s",
    "large-5": "10,000 at 5/s",
    "reconnect": "reconnect",
}
COLOURS = {"crowd": "#c8553d", "rooms": "#8a5a00", "large-1": "#0b6e4f", "large-5": "#7b3fa0", "reconnect": "#3d5a98"}

Outcomes = dict[str, dict[str, Any]]
"""Fields of each Outcome, by scenario and concurrency, crowd/10, or by scenario and change, rooms/quota."""


def write(parameters: dict[str, Any], check: Outcome, outcomes: Outcomes, docs: Path) -> None:
    """Write results.json, the table and the plots."""
    RESULTS.write_text(_json({"parameters": parameters, "check": {"check": check._asdict()}, "outcomes": outcomes}))
    page = docs / "scaling.md"
    page.write_text(replace_table(page.read_text(), table(outcomes)))
    for name, plot in plots(outcomes).items():
        (docs / name).write_text(plot)


def replace_table(page: str, rows: str) -> str:
    """Return the page with its generated table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{rows}{END}{after}"


def table(outcomes: Outcomes) -> str:
    """Return the results as a table in Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [HEAD, ["---"] * len(HEAD), *_rows(outcomes)])


def plots(outcomes: Outcomes) -> dict[str, str]:
    """Return the plots by file name."""
    return {
        "scaling-connected.svg": "\n".join(_connected(outcomes)) + "\n",
        "scaling-latency.svg": "\n".join(_latency(outcomes)) + "\n",
    }


def _json(sections: dict[str, dict[str, Any]]) -> str:
    """Return sections as JSON with a line for each entry, so that differences are readable."""
    texts = []
    for name, section in sections.items():
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in section.items())
        texts.append(f' "{name}": {{\n{lines}\n }}')
    return "{\n" + ",\n".join(texts) + "\n}\n"


def _scenario(key: str) -> tuple[Scenario, int]:
    """Return the scenario and the concurrency of an outcome."""
    if key in CHANGED:
        return CHANGED[key], CONCURRENCIES[0]
    name, concurrency = key.split("/")
    return SCENARIOS[name], int(concurrency)


def _rows(outcomes: Outcomes) -> Iterator[list[str]]:
    for key, outcome in outcomes.items():
        scenario, concurrency = _scenario(key)
        has_deliveries = outcome["p50"] is not None
        yield [
            scenario.name,
            f"{concurrency:,}",
            _connected_at(outcome, scenario.rooms * scenario.members),
            f"{_seconds(outcome['p50'])}, {_seconds(outcome['p99'])}" if has_deliveries else "-",
            *(f"{outcome[share]:.0%}" if has_deliveries else "-" for share in ("live", "later", "missing")),
            ", ".join(f"{kind} {_count(count)}" for kind, count in _largest(outcome["throttles"])),
            f"{outcome['dollars']:.2f}",
        ]


def _connected_at(outcome: dict[str, Any], everybody: int) -> str:
    at, connected = outcome["connected_at"], outcome["connected"]
    if at is None:
        return f"no: {connected[-1]:,} at the end"
    return "always" if at == 0 and connected[0] == everybody else f"after {at} s"


def _largest(throttles: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(throttles.items(), key=lambda item: -item[1])[:3]


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def _count(value: int) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value / 1e3:.0f} k" if value >= 1e4 else f"{value:,}"


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 360, 60, 190, 40, 45


def _connected(outcomes: Outcomes) -> Iterator[str]:
    lines = {}
    for key in outcomes:
        name = key.split("/")[0]
        if name in ("crowd", "reconnect") and key not in CHANGED:
            everybody = SCENARIOS[name].rooms * SCENARIOS[name].members
            lines[key] = [(at, count / everybody) for at, count in enumerate(outcomes[key]["connected"])]
    longest = max(points[-1][0] for points in lines.values())
    # A run ends when everybody is up to date; nobody leaves after that.
    lines = {key: [*points, (longest, points[-1][1])] for key, points in lines.items()}
    ticks = [(second / longest, str(second)) for second in range(0, longest + 1, 60)]
    scaled = {key: [(at / longest, share) for at, share in points] for key, points in lines.items()}
    yield from _plot("Members who are connected, by seconds", ticks, scaled)


def _latency(outcomes: Outcomes) -> Iterator[str]:
    first, last = math.log10(LATENCIES[0]), math.log10(LATENCIES[-1])
    across = [(math.log10(latency) - first) / (last - first) for latency in LATENCIES]
    ticks = [(x, f"{latency:g}") for x, latency in zip(across, LATENCIES, strict=True)]
    scaled = {
        key: list(zip(across, outcome["delivered_within"], strict=True))
        for key, outcome in outcomes.items()
        if key.split("/")[0] not in ("crowd", "reconnect") and key not in CHANGED
    }
    yield from _plot("Deliveries that the page has, live or read later, by seconds since the message", ticks, scaled)


def _plot(title: str, ticks: list[tuple[float, str]], lines: dict[str, list[tuple[float, float]]]) -> Iterator[str]:
    """Yield a plot of shares. The white background is legible in dark themes, too."""
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    yield svg.text(LEFT, 22, title, size=14)
    for x, label in ticks:
        (at, _), bottom = _place(x, 0), HEIGHT - BOTTOM
        yield svg.line([(at, TOP), (at, bottom)], "#dddddd", 1)
        yield svg.text(at, bottom + 20, label, anchor="middle")
    for share in (0, 0.25, 0.5, 0.75, 1):
        yield svg.line([_place(0, share), _place(1, share)], "#dddddd", 1)
        yield svg.text(LEFT - 8, _place(0, share)[1] + 4, f"{share:.0%}", anchor="end")
    labels = svg.spread_labels({key: _place(0, points[-1][1])[1] for key, points in lines.items()})
    for key, points in lines.items():
        name, concurrency = key.split("/")
        yield svg.line(_thin(_place(x, y) for x, y in points), COLOURS[name], 2, dashed=concurrency == "10")
        label = f"{LABELS[name]}, Lambda {int(concurrency):,}"
        yield svg.text(WIDTH - RIGHT + 10, labels[key], label, colour=COLOURS[name])
    yield "</svg>"


def _place(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - BOTTOM - TOP)


def _thin(points: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Drop points that are less than two pixels from the one before."""
    before, last = None, None
    for last in points:
        if before is None or math.dist(before, last) >= 2:
            before = last
            yield last
    if last is not None and last != before:
        yield last
