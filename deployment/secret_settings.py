"""Settings whose value is the ARN of a secret, and the permission to read it.

chalicelib/settings.py describes the settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any, NamedTuple

from deployment import sign_in
from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError

ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>secretsmanager|ssm):[a-z0-9-]+:[0-9]{12}:(secret:|parameter/)[^*?\s]+")

ACTIONS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}


class SecretSetting(NamedTuple):
    """A setting, the Sid of the statement that grants access to its secret, and the functions that read the secret."""

    name: str
    sid: str
    functions: Set[str]

    def check(self, stage_name: str, stage: Any) -> None:
        """Raise PackageError if a stage on AWS contains the secret itself, which .chalice/config.json would publish."""
        if stage_name != LOCAL_STAGE and self._value(stage) and self.service(stage) is None:
            raise PackageError(f"{self.name} of the stage {stage_name} must be an ARN, not the secret itself")

    def service(self, stage: Any) -> str | None:
        """Return the AWS service of the ARN in a stage of .chalice/config.json, None if the stage has no ARN.

        Raises PackageError if it is an ARN of something else.
        """
        arn = self._value(stage)
        if not arn.startswith("arn:"):
            return None
        named = ARN.fullmatch(arn)
        if named is None:
            raise PackageError(
                f"{self.name} must be the ARN of one secret or parameter ({' or '.join(ACTIONS)}), not {arn}"
            )
        return named["service"]

    def add_grant(self, policy: str, stage: Any) -> str:
        """Return a policy that also allows its function to read the secret of a stage, if the stage has an ARN."""
        service = self.service(stage)
        if service is None:
            return policy
        document = json.loads(policy)
        document["Statement"].append(
            {"Sid": self.sid, "Effect": "Allow", "Action": [ACTIONS[service]], "Resource": [self._value(stage)]}
        )
        return json.dumps(document, indent=2) + "\n"

    def _value(self, stage: Any) -> str:
        return str(stage.get("environment_variables", {}).get(self.name, ""))


SECRETS = (
    SecretSetting("SOURCE_SECRET", "Sources", sign_in.FUNCTIONS),  # the same functions count requests by source
    SecretSetting("AUTH_SECRET", "SignIn", sign_in.FUNCTIONS),
)
