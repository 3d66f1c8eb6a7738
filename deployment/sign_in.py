"""The settings and the grant of sign-in, for the stages that configure it.

chalicelib/settings.py describes the settings.
"""

from __future__ import annotations

import json
import re
from typing import Any

from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError
from deployment.functions import packaged_functions

REQUIREMENTS = "requirements-sign-in.txt"

FUNCTIONS = {"api_handler", "websocket_connect"}
"""The functions that verify access tokens."""

ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>secretsmanager|ssm):[a-z0-9-]+:[0-9]{12}:(secret:|parameter/)[^*?\s]+")

ACTIONS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}


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


def check_secret(name: str, stage: Any, setting: str = "AUTH_SECRET") -> None:
    """Raise PackageError if a stage on AWS contains the secret itself, which .chalice/config.json would publish."""
    if name != LOCAL_STAGE and _secret(stage, setting) and secret_service(stage, setting) is None:
        raise PackageError(f"{setting} of the stage {name} must be an ARN, not the secret itself")


def limit_settings(resources: dict[str, Any]) -> None:
    """Remove the settings of sign-in from the functions in a template that verify no access tokens.

    They receive SIGN_IN=true instead.
    """
    for function, reference in packaged_functions(resources).items():
        if function in FUNCTIONS:
            continue
        environment = resources[reference[2:-1]]["Properties"]["Environment"]
        variables = environment["Variables"]
        kept = {name: value for name, value in variables.items() if not name.startswith("AUTH_")}
        if is_configured({"environment_variables": variables}):
            kept["SIGN_IN"] = "true"
        environment["Variables"] = kept


def secret_service(stage: Any, setting: str = "AUTH_SECRET") -> str | None:
    """Return the AWS service of the ARN in a setting, None if that is no ARN.

    Raises PackageError if it is an ARN of something else.
    """
    arn = _secret(stage, setting)
    if not arn.startswith("arn:"):
        return None
    named = ARN.fullmatch(arn)
    if named is None:
        raise PackageError(f"{setting} must be the ARN of one secret or parameter ({' or '.join(ACTIONS)}), not {arn}")
    return named["service"]


def add_grant(policy: str, stage: Any, setting: str = "AUTH_SECRET", sid: str = "SignIn") -> str:
    """Return a policy that also allows its function to read the secret of a stage, if the stage has one."""
    service = secret_service(stage, setting)
    if service is None:
        return policy
    document = json.loads(policy)
    document["Statement"].append(
        {"Sid": sid, "Effect": "Allow", "Action": [ACTIONS[service]], "Resource": [_secret(stage, setting)]}
    )
    return json.dumps(document, indent=2) + "\n"


def _secret(stage: Any, setting: str) -> str:
    return str(stage.get("environment_variables", {}).get(setting, ""))
