"""Addresses, settings and verdicts of the smoke test. tests/localcloud/test_smoke.py runs it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from moto import mock_aws

from deployment.errors import DeployError
from deployment.smoke import __main__ as command
from deployment.smoke.differences import Difference, expect
from deployment.smoke.latency import Latencies, Latency, table
from deployment.smoke.observations import Deliveries, judge
from deployment.stack import Stack

ADDRESS = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev/"


def describe(monkeypatch: pytest.MonkeyPatch, description: Any) -> None:
    monkeypatch.setattr(Stack, "describe", lambda stack: description)


def test_address_of_a_stage_is_an_output_of_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    describe(monkeypatch, {"Outputs": [{"OutputKey": "EndpointURL", "OutputValue": ADDRESS}]})
    with mock_aws():
        assert command.find_address("dev") == ADDRESS


def test_stage_that_is_not_deployed_is_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    describe(monkeypatch, None)
    with mock_aws(), pytest.raises(DeployError) as error:
        command.find_address("dev")
    assert str(error.value) == (
        "there is no stack chalice-chat-dev in us-east-1: run `make deploy STAGE=dev`, "
        "or name the address of the chat: `make smoke URL=https://…`"
    )


def test_settings_of_the_stage_are_those_of_the_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = {"environment_variables": {"MESSAGES_PER_WINDOW": "50", "ROOMS_TABLE": "chalice-chat-dev-rooms"}}
    monkeypatch.setattr(command, "read_stage", lambda name: stage)
    monkeypatch.setenv("MESSAGES_PER_WINDOW", "20")  # restored afterwards
    monkeypatch.delenv("ROOMS_TABLE", raising=False)
    command.use_settings("dev")
    assert os.environ["MESSAGES_PER_WINDOW"] == "50"
    assert "ROOMS_TABLE" not in os.environ


def test_address_without_a_chat_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main("http://127.0.0.1:1/dev") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "127.0.0.1" in line


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Deliveries(2_400, 2_400, 1.4, 0), "no: 2,400 of 2,400 posts arrived within 1.4 seconds, which would take 4.3"),
        (Deliveries(2_400, 2_400, 4.2, 0), "no: 2,400 of 2,400 posts arrived within 4.2 seconds, which would take 4.3"),
        (Deliveries(2_400, 2_400, 4.4, 0), "undecided: 2,400 of 2,400 posts arrived within 4.4 seconds"),
        (Deliveries(2_400, 2_399, 1.4, 0), "probably: 2,399 of 2,400 posts arrived within 1.4 seconds, with 0 errors"),
        (Deliveries(2_400, 2_400, 1.4, 3), "probably: 2,400 of 2,400 posts arrived within 1.4 seconds, with 3 errors"),
    ],
)
def test_throttle_is_judged_by_how_fast_all_posts_arrive(seen: Deliveries, verdict: str) -> None:
    assert judge(seen, rate=500, burst_limit=250).startswith(verdict)


def test_table_has_percentiles_and_counts_cold_starts_apart() -> None:
    further = [Latency(number / 1000, number / 500) for number in range(1, 101)]
    lines = list(table(Latencies([Latency(0.9, 1.0), Latency(0.1, 0.2)], further)))
    assert [line.split() for line in lines[3:5]] == [
        ["100", "messages,", "to", "the", "echo", "50", "99", "100"],
        ["100", "messages,", "to", "a", "second", "member", "101", "198", "200"],
    ]
    assert lines[5].endswith("cold start: 1 of the first messages, 0 of the 100 messages")


def test_difference_says_what_was_expected_and_what_came() -> None:
    expect("the status", 200, 200)
    with pytest.raises(Difference, match=r"^the status: expected 200, got 500$"):
        expect("the status", 500, 200)
