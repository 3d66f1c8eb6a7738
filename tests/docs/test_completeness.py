"""The documents mention every module, stored attribute, setting and metric."""

from __future__ import annotations

from itertools import chain

import pytest
from pynamodb.models import Model

from chalicelib import request_log, settings
from chalicelib.storage import models
from tests.conftest import PROJECT

ARCHITECTURE = (PROJECT / "docs/architecture.md").read_text()
OPERATIONS = (PROJECT / "docs/operations.md").read_text()

MODULES = [path.name for path in (PROJECT / "chalicelib").rglob("*.py") if path.name != "__init__.py"]
MODELS = [model for model in vars(models).values() if isinstance(model, type) and issubclass(model, Model)]
ATTRIBUTES = set(chain.from_iterable(model.get_attributes() for model in MODELS))


@pytest.mark.parametrize("name", sorted({*MODULES, *ATTRIBUTES}))
def test_architecture_mentions_each_module_and_stored_attribute(name: str) -> None:
    assert f"`{name}`" in ARCHITECTURE


@pytest.mark.parametrize("name", sorted({*settings.__all__, *request_log.METRICS} - {"APP_NAME", "is_secure_url"}))
def test_operations_mentions_each_setting_and_metric(name: str) -> None:
    assert f"`{name}`" in OPERATIONS
