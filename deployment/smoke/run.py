"""The run of all scenarios, measurements and observations, with its report."""

from __future__ import annotations

import time

from deployment.smoke import latency, observations, scenarios  # noqa: F401 - declares the scenarios
from deployment.smoke.client import Chat
from deployment.smoke.differences import Difference
from deployment.smoke.scenario import SCENARIOS, Run, Scenario

WIDTH = 70
LONGEST_LINE = 400


class SmokeTest:
    """A run against one chat, which prints its report line by line. `failed` are the names of what differed."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.failed: list[str] = []

    def say(self, line: str) -> None:
        print(line, flush=True)

    async def run(self, only: str = "") -> bool:
        """Run the scenarios whose names contain `only`, and without it the measurements. Return whether all passed."""
        chosen = [scenario for scenario in SCENARIOS if only in scenario.name]
        if not chosen:
            raise Difference(f"no scenario has {only!r} in its name, only: {', '.join(s.name for s in SCENARIOS)}")
        self.say(f"{'scenario':<{WIDTH}}{'seconds':>8}  result")
        for scenario in chosen:
            await self._run_scenario(scenario)
        if not only:
            self.say("")
            await self._report("latency", self._measure)
            self.say("")
            await self._report("observations", self._observe)
        passed = not self.failed
        self.say("")
        self.say("Everything is as expected." if passed else f"Different: {', '.join(self.failed)}")
        return passed

    async def _run_scenario(self, scenario: Scenario) -> None:
        if scenario.needs_guests and self.chat.access_token:
            self.say(f"{scenario.name:<{WIDTH}}{'':>8}  not run: it needs several guests, not one user")
            return
        started = time.perf_counter()
        difference = await self._difference(scenario.run)
        result = f"DIFFERENT: {difference}" if difference else "ok"
        self.say(f"{scenario.name:<{WIDTH}}{time.perf_counter() - started:8.1f}  {result}")
        if difference:
            self.failed.append(scenario.name)

    async def _report(self, name: str, part: Run) -> None:
        if difference := await self._difference(part):
            self.failed.append(name)
            self.say(f"{name}: DIFFERENT: {difference}")

    async def _difference(self, part: Run) -> str:
        """Run a part, close its rooms, and return what differed in one line, the empty string if nothing did."""
        found = []
        try:
            await part(self.chat)
        except Exception as error:  # noqa: BLE001 - a response may be wrong in any way, and the next part shall run
            found.append(_line(error))
        finally:
            # Also after Ctrl-C: it cancels the part, and this runs to its end.
            try:
                await self.chat.close_rooms()
            except Exception as error:  # noqa: BLE001 - the same
                found.append(_line(error))
        return "; ".join(found)

    async def _measure(self, chat: Chat) -> None:
        for line in latency.table(await latency.measure(chat)):
            self.say(line)

    async def _observe(self, chat: Chat) -> None:
        for line in await observations.observe(chat):
            self.say(line)


def _line(error: Exception) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split()) or "no text"
    if not isinstance(error, Difference):
        text = f"{type(error).__name__}: {text}"
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
