"""The IAM policy of each function and stage, generated from one template per function in deployment/policies/.

python -m deployment.policies writes them to .chalice/policies/, where `chalice deploy` and `chalice package` read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployment.config import PROJECT, read_stages
from deployment.secret_settings import SECRETS

TEMPLATES = Path(__file__).with_name("policies")
POLICIES = Path(".chalice/policies")


def policy_files(project: Path = PROJECT) -> dict[Path, str]:
    """Return the text of each policy file by its path."""
    return {
        project / POLICIES / name / template.name: _policy(template, name, stage)
        for name, stage in read_stages(project).items()
        for template in sorted(TEMPLATES.glob("*.json"))
    }


def outdated_policies(stage: str, project: Path = PROJECT) -> list[Path]:
    """Return the policy files of a stage that differ from the generated ones."""
    return [
        path.relative_to(project)
        for path, text in policy_files(project).items()
        if path.parent.name == stage and path.exists() and path.read_text() != text
    ]


def _policy(template: Path, name: str, stage: Any) -> str:
    text = template.read_text().replace("${Stage}", name)
    for secret in SECRETS:
        if template.stem in secret.functions:
            text = secret.add_grant(text, stage)
    return text


def write(project: Path = PROJECT) -> None:
    """Write the policy files, and remove those of functions and stages that no longer exist."""
    files = policy_files(project)
    for path in set((project / POLICIES).rglob("*.json")) - files.keys():
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write()
