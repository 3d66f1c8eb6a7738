"""Throttling of both APIs."""

from __future__ import annotations

import pytest

from tests.support.packages import STAGES, Packages, resources_of

pytestmark = pytest.mark.deployment


@pytest.mark.parametrize("stage", STAGES)
def test_both_apis_are_throttled_and_have_no_execution_logs(packages: Packages, stage: str) -> None:
    resources = resources_of(packages[stage])
    (rest,) = resources["RestAPI"]["Properties"]["MethodSettings"]
    websocket = resources["WebsocketAPIStage"]["Properties"]["DefaultRouteSettings"]
    assert (rest["ResourcePath"], rest["HttpMethod"]) == ("/*", "*")
    for limits in (rest, websocket):
        assert 0 < limits["ThrottlingRateLimit"] < 10_000
        assert 0 < limits["ThrottlingBurstLimit"] < 5_000
        assert (limits["LoggingLevel"], limits["DataTraceEnabled"]) == ("OFF", False)
