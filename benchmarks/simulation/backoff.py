"""Exponential backoff with jitter, as backoff.ts of the client."""

from __future__ import annotations

from random import Random

from benchmarks.simulation import parameters as p


def backoff(random: Random, failures: int) -> float:
    """Return the seconds before the next attempt."""
    longest: float = min(p.LONGEST_PAUSE, p.FIRST_PAUSE * 2**failures)
    return longest * (0.5 + random.random() / 2)
