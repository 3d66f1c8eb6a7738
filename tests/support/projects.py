"""This project, and copies of it that a test may change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
CONFIG = Path(".chalice/config.json")

NOT_COPIED = shutil.ignore_patterns("__pycache__", "deployed", "deployments", "node_modules", "build", "dist")
NO_REQUIREMENTS = "# The functions find the requirements in the virtual environment.\n"


def copy_project(folder: Path, *names: str) -> Path:
    """Copy app.py, chalicelib/, .chalice/ and further files and folders into folder, which exists, and return it.

    Unless names include requirements.txt, the copy has one that lists nothing: packaging requirements takes longest.
    """
    (folder / "requirements.txt").write_text(NO_REQUIREMENTS)
    for name in ("app.py", "chalicelib", ".chalice", *names):
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy(PROJECT / name, folder)
    return folder


def set_variables(project: Path, stage: str, **variables: str) -> None:
    """Set environment variables of a stage in the configuration of a project."""
    current = json.loads((project / CONFIG).read_text())["stages"][stage]["environment_variables"]
    edit_stage(project, stage, environment_variables=current | variables)


def edit_stage(project: Path, stage: str, **settings: object) -> None:
    """Set settings of a stage in the configuration of a project."""
    config = project / CONFIG
    content = json.loads(config.read_text())
    content["stages"][stage] |= settings
    config.write_text(json.dumps(content))
