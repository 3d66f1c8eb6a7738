"""Settings of sign-in that do not fit are rejected."""

from __future__ import annotations

import pytest

from chalicelib.auth import configuration
from tests.support.processes import import_modules


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
        ({"AUTH_SECRET": "s" * 31}, "AUTH_SECRET must have at least 32 bytes, or be an ARN"),
        (
            {"AUTH_SECRET": "s" * 32, "AUTH_ISSUER": "https://id.example.org", "AUTH_AUDIENCE": "chat"},
            "AUTH_ISSUER and AUTH_SECRET exclude each other",
        ),
        ({"AUTH_CLIENT_ID": "page"}, "AUTH_CLIENT_ID requires AUTH_ISSUER"),
        ({"AUTH_AUDIENCE": "chat"}, "AUTH_AUDIENCE requires AUTH_ISSUER or AUTH_SECRET"),
        ({"AUTH_ROOMS_REQUIRED": "true"}, "AUTH_ROOMS_REQUIRED requires AUTH_ISSUER or AUTH_SECRET"),
        ({"AUTH_REQUIRED": "true", "AUTH_SECRET": ""}, "AUTH_REQUIRED requires AUTH_ISSUER or AUTH_SECRET"),
    ],
)
def test_settings_of_sign_in_that_do_not_fit_are_rejected(environment: dict[str, str], error: str) -> None:
    assert error in import_modules("chalicelib.auth.authentication", **environment).stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"AUTH_ISSUER": "https://id.example.org/realms/chat", "AUTH_AUDIENCE": "chat, app", "AUTH_CLIENT_ID": "chat"},
        {"AUTH_ISSUER": "http://127.0.0.1:8080", "AUTH_AUDIENCE": "chat", "AUTH_REQUIRED": "FALSE"},
        {"AUTH_SECRET": "arn:aws:ssm:us-east-1:123456789012:parameter/chat"},
        {"AUTH_SECRET": "s" * 32, "AUTH_AUDIENCE": "chat"},
        {"AUTH_SECRET": "é" * 16, "AUTH_ROOMS_REQUIRED": "true"},
        {"AUTH_REQUIRED": "false", "AUTH_ROOMS_REQUIRED": "false"},
    ],
)
def test_settings_of_sign_in_are_accepted(environment: dict[str, str]) -> None:
    assert import_modules("chalicelib.auth.authentication", **environment).returncode == 0


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://id.example.org", True),
        ("https://id.example.org:8443/realms/chat", True),
        ("http://127.0.0.1", True),
        ("http://localhost:8080/realms/chat", True),
        ("http://[::1]:8080", True),
        ("http://id.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost.example.org/", False),
        ("http://localhost@example.org", False),
        ("http://127.0.0.1:80@example.org", False),
        ("https://", False),
        ("https:///jwks", False),
        ("https://@example.org", False),
        ("HTTPS://id.example.org", False),
        ("ftp://id.example.org", False),
        ("/jwks", False),
        ("", False),
    ],
)
def test_only_https_and_this_machine_are_secure(url: str, is_secure: bool) -> None:
    assert configuration.is_secure_url(url) is is_secure


def test_no_function_starts_with_settings_of_sign_in_that_do_not_fit() -> None:
    failed = import_modules("app", AUTH_AUDIENCE="chat", AWS_DEFAULT_REGION="us-east-1")
    assert failed.returncode == 1
    assert "AUTH_AUDIENCE requires AUTH_ISSUER or AUTH_SECRET" in failed.stderr
