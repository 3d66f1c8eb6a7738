"""Workaround for moto."""

from __future__ import annotations

import pytest
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


@pytest.fixture(autouse=True)
def bucket_policies_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not apply bucket policies: moto 5.2.5 applies a denial to requests that do not meet its condition, too."""
    monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
