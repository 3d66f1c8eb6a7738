"""Distribution of the tests among the workers of `make test`."""

from __future__ import annotations

from itertools import chain, islice

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

LOCAL_CLOUD = "tests/localcloud/"
OTHERS = "tests/"
LONGEST_FIRST = [
    "tests/descriptions/test_extending.py",
    "tests/browser/test_engines.py",
    "tests/web/",
    "tests/deployment/",
    "tests/localcloud/test_soak.py",
    "tests/localcloud/test_smoke.py",
    "tests/localcloud/test_rest_schema.py",
    "tests/browser/",
    "tests/benchmarks/",
    "tests/faults/",
    LOCAL_CLOUD,
    OTHERS,
]
SHORT_TESTS = 20
"""The number of short tests that follow a test on the local cloud: together they take about as long as that."""
SHARE_A_FIXTURE = {
    "tests/benchmarks/test_run.py",
    "tests/browser/test_engines.py",
    "tests/browser/test_nextjs.py",
    "tests/browser/test_sign_in.py",
    "tests/localcloud/test_reload.py",
    "tests/localcloud/test_rest_schema.py",
    "tests/localcloud/test_soak.py",
}
"""Files whose tests share a fixture that takes seconds: one worker runs all tests of such a file."""

PACKAGES = "packages"
USE_PACKAGES = {
    f"tests/deployment/test_{name}.py"
    for name in (
        "access_logs",
        "budget",
        "concurrency",
        "limits",
        "monitoring",
        "package",
        "postprocess",
        "roles",
        "sign_in",
        "unused_parts",
        "web_acl",
    )
}
"""Files whose tests use the packages of all stages, which take longest: one worker runs all tests of these files."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the folders whose tests take long: the short ones at the end let the workers finish together.

    Tests on the local cloud mostly wait, and short ones compute: mixed, they keep the processors busy.
    """
    groups: dict[str, list[pytest.Item]] = {path: [] for path in LONGEST_FIRST}
    for item in items:
        groups[next(path for path in LONGEST_FIRST if item.nodeid.startswith(path))].append(item)
    short = iter(groups.pop(OTHERS))
    waiting = groups.pop(LOCAL_CLOUD)
    mixed = [test for item in waiting for test in (item, *islice(short, SHORT_TESTS))]
    items[:] = [*chain.from_iterable(groups.values()), *mixed, *short]


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no type hints
    """Scheduler that gives each worker one test at a time, one file of SHARE_A_FIXTURE, or all of USE_PACKAGES."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        if file in USE_PACKAGES:
            return PACKAGES
        return file if file in SHARE_A_FIXTURE else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Return the scheduler of pytest-xdist."""
    # Otherwise the scheduler would start with the files, whatever the order of the tests.
    config.option.loadscopereorder = False
    return Scheduling(config, log)
