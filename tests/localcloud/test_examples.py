"""The commands of docs/by-hand.md, run on the local cloud."""

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
from tests.support.projects import PROJECT

EXAMPLE = re.compile(r"```sh\n(.+?)\n```\n```json\n(.+?)\n```", re.DOTALL)
"""A command and the lines that it prints."""

VARIABLES = {"roomId": "ROOM", "joinToken": "TOKEN", "ownerToken": "OWNER", "url": "HOOK"}
"""Fields of a response that the reader copies, and the shell variable for each."""


@pytest.fixture
def environment(cloud: LocalCloud) -> dict[str, str]:
    """Return the environment of a shell with the addresses of the local cloud."""
    return os.environ | {"REST": cloud.rest_url, "WEBSOCKET": cloud.websocket_url}


def test_commands_print_the_documented_lines(environment: dict[str, str], node_tools: Path) -> None:
    examples = EXAMPLE.findall((PROJECT / "docs/by-hand.md").read_text())
    assert examples
    started = []
    with ExitStack() as running:
        for command, lines in examples:
            process = running.enter_context(
                # wscat ends when its standard input closes.
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
