"""One broadcast of an invocation, as chalicelib/delivery/http_pool.py: waves of MAX_CONNECTIONS posts, with retries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from benchmarks.simulation import parameters as p
from benchmarks.simulation.aws import Cloud, Environment, Steps

RETRY_STEP = 0.05
"""Retries are due at multiples of this. The program looks for due retries every 0.02 s; fewer steps run faster."""

Recipient = TypeVar("Recipient")


class Result(NamedTuple, Generic[Recipient]):
    """Recipients by result. The delivered ones are not listed."""

    gone: list[Recipient]
    failed: list[Recipient]


def broadcast(
    cloud: Cloud,
    environment: Environment,
    recipients: Iterable[Recipient],
    deliver: Callable[[Recipient], bool],
    rate: float = math.inf,
) -> Steps:
    """Post to all recipients, and return the Result. deliver returns whether the recipient's connection is open.

    rate: maximum number of posts per second.

    A wave takes as long as one post, or as long as the CPU needs for its posts. API Gateway either accepts a post or
    throttles it; posts do not hang. In the program, posts overlap more freely than in waves.
    """
    env, result = cloud.env, Result[Recipient]([], [])
    ends = min(env.now + p.BROADCAST_TIMEOUT, environment.deadline)
    pending: list[list[Recipient]] = [[] for _ in range(p.MAX_POST_ATTEMPTS)]  # by attempt
    pending[0].extend(recipients)
    retries: dict[tuple[int, int], list[Recipient]] = {}  # by step and attempt
    opening = _open_connections(environment, env.now, len(pending[0]))
    while retries or any(pending):
        for step, attempt in [due for due in retries if due[0] * RETRY_STEP <= env.now]:
            pending[attempt] += retries.pop((step, attempt))
        if env.now >= ends:
            break
        if not any(pending):
            yield env.timeout(min(min(retries)[0] * RETRY_STEP, ends) - env.now)
            continue
        wave, size = _take_wave(pending)
        granted = cloud.account.take(size)
        cpu = (size * p.CPU_POST + opening * p.CPU_TLS) / environment.cpu_share
        opening = 0
        yield env.timeout(max(p.POST, cpu, size / rate))
        cloud.tally.websocket_messages += granted
        cloud.tally.throttles["account"] += size - granted
        for attempt, posts in enumerate(wave):
            result.gone.extend(recipient for recipient in posts[:granted] if not deliver(recipient))
            throttled, granted = posts[granted:], max(0, granted - len(posts))
            if attempt + 1 == p.MAX_POST_ATTEMPTS:
                result.failed.extend(throttled)
            else:
                _schedule(cloud, throttled, attempt + 1, retries)
    for posts in (*pending, *retries.values()):
        result.failed.extend(posts)
    environment.last_post = env.now
    return result


def _take_wave(pending: list[list[Recipient]]) -> tuple[list[list[Recipient]], int]:
    """Take up to MAX_CONNECTIONS posts by attempt, and return them with their number."""
    wave, size = [], 0
    for attempt, posts in enumerate(pending):
        taken = posts[: p.MAX_CONNECTIONS - size]
        pending[attempt] = posts[len(taken) :]
        wave.append(taken)
        size += len(taken)
    return wave, size


def _schedule(
    cloud: Cloud, posts: list[Recipient], attempt: int, retries: dict[tuple[int, int], list[Recipient]]
) -> None:
    """Spread retries evenly over their backoff, in steps."""
    steps = round(p.POST_BACKOFF * 2**attempt / RETRY_STEP)
    first, offset = int(cloud.env.now / RETRY_STEP) + 1, cloud.random.randrange(steps)
    for index in range(min(steps, len(posts))):
        due = first + (index + offset) % steps, attempt
        retries.setdefault(due, []).extend(posts[index::steps])


def _open_connections(environment: Environment, now: float, posts: int) -> int:
    """Return how many HTTP connections this broadcast opens. Idle ones are kept for MAX_IDLE."""
    if now - environment.last_post >= p.MAX_IDLE:
        environment.http_connections = 0
    opening = max(0, min(posts, p.MAX_CONNECTIONS) - environment.http_connections)
    environment.http_connections += opening
    return opening
