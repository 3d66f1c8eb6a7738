"""The package for AWS: deployment.zip and sam.json.

python -m deployment.package STAGE FOLDER
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from deployment import sign_in, sources
from deployment.archive import add_files
from deployment.config import LOCAL_STAGE, PROJECT, RESOURCES, read_configuration, read_stage
from deployment.errors import PackageError
from deployment.policies import outdated_policies
from deployment.postprocess import postprocess_template
from deployment.unused_parts import remove_unused_parts


def package(stage: str, folder: Path, project: Path = PROJECT) -> None:
    """Package the project for a stage into folder. In LOCAL_STAGE, compiled requirements are left out.

    Raises PackageError when the stage is unknown, its configuration is not consistent, or Chalice fails.
    """
    configuration = read_stage(stage, project)  # Chalice accepts an unknown stage, and packages it without policies
    everything = read_configuration(project)
    sign_in.check_place(everything)
    sign_in.check_secret(stage, configuration)
    sources.check_secret(stage, configuration)
    if outdated := outdated_policies(stage, project):
        raise PackageError(f"{outdated[0]} does not fit the settings: run `make generate`")
    # Two runs at once would share Chalice's cache of the requirements.
    with (project / ".chalice/config.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run_chalice(stage, folder, project)
    archive = folder / "deployment.zip"
    if sign_in.is_configured(configuration):
        architecture = (everything | configuration).get("lambda_architecture", "x86_64")  # Chalice's default
        sign_in.add_requirements(archive, project, architecture)
    secrets = (sign_in.secret_service(configuration), sources.secret_service(configuration))
    secret_services = {service for service in secrets if service is not None}
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
    # A process group of its own, so that Chalice's pip ends with it when packaging is interrupted.
    with subprocess.Popen(
        [*chalice, "package", *options],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise PackageError(f"chalice package failed: {errors.strip().rpartition(os.linesep)[2]}")
    # When a requirement cannot be installed, Chalice only warns and packs the rest.
    if "Could not install dependencies" in output:
        missing = output.partition("Could not")[2].splitlines()[1]
        raise PackageError(f"chalice package failed: {missing}: not found")


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
    try:
        package(sys.argv[1], Path(sys.argv[2]))
    except PackageError as error:
        sys.exit(f"error: {error}")
