"""Run all scenarios, and write their results into docs/scaling.md: `make simulate`."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from benchmarks.simulation import report
from benchmarks.simulation.scenarios import CHANGED, CONCURRENCIES, SCENARIOS, run
from deployment.config import PROJECT


def main() -> None:
    """Run all scenarios, as many at once as there are processors. Every run has its own random numbers."""
    runs = [(scenario, concurrency) for scenario in SCENARIOS.values() for concurrency in CONCURRENCIES]
    runs += [(scenario, CONCURRENCIES[0]) for scenario in CHANGED]
    rows = []
    with ProcessPoolExecutor() as executor:
        for (scenario, concurrency), outcome in zip(runs, executor.map(run, *zip(*runs, strict=True)), strict=True):
            rows.append(report.row(scenario, concurrency, outcome))
            complete = "never" if outcome.complete_at is None else f"after {outcome.complete_at} s"
            print(f"{scenario.name}, Lambda {concurrency:,}: everybody has every message {complete}", flush=True)
    page = PROJECT / "docs/scaling.md"
    page.write_text(report.replace_table(page.read_text(), rows))


if __name__ == "__main__":
    main()
