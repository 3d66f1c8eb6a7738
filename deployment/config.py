"""The project's folder and the stages in its .chalice/config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deployment.errors import PackageError

PROJECT = Path(__file__).parent.parent

RESOURCES = Path(".chalice/resources.json")
"""The template of the tables and queues, relative to the project."""

LOCAL_STAGE = "local"
"""The stage of the local cloud, whose functions run on the developer's system with the virtual environment."""


def read_stages(project: Path = PROJECT) -> dict[str, Any]:
    """Return the stages by name. Raises PackageError when the file is not JSON."""
    stages: dict[str, Any] = read_configuration(project)["stages"]
    return stages


def read_configuration(project: Path = PROJECT) -> Any:
    """Return .chalice/config.json. Raises PackageError when the file is not JSON."""
    try:
        return json.loads((project / ".chalice/config.json").read_text())
    except ValueError as cause:
        raise PackageError(f".chalice/config.json is not JSON: {cause}") from cause


def read_stage(stage: str, project: Path = PROJECT) -> Any:
    """Return one stage. Raises PackageError when there is none of that name."""
    stages = read_stages(project)
    if stage not in stages:
        raise PackageError(f".chalice/config.json has no stage {stage}, only {', '.join(stages)}")
    return stages[stage]


def stack_name(stage: str) -> str:
    """Return the name of a stage's stack. The policies in deployment/policies/ contain it, too."""
    return f"chalice-chat-{stage}"
