"""Measure the program against its contenders, in one run on one machine.

`python -m benchmarks.run` takes some minutes and writes results.md and wall.svg beside this file. With `--quick` it is
a check that everything works: small rooms, one round, and what it writes goes to build/benchmarks.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import report
from benchmarks.contenders import CONTENDERS, BenchmarkError, Took, contender, first_message_ms
from benchmarks.report import Faults, Measured, Results
from benchmarks.stage import PROJECT, Stage, stage

__all__ = ["bench"]

DELAY_MS = 10
FAULT_SHARES = {"throttled": 0.05, "broken": 0.01, "hanging": 0.01, "gone": 0.05}
"""How large a share of the members fails, and how (see benchmarks.gateway)."""

ROUNDS = {1: 15, 10: 15, 100: 11, 1_000: 5, 10_000: 3}
QUICK_ROUNDS = {1: 1, 20: 1}
"""How many messages each contender is given in a room of so many members, after one that does not count."""


def bench(quick: bool) -> Results:
    """Measure everything, and say how far it is."""
    rounds, repeats = (QUICK_ROUNDS, 1) if quick else (ROUNDS, 11)
    with tempfile.TemporaryDirectory() as name, stage(folder := Path(name), DELAY_MS) as servers:
        first = _first_messages(servers, folder, repeats)
        measured = [row for size, times in rounds.items() for row in _messages(servers, folder, size, times)]
        # More than PRESENCE_LIMIT: a smaller room would also be told who has left it.
        faults = _faults(servers, folder, *((120, 1) if quick else (1_000, 3)))
    return Results(DELAY_MS, measured, first, faults)


def _first_messages(servers: Stage, folder: Path, repeats: int) -> dict[str, float]:
    """Measure the first message of a new process, imports included."""
    _say("First messages")
    sender = servers.fill_room("first", ["plain"])
    # Once before it counts, so that all files are in the memory of the machine, and Python's are compiled.
    rounds = [[first_message_ms(name, servers, folder, sender) for name in CONTENDERS] for _ in range(repeats + 1)]
    return dict(zip(CONTENDERS, map(median, zip(*rounds[1:], strict=True)), strict=True))


def _messages(servers: Stage, folder: Path, size: int, rounds: int) -> Iterator[Measured]:
    """Measure messages in a room, by new processes that take turns."""
    sender = servers.fill_room(f"room{size}", ["plain"] * size)
    with ExitStack() as started:
        running = [started.enter_context(contender(name, servers, folder)) for name in CONTENDERS]
        taken: dict[str, list[Took]] = {name: [] for name in CONTENDERS}
        for round_ in range(rounds + 1):
            for one in running:
                _say(f"A room of {size:,}, round {round_} of {rounds}: {one.name}")
                took = one.handle(sender, reachable=size)
                if round_:
                    taken[one.name].append(took)
        for one in running:
            yield _measured(one.name, size, taken[one.name], one.peak_mb())


def _measured(name: str, size: int, taken: list[Took], peak_mb: float) -> Measured:
    return Measured(
        contender=name,
        members=size,
        wall_ms=median(took.wall_ms for took in taken),
        cpu_ms=median(took.cpu_ms for took in taken),
        peak_mb=peak_mb,
        requests=round(median(took.requests for took in taken)),
        delivered=min(took.delivered for took in taken),
    )


def _faults(servers: Stage, folder: Path, size: int, rounds: int) -> Faults:
    """Measure the program where some members' posts fail. Those who are gone leave, so each round has a new room."""
    kinds = _kinds(size)
    reachable = size - kinds.count("gone") - kinds.count("hanging")
    clean_room = servers.fill_room("clean", ["plain"] * size)
    faulty_rooms = [servers.fill_room(f"faulty{round_}", kinds) for round_ in range(rounds)]
    with contender("program", servers, folder) as program:
        program.handle(clean_room, reachable=size)
        clean, faulty = [], []
        for round_, room in enumerate(faulty_rooms, start=1):
            _say(f"A room of {size:,} with faults, round {round_} of {rounds}")
            clean.append(program.handle(clean_room, reachable=size))
            faulty.append(program.handle(room, reachable))
    return Faults(
        members=size,
        reachable=reachable,
        delivered=min(took.delivered for took in faulty),
        posts=round(median(took.posts for took in faulty)),
        clean_ms=median(took.wall_ms for took in clean),
        faulty_ms=median(took.wall_ms for took in faulty),
    )


def _kinds(size: int) -> list[str]:
    faulty = [kind for kind, share in FAULT_SHARES.items() for _ in range(math.ceil(size * share))]
    return ["plain"] * (size - len(faulty)) + faulty


def _say(step: str) -> None:
    print(step, file=sys.stderr)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="only check that everything works")
    quick = options.parse_args().quick
    folder = PROJECT / ("build/benchmarks" if quick else "benchmarks")
    try:
        results = bench(quick)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    report.write(results, folder)
    print((folder / "results.md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
