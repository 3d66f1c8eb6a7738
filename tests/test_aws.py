"""The shared botocore session."""

import botocore
import chalice
import pytest
from botocore.config import Config

from chalicelib import aws


def test_service_that_is_not_packaged_is_reported() -> None:
    with pytest.raises(ValueError, match=r"no data for the service s3: add it to SERVICES in chalicelib\.aws"):
        aws.session().create_client("s3")


@pytest.mark.parametrize("service", aws.SERVICES)
def test_packaged_service_has_a_client(service: str) -> None:
    assert aws.session().create_client(service).meta.service_model.service_name == service


def test_user_agent_does_not_depend_on_the_request() -> None:
    client = aws.session().create_client("sqs", config=Config(read_timeout=1))
    user_agent, _, extra = client.meta.config.user_agent.partition(" ")
    assert user_agent == f"Botocore/{botocore.__version__}"
    assert extra in ("", f"aws-chalice/{chalice.__version__}")


@pytest.mark.parametrize("service", aws.CREDENTIAL_SERVICES)
def test_profile_may_take_credentials_from_another_service(service: str) -> None:
    assert aws.session().create_client(service, region_name="us-east-1")


def test_handlers_of_other_services_are_not_registered() -> None:
    session, handled = aws.session.__wrapped__(), []
    for event in ("a", "b.sqs.SendMessage", "c.*.Tag", "d.s3.PutObject", "docs.e"):
        session.register(event, lambda event_name, **_: handled.append(event_name))
        session.get_component("event_emitter").emit(event.replace("*", "sqs"))
    assert handled == ["a", "b.sqs.SendMessage", "c.sqs.Tag"]


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"])
def test_environment_without_credentials_or_region_is_not_configured(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    assert aws.is_configured()
    monkeypatch.delenv(missing)
    assert not aws.is_configured()
