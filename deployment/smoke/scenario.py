"""Scenarios: what clients do with a chat, and what they expect of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deployment.smoke.client import Chat

Run = Callable[[Chat], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """A scenario. `needs_guests`: it needs several people, which guests with keys are, and one access token is not."""

    run: Run
    needs_guests: bool

    @property
    def name(self) -> str:
        return self.run.__name__.replace("_", " ")


SCENARIOS: list[Scenario] = []
"""All scenarios, in the order of their declarations."""


def scenario(*, needs_guests: bool = False) -> Callable[[Run], Run]:
    """Declare a scenario. It returns if the chat does all that it expects, and raises Difference otherwise."""

    def register(run: Run) -> Run:
        SCENARIOS.append(Scenario(run, needs_guests))
        return run

    return register
