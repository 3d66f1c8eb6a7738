"""Distribution of the tests among the workers of `make test`."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

LONGEST_FIRST = [
    "tests/descriptions/test_extending.py",
    "tests/browser/test_engines.py",
    "tests/deployment/",
    "tests/localcloud/",
    "tests/web/",
    "tests/browser/",
    "tests/benchmarks/",
    "tests/faults/",
    "tests/",
]
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
    """Start with the folders whose tests take long: the short ones at the end let the workers finish together."""
    items.sort(key=lambda item: next(rank for rank, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)))


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
