"""The order of the tests: folders whose tests take long come first, so that the workers of `make test` end together."""

from __future__ import annotations

import pytest

__all__ = ["pytest_collection_modifyitems"]

LONGEST_FIRST = ["walk", "localcloud", "browser", "benchmarks", "contract", "unit"]


def _folder(item: pytest.Item) -> str:
    return item.nodeid.split("/")[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by folder."""
    items.sort(key=lambda item: LONGEST_FIRST.index(_folder(item)) if _folder(item) in LONGEST_FIRST else 0)
