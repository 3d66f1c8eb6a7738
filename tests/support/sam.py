"""Expansion of packaged templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployment.functions import locate_code


def expand(folder: Path) -> dict[str, Any]:
    """Return the resources of the package in folder as CloudFormation creates them, with SAM's own types replaced."""
    template = json.loads((folder / "sam.json").read_text())
    locate_code(template["Resources"], "code", "deployment.zip")
    resources: dict[str, Any] = Translator({}, Parser()).translate(template, {})["Resources"]
    return resources
