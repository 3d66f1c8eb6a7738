"""The shared botocore session."""

import pytest

from chalicelib import aws


def test_service_that_is_not_packaged_is_reported() -> None:
    with pytest.raises(ValueError, match=r"no data for the service s3: add it to SERVICES in chalicelib\.aws"):
        aws.session().create_client("s3")


@pytest.mark.parametrize("service", aws.SERVICES)
def test_packaged_service_has_a_client(service: str) -> None:
    assert aws.session().create_client(service).meta.service_model.service_name == service


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"])
def test_environment_without_credentials_or_region_is_not_configured(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    assert aws.is_configured()
    monkeypatch.delenv(missing)
    assert not aws.is_configured()
