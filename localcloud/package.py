"""The package: deployment.zip and sam.json, as `chalice package` makes them for AWS.

python -m localcloud.package STAGE FOLDER
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from localcloud.errors import LocalCloudError

__all__ = ["package"]

PROJECT = Path(__file__).parent.parent
RESOURCES = ".chalice/resources.json"


def package(stage: str, folder: Path) -> None:
    """Package the project for a stage into folder.

    Raises LocalCloudError when there is no such stage, or Chalice cannot.
    """
    stages = json.loads((PROJECT / ".chalice/config.json").read_text())["stages"]
    if stage not in stages:  # Chalice would package it all the same, without policies
        raise LocalCloudError(f".chalice/config.json has no stage {stage}, only {', '.join(stages)}")
    # Chalice packs every file of chalicelib: what Python compiled there would make two packages of one source differ.
    for compiled in (PROJECT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(compiled)
    chalice = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    options = ["--stage", stage, "--merge-template", RESOURCES, str(folder.absolute())]
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [*chalice, "package", *options], cwd=PROJECT, env=environment, text=True, capture_output=True, check=False
    )
    if made.returncode != 0:
        raise LocalCloudError(f"chalice package failed: {made.stderr.strip().splitlines()[-1]}")
    # With a requirement that it cannot get, Chalice only warns, and packs the rest.
    if "Could not install dependencies" in made.stdout:
        raise LocalCloudError(
            f"chalice package failed: {made.stdout.partition('Could not')[2].splitlines()[1]}: not found"
        )
    _tie_together(folder / "sam.json", stage)


def _tie_together(template_file: Path, stage: str) -> None:
    """Tie what Chalice made to what was merged with it.

    The tables get the stage of the functions, whoever forgets to say so when deploying. The function that reads the
    queue waits for the queue, which Chalice names to it by an address of its own making.
    """
    template = json.loads(template_file.read_text())
    template["Parameters"]["Stage"]["Default"] = stage
    (source,) = template["Resources"]["FanOut"]["Properties"]["Events"].values()
    source["Properties"]["Queue"] = {"Fn::GetAtt": ["FanoutQueue", "Arn"]}
    template_file.write_text(json.dumps(template, indent=2))


if __name__ == "__main__":
    try:
        package(sys.argv[1], Path(sys.argv[2]))
    except LocalCloudError as error:
        sys.exit(f"error: {error}")
