"""Targets of the Makefile."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from deployment.config import PROJECT

pytestmark = pytest.mark.deployment

INTERNAL = {"always", "quick-tests"}


def make(*arguments: str, **environment: str) -> str:
    """Run make, and return what it prints."""
    command = ["make", "--no-print-directory", *arguments]
    printed = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, text=True, capture_output=True, check=True
    )
    return printed.stdout


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_help_lists_every_target(arguments: list[str]) -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    described = dict(line.split(None, 1) for line in make(*arguments).splitlines())
    assert described.keys() == set(phony.split()) - INTERNAL


@pytest.mark.parametrize(
    ("arguments", "environment", "stage"),
    [(["STAGE=prod"], {}, "prod"), ([], {}, "local"), ([], {"STAGE": "prod"}, "local")],
)
def test_only_a_stage_on_the_command_line_leads_to_aws(
    arguments: list[str], environment: dict[str, str], stage: str
) -> None:
    printed = make("--just-print", "rooms", *arguments, **environment)
    assert printed.splitlines()[-1].startswith(f"STAGE={stage} PORT=8000 ")


@pytest.mark.parametrize(
    ("variables", "target"),
    [(["STAGE=prod"], "prod"), (["URL=https://chat.example.org/x", "STAGE=prod"], "https://chat.example.org/x")],
)
def test_make_smoke_takes_a_stage_or_an_address(variables: list[str], target: str) -> None:
    printed = make("--just-print", "--assume-old=.venv/installed", "smoke", *variables)
    assert printed == f".venv/bin/python -m deployment.smoke '{target}'\n"
