"""Results of the simulation as the table of docs/scaling.md."""

from __future__ import annotations

from benchmarks.simulation.scenarios import Outcome, Scenario

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


def replace_table(page: str, rows: list[list[str]]) -> str:
    """Return the page with its generated table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in [HEAD, ["---"] * len(HEAD), *rows])
    return f"{before}{BEGIN}{table}{END}{after}"


def row(scenario: Scenario, concurrency: int, outcome: Outcome) -> list[str]:
    """Return the cells of a run."""
    deliveries = ["-"] * 4
    if outcome.p50 is not None and outcome.p99 is not None:
        latencies = f"{_seconds(outcome.p50)}, {_seconds(outcome.p99)}"
        deliveries = [latencies, *(f"{share:.0%}" for share in (outcome.live, outcome.later, outcome.missing))]
    most_frequent = sorted(outcome.throttles.items(), key=lambda item: -item[1])[:3]
    return [
        scenario.name,
        f"{concurrency:,}",
        _connected(outcome),
        *deliveries,
        ", ".join(f"{kind} {_count(count)}" for kind, count in most_frequent),
        f"{outcome.dollars:.2f}",
    ]


def _connected(outcome: Outcome) -> str:
    if outcome.connected_at is None:
        return f"no: {outcome.connected:,} at the end"
    return f"after {outcome.connected_at} s" if outcome.connected_at else "always"


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def _count(value: int) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value / 1e3:.0f} k" if value >= 1e4 else f"{value:,}"
