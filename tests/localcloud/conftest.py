import pytest

from localcloud.cloud import LocalCloud
from tests.localcloud.client import Chat


@pytest.fixture
def chat(cloud: LocalCloud) -> Chat:
    return Chat(cloud)
