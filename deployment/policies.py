"""The IAM policy of each function and stage, generated from one template per function in deployment/policies/.

python -m deployment.policies writes them to .chalice/policies/, where `chalice deploy` and `chalice package` read them.
"""

from __future__ import annotations

from pathlib import Path

from deployment.config import PROJECT, read_stages

__all__ = ["POLICIES", "policy_files", "write"]

TEMPLATES = Path(__file__).with_name("policies")
POLICIES = PROJECT / ".chalice/policies"


def policy_files() -> dict[Path, str]:
    """Return the text of each policy file by its path."""
    return {
        POLICIES / stage / template.name: template.read_text().replace("${Stage}", stage)
        for stage in read_stages()
        for template in sorted(TEMPLATES.glob("*.json"))
    }


def write() -> None:
    """Write the policy files, and remove those of functions and stages that no longer exist."""
    files = policy_files()
    for path in set(POLICIES.rglob("*.json")) - files.keys():
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write()
