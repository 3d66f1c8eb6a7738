"""Settings from environment variables."""

import os
import subprocess
import sys

import pytest

from tests.support.projects import PROJECT


def _import(*modules: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import modules in a new process, which prints a setting."""
    command = "from chalicelib import settings as s; print(s.EMPTY_ROOM_GRACE_SECONDS)"
    return subprocess.run(
        [sys.executable, "-c", "; ".join([*(f"import {module}" for module in modules), command])],
        cwd=PROJECT,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        check=False,
    )


def test_setting_is_read_from_the_environment() -> None:
    assert _import(EMPTY_ROOM_GRACE_SECONDS="0").stdout == "0\n"


def test_error_of_a_setting_below_its_minimum_names_it() -> None:
    assert "FANOUT_BATCH must be an integer of at least 1, not '0'" in _import(FANOUT_BATCH="0").stderr


@pytest.mark.parametrize(
    "value",
    [
        "chat.example.org",
        "https://a.example.org/",
        "*",
        "https://*.example.org",
        "https://a.example.org wss://b",
        "https://A.example.org",
        "https://a.example.org:443",
        "http://a.example.org:80",
        "https://a.example.org?x",
    ],
)
def test_error_of_an_invalid_origin_names_it(value: str) -> None:
    failed = _import(ALLOWED_ORIGINS=f"https://chat.example.org, {value}")
    assert f"ALLOWED_ORIGINS must list origins such as https://chat.example.org, not '{value}'" in failed.stderr


@pytest.mark.parametrize("value", ["", "-1", "1.5", "a minute"])
def test_error_of_a_setting_that_is_not_an_integer_names_it(value: str) -> None:
    failed = _import(EMPTY_ROOM_GRACE_SECONDS=value)
    assert "EMPTY_ROOM_GRACE_SECONDS must be an integer of at least 0" in failed.stderr


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        (
            {"AUTH_ISSUER": "http://id.example.org", "AUTH_AUDIENCE": "chat"},
            "AUTH_ISSUER must be an address such as https",
        ),
        ({"AUTH_ISSUER": "id.example.org", "AUTH_AUDIENCE": "chat"}, "AUTH_ISSUER must be an address such as https"),
        ({"AUTH_ISSUER": "https://id.example.org?x=1", "AUTH_AUDIENCE": "chat"}, "AUTH_ISSUER must be an address"),
        ({"AUTH_ISSUER": "https://id.example.org ", "AUTH_AUDIENCE": "chat"}, "AUTH_ISSUER must be an address"),
        ({"AUTH_ISSUER": "https://id.example.org\n", "AUTH_AUDIENCE": "chat"}, "AUTH_ISSUER must be an address"),
        ({"AUTH_ISSUER": "https://id.example.org"}, "AUTH_AUDIENCE is required with AUTH_ISSUER"),
        (
            {"AUTH_SECRET": " arn:aws:ssm:us-east-1:123456789012:parameter/chat"},
            "AUTH_SECRET must not start or end with white space",
        ),
        ({"AUTH_SECRET": " " * 32}, "AUTH_SECRET must not start or end with white space"),
        ({"AUTH_SECRET": "too short"}, "AUTH_SECRET must have at least 32 bytes, or be an ARN"),
        (
            {"AUTH_SECRET": "s" * 32, "AUTH_ISSUER": "https://id.example.org", "AUTH_AUDIENCE": "chat"},
            "AUTH_ISSUER and AUTH_SECRET exclude each other",
        ),
        ({"AUTH_CLIENT_ID": "page"}, "AUTH_CLIENT_ID requires AUTH_ISSUER"),
        ({"AUTH_AUDIENCE": "chat"}, "AUTH_AUDIENCE requires AUTH_ISSUER or AUTH_SECRET"),
        ({"AUTH_REQUIRED": "true", "AUTH_SECRET": ""}, "AUTH_REQUIRED requires AUTH_ISSUER or AUTH_SECRET"),
        ({"AUTH_REQUIRED": "no"}, "AUTH_REQUIRED must be true or false, not 'no'"),
    ],
)
def test_settings_of_sign_in_that_do_not_fit_are_rejected(environment: dict[str, str], error: str) -> None:
    assert error in _import("chalicelib.auth.authentication", **environment).stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"AUTH_ISSUER": "https://id.example.org/realms/chat", "AUTH_AUDIENCE": "chat, app", "AUTH_CLIENT_ID": "chat"},
        {"AUTH_ISSUER": "http://127.0.0.1:8080", "AUTH_AUDIENCE": "chat", "AUTH_REQUIRED": "FALSE"},
        {"AUTH_SECRET": "arn:aws:ssm:us-east-1:123456789012:parameter/chat"},
        {"AUTH_SECRET": "s" * 32},
        {"AUTH_REQUIRED": "false"},
    ],
)
def test_settings_of_sign_in_are_accepted(environment: dict[str, str]) -> None:
    assert _import("chalicelib.auth.authentication", **environment).returncode == 0


@pytest.mark.parametrize(
    ("environment", "is_required"),
    [({}, False), ({"AUTH_SECRET": "s" * 32}, True), ({"AUTH_SECRET": "s" * 32, "AUTH_REQUIRED": "false"}, False)],
)
def test_sign_in_is_required_by_default_if_it_is_configured(environment: dict[str, str], is_required: bool) -> None:
    command = "from chalicelib import settings; print(settings.AUTH_REQUIRED)"
    printed = subprocess.check_output([sys.executable, "-c", command], cwd=PROJECT, env=os.environ | environment)
    assert printed.decode().strip() == str(is_required)


def test_no_function_starts_with_settings_of_sign_in_that_do_not_fit() -> None:
    failed = _import("app", AUTH_AUDIENCE="chat", AWS_DEFAULT_REGION="us-east-1")
    assert failed.returncode == 1
    assert "AUTH_AUDIENCE requires AUTH_ISSUER or AUTH_SECRET" in failed.stderr
