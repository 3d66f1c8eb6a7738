"""The package for AWS: deployment.zip and sam.json.

python -m deployment.package STAGE FOLDER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from deployment import requirements, sign_in
from deployment.archive import add_files
from deployment.config import LOCAL_STAGE, PROJECT, RESOURCES, read_configuration, read_stage
from deployment.errors import PackageError, errors_reported
from deployment.policies import outdated_policies
from deployment.postprocess import postprocess_template
from deployment.secret_settings import SECRETS
from deployment.unused_parts import remove_unused_parts


def package(stage: str, folder: Path, project: Path = PROJECT) -> None:
    """Package the project for a stage into folder. In LOCAL_STAGE, compiled requirements are left out.

    Raises PackageError when the stage is unknown, its configuration is not consistent, Chalice fails, or a requirement
    cannot be installed.
    """
    configuration = read_stage(stage, project)  # Chalice accepts an unknown stage, and packages it without policies
    everything = read_configuration(project)
    sign_in.check_place(everything)
    for secret in SECRETS:
        secret.check(stage, configuration)
    if outdated := outdated_policies(stage, project):
        raise PackageError(f"{outdated[0]} does not fit the settings: run `make generate`")
    architecture = (everything | configuration).get("lambda_architecture", "x86_64")  # Chalice's default
    names = [requirements.REQUIREMENTS, *([sign_in.REQUIREMENTS] if sign_in.is_configured(configuration) else [])]
    # Before Chalice, so that packaging fails sooner.
    requirements.install([requirements.CHALICE, *names], project, architecture)
    _run_chalice(stage, folder, project)
    archive = folder / "deployment.zip"
    requirements.check_chalice(archive, project, architecture)
    requirements.add_requirements(archive, names, project, architecture)
    secret_services = {service for secret in SECRETS if (service := secret.service(configuration)) is not None}
    remove_unused_parts(archive, secret_services, keep_compiled=stage != LOCAL_STAGE)
    _add_bytecode(archive)
    template_file = folder / "sam.json"
    template = json.loads(template_file.read_text())
    postprocess_template(template, stage)
    template_file.write_text(json.dumps(template, indent=2))


def _run_chalice(stage: str, folder: Path, project: Path) -> None:
    chalice = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    options = ["--stage", stage, "--merge-template", str(RESOURCES), str(folder.absolute())]
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
    with tempfile.TemporaryDirectory() as linked:
        _link(project, Path(linked))
        chalice_run = subprocess.run(
            [*chalice, "package", *options], cwd=linked, env=environment, text=True, capture_output=True
        )
    if chalice_run.returncode != 0:
        raise PackageError(f"chalice package failed: {chalice_run.stderr.strip().rpartition(os.linesep)[2]}")


def _link(project: Path, folder: Path) -> None:
    """Link what Chalice packages into folder. It finds no requirements there: deployment/requirements.py adds them."""
    (folder / ".chalice").mkdir()
    for path in (project / "app.py", project / "chalicelib", *(project / ".chalice").iterdir()):
        if path.name not in ("deployments", "deployed"):
            (folder / path.relative_to(project)).symlink_to(path.absolute())


def _add_bytecode(archive: Path) -> None:
    """Add compiled bytecode to the archive, so that cold starts do not compile the modules.

    Python does not compare it with the source: timestamps do not survive the way to Lambda, and hashes take time in
    each cold start. The bytecode is for the running version of Python, which is also the Lambda runtime that Chalice
    chooses.
    """
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as package:
        folder = Path(name)
        package.extractall(folder, [name for name in package.namelist() if name.endswith(".py")])
        options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", name]
        # In a new process: the bytecode may differ with the strings that a process has interned before.
        subprocess.run([sys.executable, "-m", "compileall", *options, name], check=True)
        add_files(package, folder, "*.pyc")


if __name__ == "__main__":
    with errors_reported():
        package(sys.argv[1], Path(sys.argv[2]))
