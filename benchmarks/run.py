"""Measure the program against the other contenders, in one run on one machine.

`python -m benchmarks.run` takes some minutes, and writes results.md and wall.svg to benchmarks/. `--quick` only checks
that everything works: it uses small rooms and one round, and writes to build/benchmarks.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks import report
from benchmarks.contenders import (
    COLD_STARTS,
    CONTENDERS,
    BenchmarkError,
    FirstMessage,
    Sample,
    first_message,
    start_contender,
)
from benchmarks.environment import PROJECT, Environment, delay_dynamodb, start_environment
from benchmarks.report import Failures, Latency, Measurement, Results

DELAY_MS = 10
DYNAMODB_DELAY_MS = 5
"""Delay of each response of DynamoDB in the measurement of latencies only."""
FAILURE_SHARES = {"throttled": 0.05, "broken": 0.01, "hanging": 0.01, "gone": 0.05}
"""The share of members that fail in each way (see benchmarks.gateway)."""

ROUNDS = {1: 15, 10: 15, 100: 11, 1_000: 5, 10_000: 3}
QUICK_ROUNDS = {1: 1, 20: 1}
"""Messages for each contender by room size. One warm-up message before them is not counted."""


def bench(quick: bool) -> Results:
    """Take all measurements, and report progress to standard error."""
    rounds, repeats = (QUICK_ROUNDS, 1) if quick else (ROUNDS, 11)
    with (
        tempfile.TemporaryDirectory() as name,
        start_environment(folder := Path(name), DELAY_MS) as environment,
    ):
        first = _measure_first_messages(environment, folder, repeats)
        rows = [row for size, count in rounds.items() for row in _measure_messages(environment, folder, size, count)]
        # Both sizes are above PRESENCE_LIMIT: a smaller room would also receive leave notifications.
        size, count = (120, 1) if quick else (1_000, 3)
        failures = _measure_failures(environment, folder, size, count)
        latencies = _measure_latencies(environment, folder, members=10, count=2 if quick else 200)
    return Results(DELAY_MS, DYNAMODB_DELAY_MS, rows, first, failures, latencies)


def _measure_first_messages(environment: Environment, folder: Path, repeats: int) -> dict[str, FirstMessage]:
    """Measure cold starts: the first message of a new process, imports included."""
    _log("First messages")
    sender = environment.create_room("first", ["plain"])
    # The first round is a warm-up: it fills the page cache, and Python writes its bytecode.
    rounds = [[first_message(name, environment, folder, sender) for name in COLD_STARTS] for _ in range(repeats + 1)]
    samples = zip(*rounds[1:], strict=True)  # those of each contender
    medians = [FirstMessage(*map(median, zip(*contender, strict=True))) for contender in samples]
    return dict(zip(COLD_STARTS, medians, strict=True))


def _measure_latencies(environment: Environment, folder: Path, members: int, count: int) -> list[Latency]:
    """Measure messages of one member of a small room, one after the other, with a DynamoDB that answers late."""
    sender = environment.create_room("latency", ["plain"] * members)
    names = ["program", "node"]
    with delay_dynamodb(environment, DYNAMODB_DELAY_MS) as delayed, ExitStack() as started:
        contenders = [started.enter_context(start_contender(name, delayed, folder)) for name in names]
        walls: dict[str, list[float]] = {name: [] for name in names}
        for round_ in range(count + 1):
            for contender in contenders:
                wall_ms = contender.send_message(sender, reachable=members).wall_ms
                if round_:
                    walls[contender.name].append(wall_ms)
    return [Latency(name, members, median(walls[name]), quantiles(walls[name], n=100)[98]) for name in names]


def _measure_messages(environment: Environment, folder: Path, size: int, rounds: int) -> Iterator[Measurement]:
    """Measure messages in a room of this size, in new processes that take turns."""
    sender = environment.create_room(f"room{size}", ["plain"] * size)
    with ExitStack() as started:
        contenders = [started.enter_context(start_contender(name, environment, folder)) for name in CONTENDERS]
        samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
        for round_ in range(rounds + 1):
            for contender in contenders:
                _log(f"Room of {size:,}, round {round_} of {rounds}: {contender.name}")
                sample = contender.send_message(sender, reachable=size)
                if round_:
                    samples[contender.name].append(sample)
        for contender in contenders:
            yield _summarize(contender.name, size, samples[contender.name], contender.peak_mb())


def _summarize(name: str, size: int, samples: list[Sample], peak_mb: float) -> Measurement:
    return Measurement(
        contender=name,
        members=size,
        wall_ms=median(sample.wall_ms for sample in samples),
        cpu_ms=median(sample.cpu_ms for sample in samples),
        peak_mb=peak_mb,
        dynamodb_requests=round(median(sample.dynamodb_requests for sample in samples)),
        delivered=min(sample.delivered for sample in samples),
    )


def _measure_failures(environment: Environment, folder: Path, size: int, rounds: int) -> Failures:
    """Measure the program in rooms where some posts fail. It removes members that are gone, so each round has its own
    room."""
    kinds = _kinds(size)
    reachable = size - kinds.count("gone") - kinds.count("hanging")
    clean_room = environment.create_room("clean", ["plain"] * size)
    failing_rooms = [environment.create_room(f"failing{round_}", kinds) for round_ in range(rounds)]
    with start_contender("program", environment, folder) as program:
        program.send_message(clean_room, reachable=size)
        clean, failing = [], []
        for round_, room in enumerate(failing_rooms, start=1):
            _log(f"Room of {size:,} with failures, round {round_} of {rounds}")
            clean.append(program.send_message(clean_room, reachable=size))
            failing.append(program.send_message(room, reachable))
    return Failures(
        members=size,
        reachable=reachable,
        delivered=min(sample.delivered for sample in failing),
        posts=round(median(sample.posts for sample in failing)),
        clean_ms=median(sample.wall_ms for sample in clean),
        failing_ms=median(sample.wall_ms for sample in failing),
    )


def _kinds(size: int) -> list[str]:
    failing = [kind for kind, share in FAILURE_SHARES.items() for _ in range(math.ceil(size * share))]
    return ["plain"] * (size - len(failing)) + failing


def _log(step: str) -> None:
    print(step, file=sys.stderr)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="only check that everything works")
    quick = options.parse_args().quick
    folder = PROJECT / ("build/benchmarks" if quick else "benchmarks")
    try:
        results = bench(quick)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report.write(results, folder)
    print((folder / "results.md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
