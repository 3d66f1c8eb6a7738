"""The commands in docs/by-hand.md print what it says, on the local cloud."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.conftest import PROJECT

EXAMPLE = re.compile(r"```sh\n(.+?)\n```\n```json\n(.+?)\n```", re.DOTALL)
"""A command, and below it the lines that it prints."""

VARIABLES = {"roomId": "ROOM", "joinToken": "TOKEN"}
"""What the reader takes over from an answer, and the name that it then has in the shell."""


@pytest.fixture
def environment(cloud: LocalCloud) -> dict[str, str]:
    """A shell's, in which the addresses of the local cloud are set."""
    return os.environ | {"REST": cloud.rest_url, "WEBSOCKET": cloud.websocket_url}


def test_the_commands_print_what_is_below_them(environment: dict[str, str], node_tools: Path) -> None:
    examples = EXAMPLE.findall((PROJECT / "docs/by-hand.md").read_text())
    assert len(examples) == 7
    started = []
    with ExitStack() as running:
        for command, lines in examples:
            process = running.enter_context(
                # wscat ends when nobody can type any more.
                subprocess.Popen(
                    ["bash", "-c", command],  # noqa: S607
                    cwd=node_tools,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert process.stdout
            first = process.stdout.readline()
            started.append((lines.splitlines(), first, process.stdout))
            environment |= {VARIABLES[name]: value for name, value in json.loads(first).items() if name in VARIABLES}
        for lines, first, more in started:
            for pattern, line in zip(lines, [first, *islice(more, len(lines) - 1)], strict=True):
                assert re.fullmatch(re.escape(pattern).replace("…", ".+"), line.rstrip("\n"))
