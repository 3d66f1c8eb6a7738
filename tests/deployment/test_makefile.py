"""Targets of the Makefile."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from deployment.config import PROJECT

pytestmark = pytest.mark.deployment

INTERNAL = {"always", "quick-tests"}


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_help_lists_every_target(arguments: list[str]) -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    printed = subprocess.run(
        ["make", "--no-print-directory", *arguments],  # noqa: S607
        cwd=PROJECT,
        text=True,
        capture_output=True,
        check=True,
    )
    described = dict(line.split(None, 1) for line in printed.stdout.splitlines())
    assert described.keys() == set(phony.split()) - INTERNAL


@pytest.mark.parametrize(
    ("arguments", "environment", "stage"),
    [(["STAGE=prod"], {}, "prod"), ([], {}, "local"), ([], {"STAGE": "prod"}, "local")],
)
def test_only_a_stage_on_the_command_line_leads_to_aws(
    arguments: list[str], environment: dict[str, str], stage: str
) -> None:
    printed = subprocess.run(
        ["make", "--just-print", "rooms", *arguments],  # noqa: S607
        cwd=PROJECT,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        check=True,
    )
    assert printed.stdout.splitlines()[-1].startswith(f"STAGE={stage} PORT=8000 ")


@pytest.mark.parametrize(
    ("variables", "target"),
    [(["STAGE=prod"], "prod"), (["URL=https://chat.example.org/x", "STAGE=prod"], "https://chat.example.org/x")],
)
def test_make_smoke_takes_a_stage_or_an_address(variables: list[str], target: str) -> None:
    command = ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/installed", "smoke", *variables]
    printed = subprocess.run(command, cwd=PROJECT, text=True, capture_output=True, check=True)
    assert printed.stdout == f".venv/bin/python -m deployment.smoke '{target}'\n"
