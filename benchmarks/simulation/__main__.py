"""Run all scenarios, and write their results: `make simulate`."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from benchmarks.simulation import parameters, report
from benchmarks.simulation.scenarios import CHANGED, CHECK, CONCURRENCIES, SCENARIOS, run
from deployment.config import PROJECT


def main() -> None:
    """Run all scenarios, as many at once as there are processors. Every run has its own random numbers."""
    runs = {f"{name}/{limit}": (scenario, limit) for name, scenario in SCENARIOS.items() for limit in CONCURRENCIES}
    runs |= {key: (scenario, CONCURRENCIES[0]) for key, scenario in CHANGED.items()}
    outcomes = {}
    with ProcessPoolExecutor() as executor:
        results = executor.map(run, *zip(*runs.values(), strict=True))
        for (key, (scenario, limit)), outcome in zip(runs.items(), results, strict=True):
            outcomes[key] = outcome._asdict()
            print(f"{scenario.name}, Lambda {limit:,}", flush=True)
    report.write(parameters.recorded(), run(CHECK, CONCURRENCIES[0]), outcomes, PROJECT / "docs")


if __name__ == "__main__":
    main()
