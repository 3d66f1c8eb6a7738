"""Keys of the provider, a provider that fails, and the secret of a back end of one's own."""

from __future__ import annotations

import logging
import time
from typing import Any

import boto3
import pytest
from chalice.test import Client
from jwt.algorithms import RSAAlgorithm

from chalicelib import settings
from chalicelib.auth import signing_keys
from chalicelib.storage.models import Room
from tests.support.gateway import Gateway
from tests.support.issuer import Issuer, Key
from tests.support.users import EC_KEY, KEY, OTHER_KEY, SECRET, Sockets, get, own_token, rejection


def count(issuer: Issuer) -> int:
    return issuer.requests.total()


def test_keys_are_read_once_and_a_new_key_is_found(issuer: Issuer, client: Client) -> None:
    for _ in range(20):
        assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 2
    issuer.keys.insert(0, Key("second", "ES256"))
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 4


def test_unknown_keys_cause_no_storm_of_requests(issuer: Issuer, client: Client) -> None:
    unknown = Key("unknown")
    for number in range(50):
        unknown.key_id = f"unknown{number}"
        assert get(client, "/rooms", issuer.token(key=unknown)).status_code == 401
    assert count(issuer) <= 4
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_withdrawn_key_is_forgotten_after_an_hour(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token(exp=2**33)
    assert get(client, "/rooms", token).status_code == 200
    issuer.keys = [EC_KEY]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + signing_keys.MAX_AGE_SECONDS + 1)
    assert get(client, "/rooms", token).status_code == 401


def test_former_key_is_accepted_for_an_hour_after_the_provider_has_rotated_its_keys(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, start = issuer.token(exp=2**33), time.monotonic()
    assert get(client, "/rooms", former).status_code == 200
    monkeypatch.setattr(time, "monotonic", lambda: start + 1_800)
    issuer.keys = [Key("second")]
    assert get(client, "/rooms", issuer.token(exp=2**33)).status_code == 200
    assert get(client, "/rooms", former).status_code == 200
    monkeypatch.setattr(time, "monotonic", lambda: start + signing_keys.MAX_AGE_SECONDS + 10)
    assert get(client, "/rooms", former).status_code == 401
    assert get(client, "/rooms", issuer.token(exp=2**33)).status_code == 200


def test_hour_of_a_key_begins_when_it_was_last_published(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, start = issuer.token(exp=2**33), time.monotonic()
    assert get(client, "/rooms", token).status_code == 200
    monkeypatch.setattr(time, "monotonic", lambda: start + 1_800)
    issuer.keys.append(EC_KEY)
    assert get(client, "/rooms", issuer.token(key=EC_KEY)).status_code == 200
    monkeypatch.setattr(time, "monotonic", lambda: start + signing_keys.MAX_AGE_SECONDS + 10)
    issuer.status = 500
    assert get(client, "/rooms", token).status_code == 200


def test_new_key_of_a_known_id_replaces_the_former_one(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, start = issuer.token(exp=2**33), time.monotonic()
    assert get(client, "/rooms", former).status_code == 200
    issuer.keys = [OTHER_KEY]
    monkeypatch.setattr(time, "monotonic", lambda: start + signing_keys.MAX_AGE_SECONDS + 10)
    assert get(client, "/rooms", issuer.token(exp=2**33)).status_code == 200
    assert get(client, "/rooms", former).status_code == 401


NO_ID = {"kid": None}


def test_token_without_a_key_id_is_accepted_if_the_provider_has_one_key_for_its_algorithm(
    issuer: Issuer, client: Client
) -> None:
    issuer.keys.append(EC_KEY)
    for key in issuer.keys:
        assert get(client, "/rooms", issuer.token(key=key, header=NO_ID)).status_code == 200
    assert count(issuer) == 2


def test_token_without_a_key_id_is_rejected_if_the_provider_has_several_keys_for_its_algorithm_or_none(
    issuer: Issuer, client: Client
) -> None:
    issuer.keys.append(Key("second"))
    for token in (issuer.token(header=NO_ID), issuer.token(key=EC_KEY, header=NO_ID)):
        response = get(client, "/rooms", token)
        assert response.status_code == 401
        assert "the id of a key (kid)" in response.json_body["Message"]
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_new_key_is_found_for_tokens_without_a_key_id(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.keys[0] = Key("second")
    assert get(client, "/rooms", issuer.token(header=NO_ID)).status_code == 200
    issuer.keys[0] = Key("third")
    assert get(client, "/rooms", issuer.token(header=NO_ID)).status_code == 200
    assert count(issuer) == 4
    for _ in range(20):
        assert get(client, "/rooms", issuer.token(key=OTHER_KEY, header=NO_ID)).status_code == 401
    assert count(issuer) == 4
    assert get(client, "/rooms", issuer.token(header=NO_ID)).status_code == 200


def test_forged_token_of_a_known_key_causes_no_search(issuer: Issuer, client: Client) -> None:
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert get(client, "/rooms", issuer.token(key=OTHER_KEY)).status_code == 401
    assert count(issuer) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda issuer: setattr(issuer, "status", 500), "returned status 500"),
        (lambda issuer: setattr(issuer, "status", 302), "returned status 302"),
        (lambda issuer: issuer.responds.clear(), "imeout"),
        (lambda issuer: setattr(issuer, "trickles", True), "Timeout"),
        (lambda issuer: issuer.configuration.update(issuer="https://id.example.org"), "names the issuer"),
        (lambda issuer: issuer.configuration.update(jwks_uri="http://id.example.org/jwks"), "https address"),
        (lambda issuer: issuer.configuration.update(jwks_uri=None), "https address"),
        (lambda issuer: issuer.keys.clear(), "has no keys"),
        (lambda issuer: setattr(issuer, "body", b"["), "Expecting value"),
        (lambda issuer: setattr(issuer, "body", b"[]"), "not a JSON object"),
        (lambda issuer: setattr(issuer, "body", b"[" * 400_000), "recursion"),
        (
            lambda issuer: issuer.configuration.update(padding="x" * signing_keys.MAX_DOCUMENT_BYTES),
            "Unterminated string",
        ),
    ],
)
def test_provider_that_fails_is_reported_once_and_left_alone(
    issuer: Issuer,
    client: Client,
    ws_event: Any,
    room: Room,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
    reason: str,
) -> None:
    if "imeout" in reason:
        monkeypatch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.2)
    fault(issuer)
    token = issuer.token(key=KEY)
    responses = [get(client, "/rooms", token) for _ in range(5)]
    status, body = rejection(ws_event, roomId=room.room_id, access_token=token)
    assert {response.status_code for response in responses} | {status} == {503}
    assert "access tokens cannot be verified at present" in responses[0].json_body["Message"]
    assert "access tokens cannot be verified at present" in body
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert reason in record.getMessage()
    assert issuer.requests.total() <= 2


RSA_KEY = KEY.jwk | {"kid": "other"}


@pytest.mark.parametrize(
    "published",
    [
        "text",
        None,
        {},
        {"kty": ["RSA"]},
        {"kty": "oct", "kid": "other"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "EC", "crv": "P-256", "x": None, "y": None},
        EC_KEY.jwk | {"x": "A" * 43},
        RSA_KEY | {"kid": ["other"]},
        RSA_KEY | {"kid": {}},
        RSA_KEY | {"alg": ["RS256"]},
        RSA_KEY | {"alg": {}},
        RSA_KEY | {"alg": "none"},
        RSA_KEY | {"alg": "ES256"},
        RSA_KEY | {"use": ["sig"]},
        RSA_KEY | {"n": 5},
        RSA_KEY | {"n": ""},
        RSA_KEY | {"e": "AA"},
        RSA_KEY | {"d": "AA", "p": "AA"},
    ],
)
def test_key_that_cannot_be_used_does_not_prevent_the_others(issuer: Issuer, client: Client, published: Any) -> None:
    issuer.published = [published]
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"use": None},
        {"alg": "RS256"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign"]},
        {"key_ops": ["wrapKey", "verify"]},
    ],
)
def test_key_that_verifies_may_say_so_or_not(issuer: Issuer, client: Client, change: Any) -> None:
    key = KEY.jwk | change
    issuer.published, issuer.keys = [{name: value for name, value in key.items() if value is not None}], []
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 200


def test_provider_may_compress_its_documents(issuer: Issuer, client: Client) -> None:
    issuer.compresses = True
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_issuer_may_end_with_a_slash(issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{issuer.url}/"
    monkeypatch.setattr(settings, "AUTH_ISSUER", address)
    assert get(client, "/rooms", issuer.token(iss=address)).status_code == 503
    signing_keys.key_set.cache_clear()
    issuer.configuration["issuer"] = address
    assert get(client, "/rooms", issuer.token(iss=address)).status_code == 200
    assert get(client, "/rooms", issuer.token()).status_code == 401
    assert issuer.requests.keys() == {"/.well-known/openid-configuration", "/jwks"}


def test_private_key_that_a_provider_publishes_verifies_like_its_public_key(issuer: Issuer, client: Client) -> None:
    issuer.published, issuer.keys = [RSAAlgorithm.to_jwk(KEY.private, as_dict=True) | {"kid": "first"}], []
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 200


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}, {"key_ops": None}])
def test_key_for_another_use_or_algorithm_verifies_nothing(issuer: Issuer, client: Client, change: Any) -> None:
    issuer.published, issuer.keys = [KEY.jwk | change], []
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 401


def test_keys_of_different_types_may_have_the_same_id(issuer: Issuer, client: Client) -> None:
    twin = Key(KEY.key_id, "ES256")
    issuer.keys.append(twin)
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 200
    assert get(client, "/rooms", issuer.token(key=twin)).status_code == 200


def test_provider_without_a_key_that_signs_is_asked_again(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.published, issuer.keys = [KEY.jwk | {"use": "enc"}], []
    for _ in range(3):
        assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 401
    assert count(issuer) <= 4
    issuer.keys = [KEY]
    later = time.monotonic() + signing_keys.UNKNOWN_KEY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_known_keys_are_accepted_while_the_search_for_another_fails(issuer: Issuer, client: Client) -> None:
    assert get(client, "/rooms", issuer.token()).status_code == 200
    issuer.status = 500
    assert get(client, "/rooms", issuer.token(key=Key("unknown"))).status_code == 503
    assert get(client, "/rooms", issuer.token()).status_code == 200


def finish_fetches() -> None:
    """Wait until the keys of another provider are read: one thread reads the keys of all, one after the other."""
    other = Issuer(KEY)
    assert signing_keys.key_set(other.url).find(KEY.key_id, "RS256")
    other.close()


def test_keys_that_arrive_late_count_for_the_next_request(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.1)
        patch.setattr(signing_keys, "RETRY_SECONDS", 0)
        issuer.responds.clear()
        for _ in range(2):
            assert get(client, "/rooms", issuer.token()).status_code == 503
    issuer.responds.set()
    finish_fetches()
    for header in ({}, NO_ID):
        assert get(client, "/rooms", issuer.token(header=header)).status_code == 200
    assert issuer.requests.total() == 2


def test_provider_that_fails_after_the_request_has_given_up_is_reported_once(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.1)
        issuer.responds.clear()
        assert get(client, "/rooms", issuer.token()).status_code == 503
    issuer.status = 500
    issuer.responds.set()
    finish_fetches()
    assert get(client, "/rooms", issuer.token()).status_code == 503
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Timeout" in record.getMessage()
    assert issuer.requests.total() == 1
    issuer.status = 200
    later = time.monotonic() + signing_keys.RETRY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_provider_that_trickles_is_given_up(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.1)
    issuer.trickles = True
    assert get(client, "/rooms", issuer.token()).status_code == 503
    assert "did not respond within" in caplog.text


def test_members_go_on_while_the_provider_is_down(
    issuer: Issuer, guests_allowed: None, socket: Sockets, gateway: Gateway, room: Room
) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token())
    issuer.status = 500
    signing_keys.key_set.cache_clear()
    assert socket("guest").connect(roomId=room.room_id) == 200
    aki.say("still here")
    assert gateway.frames["guest"][-1]["message"]["message"] == "still here"


def test_request_waits_two_seconds_for_the_provider() -> None:
    assert signing_keys.TIMEOUT_SECONDS == 2


def test_secret_is_read_from_aws_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="chat", SecretString=SECRET)["ARN"]
    monkeypatch.setattr(settings, "AUTH_SECRET", arn)
    assert get(client, "/rooms", own_token()).status_code == 200
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert get(client, "/rooms", own_token()).status_code == 200
    assert get(client, "/rooms", "x.y.z").status_code == 401
