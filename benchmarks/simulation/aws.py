"""AWS's quotas: API Gateway's token buckets, DynamoDB's partitions, Lambda's concurrency, SQS's pollers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Generator
from functools import partial
from random import Random
from typing import Any, NamedTuple

import simpy

from benchmarks.simulation import parameters as p
from benchmarks.simulation.tally import Tally

Steps = Generator[simpy.Event, Any, Any]
"""A SimPy process: it yields what it waits for."""


class TokenBucket:
    """Tokens that return at a rate, up to a burst. Refused requests take none (assumed)."""

    def __init__(self, env: simpy.Environment, name: str, rate: float, burst: float) -> None:
        self._env, self.name, self._rate, self._burst = env, name, rate, burst
        self._tokens, self._filled_at = burst, 0.0

    def take(self, wanted: int = 1) -> int:
        """Take up to wanted tokens, and return how many there were."""
        granted = min(wanted, int(self._fill() + 1e-9))
        self._tokens -= granted
        return granted

    def spend(self, units: float) -> bool:
        """Take units if any token is left, as DynamoDB does: it knows the size of a read only after it."""
        if self._fill() <= 0:
            return False
        self._tokens -= units
        return True

    def _fill(self) -> float:
        now = self._env.now
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return self._tokens


class Partition:
    """One partition key of a table or index. Its burst is assumed: one second's worth."""

    def __init__(self, env: simpy.Environment) -> None:
        self.reads = TokenBucket(env, "DynamoDB reads", p.PARTITION_READS, p.PARTITION_READS)
        self.writes = TokenBucket(env, "DynamoDB writes", p.PARTITION_WRITES, p.PARTITION_WRITES)
        self.busy_until = 0.0


class Environment:
    """A Lambda execution environment: its share of a CPU, and the HTTP connections it keeps open."""

    def __init__(self, function: str) -> None:
        self.function = function
        self.cpu_share = min(1.0, p.MEMORY_MB[function] / p.MEMORY_OF_ONE_CPU)
        self.http_connections = 0
        self.last_post = 0.0
        self.deadline = 0.0


class Cloud:
    """One account in one Region."""

    def __init__(self, env: simpy.Environment, concurrency: int, seed: int) -> None:
        self.env, self.random, self.tally = env, Random(seed), Tally()  # noqa: S311
        self.concurrency = concurrency
        self.account = TokenBucket(env, "account", p.ACCOUNT_RATE, p.ACCOUNT_BURST)
        self.rest_stage = TokenBucket(env, "REST stage", p.REST_RATE, p.REST_BURST)
        self.websocket_stage = TokenBucket(env, "WebSocket stage", p.WEBSOCKET_RATE, p.WEBSOCKET_BURST)
        self.new_connections = TokenBucket(env, "new connections", p.NEW_CONNECTIONS_RATE, p.NEW_CONNECTIONS_BURST)
        rate = p.INVOCATIONS_PER_CONCURRENCY * concurrency
        self._invocations = TokenBucket(env, "Lambda rate", rate, rate)
        self._running = 0
        self._warm: defaultdict[str, list[Environment]] = defaultdict(list)

    def admit(self, *buckets: TokenBucket) -> bool:
        """Take a token of each bucket and of the account. Count a refusal."""
        return all(self._take(bucket) for bucket in (*buckets, self.account))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call act after some seconds. Cheaper than a process."""
        waiting = self.env.timeout(seconds)
        assert waiting.callbacks is not None  # noqa: S101 - SimPy removes them only after the event
        waiting.callbacks.append(lambda _: act())

    def invoke(self, function: str, work: Callable[[Environment], Steps]) -> Steps | None:
        """Start an invocation. Return its steps, whose result is that of work, or None if Lambda throttles it."""
        if self._running >= self.concurrency:
            self.tally.throttles["Lambda concurrency"] += 1
            return None
        if not self._take(self._invocations):
            return None
        self._running += 1
        return self._run(function, work)

    def _run(self, function: str, work: Callable[[Environment], Steps]) -> Steps:
        began, startup = self.env.now, 0.0
        if self._warm[function]:
            environment = self._warm[function].pop()
        else:
            environment, startup = Environment(function), p.COLD_START
        environment.deadline = self.env.now + startup + p.FUNCTION_TIMEOUT[function]
        yield self.env.timeout(startup + p.CPU_INVOCATION / environment.cpu_share)
        result = yield from work(environment)
        self._running -= 1
        if self.env.now < environment.deadline:
            self._warm[function].append(environment)
        self.tally.invocations += 1
        self.tally.gb_seconds += (self.env.now - began) * p.MEMORY_MB[function] / 1024
        return result

    def read(self, partition: Partition, units: float) -> Steps:
        """Read from a partition, with botocore's retries. Return whether it succeeded."""
        for attempt in range(p.READ_ATTEMPTS):
            yield self.env.timeout(p.REQUEST)
            if partition.reads.spend(units):
                self.tally.read_units += units
                return True
            self.tally.throttles["DynamoDB reads"] += 1
            if attempt < p.READ_ATTEMPTS - 1:
                yield self.env.timeout(self.random.uniform(0, min(2**attempt, p.READ_BACKOFF_LIMIT)))
        return False

    def write(self, partition: Partition, units: float = 1) -> Steps:
        """Write an item, whether its condition holds or not. A throttled write is repeated until it succeeds."""
        while True:
            yield self.env.timeout(p.REQUEST)
            if partition.writes.spend(units):
                self.tally.write_units += units
                return
            self.tally.throttles["DynamoDB writes"] += 1
            yield self.env.timeout(self.random.uniform(0, 1))

    def transact(self, partition: Partition, units: float) -> Steps:
        """Write an item in a transaction that conflicts with others, and retry it as the program does.

        Return whether it succeeded. A conflicting transaction costs half the units: it is prepared, but not committed
        (assumed).
        """
        began, longest = self.env.now, p.CONFLICT_BACKOFF
        while True:
            yield from self.read(partition, 1)
            is_free = self.env.now >= partition.busy_until
            spent = units if is_free else units / 2
            is_written = partition.writes.spend(spent) and is_free
            if is_written:
                partition.busy_until = self.env.now + p.CONFLICT_WINDOW
            else:
                self.tally.throttles["DynamoDB writes" if is_free else "conflicts"] += 1
            self.tally.write_units += spent
            yield self.env.timeout(p.TRANSACTION)
            if is_written:
                return True
            if self.env.now - began >= p.CONFLICT_PATIENCE:
                return False
            yield self.env.timeout(self.random.uniform(0, longest))
            longest = min(p.CONFLICT_BACKOFF_LIMIT, 2 * longest)

    def _take(self, bucket: TokenBucket) -> bool:
        if bucket.take():
            return True
        self.tally.throttles[bucket.name] += 1
        return False


class _Received(NamedTuple):
    work: Callable[[Environment], Steps]
    receives: int


class Queue:
    """The fan-out queue and its event source mapping."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._env = cloud, cloud.env
        self._visible: deque[_Received] = deque()
        self._active = 0
        self._pollers = float(p.POLLERS)
        self._env.process(self._scale())

    def put(
        self, work: Callable[[Environment], Steps], delay: float = 0, requests: int = p.QUEUE_REQUESTS_PER_BATCH
    ) -> None:
        """Queue a job: work is what its invocation does."""
        self._cloud.tally.queue_requests += requests
        self._cloud.later(p.SQS_DELIVERY + delay, partial(self._deliver, _Received(work, 1)))

    def _deliver(self, batch: _Received) -> None:
        self._visible.append(batch)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._visible and self._active < int(self._pollers):
            self._active += 1
            self._env.process(self._handle(self._visible.popleft()))

    def _handle(self, batch: _Received) -> Steps:
        visible_at = self._env.now + p.VISIBILITY_TIMEOUT
        while (invocation := self._cloud.invoke("fan_out", batch.work)) is None and self._env.now < visible_at:
            yield self._env.timeout(p.THROTTLED_BATCH_RETRY)
        if invocation is None:
            self._return(batch)
        else:
            yield from invocation
        self._active -= 1
        self._dispatch()

    def _return(self, batch: _Received) -> None:
        if batch.receives < p.MAX_RECEIVES:  # otherwise it goes to the dead-letter queue
            self._visible.append(batch._replace(receives=batch.receives + 1))

    def _scale(self) -> Steps:
        while True:
            yield self._env.timeout(1)
            change = p.POLLERS_PER_SECOND if self._visible else -p.POLLERS_PER_SECOND
            self._pollers = max(p.POLLERS, min(p.MAX_POLLERS, self._pollers + change))
            self._dispatch()
