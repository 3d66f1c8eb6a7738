"""Roles of the packaged functions."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase

import pytest

from deployment.config import read_stages
from deployment.roles import narrow_roles
from deployment.secret_settings import SECRETS, SecretSetting
from tests.support.packages import STAGES, Packages, resources_of

HERE = r"arn:\$\{AWS::Partition\}:[a-z-]+:\$\{AWS::Region\}:\$\{AWS::AccountId\}"


@pytest.mark.deployment
@pytest.mark.parametrize("stage", STAGES)
def test_each_function_has_a_role_limited_to_its_stage(packages: Packages, stage: str) -> None:
    resources = resources_of(packages[stage])
    roles = [resource for resource in resources.values() if resource["Type"] == "AWS::IAM::Role"]
    functions = [resource for resource in resources.values() if resource["Type"] == "AWS::Serverless::Function"]
    assert len(roles) == len(functions) == len(read_stages()[stage]["lambda_functions"])
    for role in roles:
        (policy,) = role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            for arn in statement["Resource"]:
                named = f"${{WebsocketAPI}}/{stage}/" if ":execute-api:" in arn["Fn::Sub"] else f"chalice-chat-{stage}"
                named = "/aws/lambda/${AWS::StackName}-" if ":logs:" in arn["Fn::Sub"] else named
                assert re.fullmatch(rf"{HERE}:.*{re.escape(named)}.*", arn["Fn::Sub"])


@pytest.mark.deployment
def test_each_function_may_write_to_its_own_log_group_only(packages: Packages) -> None:
    resources = resources_of(packages["prod"])
    functions = {name: one for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}
    # CloudFormation names a function after its stack and its logical ID, followed by random characters.
    groups = {name: f"/aws/lambda/chalice-chat-prod-{name}-1A2B3C4D5E6F" for name in functions}
    for name, function in functions.items():
        role = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]
        statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        granted = [arn["Fn::Sub"] for one in statements if one["Sid"] == "Logs" for arn in one["Resource"]]
        patterns = [
            arn.partition(":log-group:")[2].replace("${AWS::StackName}", "chalice-chat-prod") for arn in granted
        ]
        writable = {other for other, group in groups.items() for one in patterns if fnmatchcase(f"{group}:*", one)}
        assert writable == {name}


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_packaged_role_names_the_secret_as_it_was_given(secret: SecretSetting) -> None:
    """It may belong to another account and Region than the stack."""
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat-AbCdEf"
    policy = json.loads(secret.add_grant('{"Statement": []}', {"environment_variables": {secret.name: arn}}))
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": policy}]}}
    narrow_roles({"Role": role})
    assert [statement["Resource"] for statement in policy["Statement"]] == [[arn]]
