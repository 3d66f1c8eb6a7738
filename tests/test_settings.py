"""Settings from environment variables."""

import pytest

from tests.support.processes import import_modules


def test_setting_is_read_from_the_environment() -> None:
    assert import_modules(EMPTY_ROOM_GRACE_SECONDS="0").stdout == "0\n"


def test_error_of_a_setting_below_its_minimum_names_it() -> None:
    assert "FANOUT_BATCH must be an integer of at least 1, not '0'" in import_modules(FANOUT_BATCH="0").stderr


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
    failed = import_modules(ALLOWED_ORIGINS=f"https://chat.example.org, {value}")
    assert f"ALLOWED_ORIGINS must list origins such as https://chat.example.org, not '{value}'" in failed.stderr


@pytest.mark.parametrize("value", ["", "-1", "1.5", "a minute"])
def test_error_of_a_setting_that_is_not_an_integer_names_it(value: str) -> None:
    failed = import_modules(EMPTY_ROOM_GRACE_SECONDS=value)
    assert "EMPTY_ROOM_GRACE_SECONDS must be an integer of at least 0" in failed.stderr


def test_error_of_a_setting_that_is_neither_true_nor_false_names_it() -> None:
    failed = import_modules(AUTH_REQUIRED="no")
    assert "AUTH_REQUIRED must be true or false, not 'no'" in failed.stderr


@pytest.mark.parametrize(
    ("environment", "is_required"),
    [({}, False), ({"AUTH_SECRET": "s" * 32}, True), ({"AUTH_SECRET": "s" * 32, "AUTH_REQUIRED": "false"}, False)],
)
def test_sign_in_is_required_by_default_if_it_is_configured(environment: dict[str, str], is_required: bool) -> None:
    printed = import_modules(setting="AUTH_REQUIRED", **environment).stdout
    assert printed.strip() == str(is_required)


def test_sign_in_is_off_by_default() -> None:
    assert import_modules(setting="SIGN_IN").stdout == "False\n"
