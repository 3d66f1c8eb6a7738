"""Packages of the stages, and a workaround for moto."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from deployment import policies
from deployment.package import package
from deployment.requirements import INSTALLED
from tests.support.packages import SECRET, SOURCE_SECRET, STAGES, THIS_ARCHITECTURE, Packages, packaged_stage
from tests.support.projects import PROJECT, copy_project, edit_stage, set_variables
from tests.support.sam import expand
from tests.support.shared_folders import SharedFolder

REQUIREMENTS = ("requirements.txt", "requirements-chalice.txt")


@pytest.fixture(autouse=True)
def bucket_policies_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not apply bucket policies: moto 5.2.5 applies a denial to requests that do not meet its condition, too."""
    monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)


@pytest.fixture(scope="session")
def packages(shared_folder: SharedFolder) -> Packages:
    """Package each stage once, and return the folders."""
    return {stage: packaged_stage(stage, shared_folder) for stage in STAGES}


@pytest.fixture(scope="session")
def expanded(packages: Packages) -> dict[str, Any]:
    """Return the resources of prod as CloudFormation creates them."""
    return expand(packages["prod"])


@pytest.fixture(scope="session")
def packages_with_sign_in(shared_folder: SharedFolder) -> Packages:
    """Package a copy of the project whose stages have secrets for sign-in and for sources; dev is for x86_64."""

    def fill(folder: Path) -> None:
        (folder / "project").mkdir()
        project = copy_project(folder / "project", *REQUIREMENTS, "requirements-sign-in.txt")
        for stage in STAGES:
            set_variables(project, stage, AUTH_SECRET=SECRET, SOURCE_SECRET=SOURCE_SECRET)
        share_requirements(project)
        edit_stage(project, "dev", lambda_architecture="x86_64")
        policies.write(project)
        for stage in STAGES:
            package(stage, folder / stage, project)

    packaged = shared_folder("packages-with-sign-in", fill)
    return {stage: packaged / stage for stage in STAGES}


@pytest.fixture(scope="session")
def native(shared_folder: SharedFolder) -> Path:
    """Package the stage prod once for the architecture of this machine, and return the archive."""

    def fill(folder: Path) -> None:
        (folder / "project").mkdir()
        project = copy_project(folder / "project", *REQUIREMENTS)
        share_requirements(project)
        edit_stage(project, "prod", lambda_architecture=THIS_ARCHITECTURE)
        package("prod", folder, project)

    return shared_folder("native", fill) / "deployment.zip"


def share_requirements(project: Path) -> None:
    """Let a copy of the project use the requirements that this one has installed."""
    (PROJECT / INSTALLED).mkdir(parents=True, exist_ok=True)
    (project / INSTALLED).parent.mkdir()
    (project / INSTALLED).symlink_to(PROJECT / INSTALLED)


@pytest.fixture
def template(packages: Packages) -> dict[str, Any]:
    """Return the template of prod."""
    template: dict[str, Any] = json.loads((packages["prod"] / "sam.json").read_text())
    return template


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project with requirements that nothing depends on."""
    return copy_project(tmp_path)
