"""The stack that `chalice deploy` needs beside it: tables, queues, alarms and dashboard.

python -m deployment.resources STAGE FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from deployment.config import PROJECT, RESOURCES, read_stage
from deployment.errors import errors_reported
from deployment.functions import deployed_functions
from deployment.monitoring import add_monitoring


def resources_template(stage: str, project: Path = PROJECT) -> dict[str, Any]:
    """Return .chalice/resources.json with alarms and dashboard. Raises PackageError when the stage is unknown."""
    functions = deployed_functions(read_stage(stage, project)["lambda_functions"])
    template: dict[str, Any] = json.loads((project / RESOURCES).read_text())
    template["Parameters"]["Stage"]["Default"] = stage
    add_monitoring(template, functions)
    return template


def main(stage: str, file: Path) -> None:
    """Write the template to a file."""
    template = resources_template(stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(template, indent=2))


if __name__ == "__main__":
    with errors_reported():
        main(sys.argv[1], Path(sys.argv[2]))
