"""The settings of sign-in, for the stages that configure it.

chalicelib/settings.py describes the settings.
"""

from __future__ import annotations

from typing import Any

from deployment.errors import PackageError
from deployment.functions import logical_ids

REQUIREMENTS = "requirements-sign-in.txt"

FUNCTIONS = {"api_handler", "websocket_connect"}
"""The functions that verify access tokens."""


def is_configured(stage: Any) -> bool:
    """Return whether users sign in to a stage of .chalice/config.json."""
    variables = stage.get("environment_variables", {})
    return bool(variables.get("AUTH_ISSUER") or variables.get("AUTH_SECRET"))


def check_place(configuration: Any) -> None:
    """Raise PackageError if .chalice/config.json has settings of sign-in elsewhere than in the variables of a stage.

    Chalice also reads those of the top level and of functions, but what is packaged and granted follows from the stage.
    """
    stages = configuration["stages"]
    functions = [function for stage in stages.values() for function in stage.get("lambda_functions", {}).values()]
    for place in [configuration, *functions]:
        for name in place.get("environment_variables", {}):
            if name.startswith("AUTH_") or name == "SOURCE_SECRET":
                raise PackageError(f"{name} must be in the environment_variables of a stage in .chalice/config.json")


def limit_settings(resources: dict[str, Any]) -> None:
    """Remove the settings of sign-in from the functions in a template that verify no access tokens.

    They receive SIGN_IN=true instead.
    """
    for function, logical_id in logical_ids(resources).items():
        if function in FUNCTIONS:
            continue
        environment = resources[logical_id]["Properties"]["Environment"]
        variables = environment["Variables"]
        kept = {name: value for name, value in variables.items() if not name.startswith("AUTH_")}
        if is_configured({"environment_variables": variables}):
            kept["SIGN_IN"] = "true"
        environment["Variables"] = kept
