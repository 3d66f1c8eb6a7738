"""The stand-in for a new AWS account."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections import Counter
from urllib.parse import urlsplit

import pytest
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.executions import COLD_START_SECONDS, MAX_EXECUTIONS
from tests.support.browser.new_account import NewAccount
from tests.support.cloud import connection_ids
from tests.support.page_files import SCRIPT
from tests.support.projects import PROJECT

SECONDS = 20
CLIENT = PROJECT / "tests/browser/http2_requests.mjs"
OF_ONE_RESPONSE = {"date", "Content-Length", "x-amzn-requestid", "x-amz-request-id"}


def get_at_once(account: NewAccount, number: int) -> Counter[int]:
    """Send requests over one HTTP/2 connection, and count their statuses."""
    command = ["node", CLIENT, account.certificate.authority, *(f"{account.url}config?n={n}" for n in range(number))]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return Counter(json.loads(finished.stdout))


def get(account: NewAccount, path: str) -> requests.Response:
    return requests.get(account.url + path, verify=str(account.certificate.authority), timeout=SECONDS)


def create_room(account: NewAccount) -> str:
    body = {"roomName": "Tea"}
    created = requests.post(
        f"{account.url}rooms", json=body, verify=str(account.certificate.authority), timeout=SECONDS
    )
    return str(created.json()["roomId"])


def join(account: NewAccount, room_id: str) -> ClientConnection:
    trust = ssl.create_default_context(cafile=str(account.certificate.authority))
    return connect(f"{account.websocket_url}?roomId={room_id}&name=Aki", ssl=trust, open_timeout=SECONDS)


def say(member: ClientConnection, text: str) -> None:
    member.send(json.dumps({"action": "sendMessage", "data": {"message": text}}))


def hear(member: ClientConnection, text: str) -> None:
    """Wait for the message, join or leave with this text."""
    while json.loads(member.recv(SECONDS))["message"]["message"] != text:
        pass


def wait_until_idle(account: NewAccount) -> None:
    """Wait until all executions have ended, and their environments can be used again."""
    is_busy = retry_if_result(bool)
    Retrying(retry=is_busy, wait=wait_fixed(0.01), stop=stop_after_delay(SECONDS))(
        lambda: [one for one in account.executions() if one.ended_ms is None]
    )


def test_of_21_requests_at_once_11_are_rejected(new_account: NewAccount) -> None:
    assert get_at_once(new_account, 21) == {200: MAX_EXECUTIONS, 500: 21 - MAX_EXECUTIONS}
    served = [one for one in new_account.requests() if not one.is_rejected]
    assert [one.is_cold for one in served] == [True] * MAX_EXECUTIONS
    assert all((one.ended_ms or 0) - one.started_ms >= COLD_START_SECONDS * 1000 for one in served)


def test_environments_are_reused_until_the_reset(new_account: NewAccount) -> None:
    for _ in range(2):
        assert get_at_once(new_account, MAX_EXECUTIONS) == {200: MAX_EXECUTIONS}
    assert [one.is_cold for one in new_account.requests()] == [True] * MAX_EXECUTIONS + [False] * MAX_EXECUTIONS
    new_account.reset()
    assert new_account.requests() == []
    get(new_account, "config?n=1")
    (request,) = new_account.requests()
    assert (request.method, request.path, request.status, request.is_cold) == (
        "GET",
        f"{urlsplit(new_account.url).path}config?n=1",
        200,
        True,
    )


def test_each_function_has_environments_of_its_own(new_account: NewAccount, cloud: LocalCloud) -> None:
    room_id = create_room(new_account)
    with connect(f"{cloud.websocket_url}?roomId={room_id}&name=Bo") as bo:
        for _ in range(2):
            with join(new_account, room_id) as aki:
                for text in ("one", "two"):
                    say(aki, text)
                    hear(aki, text)
                    wait_until_idle(new_account)
            hear(bo, "Aki left")
            wait_until_idle(new_account)
    executions = [(one.function, one.status, one.is_cold) for one in new_account.executions()]
    assert executions == [
        ("api_handler", 201, True),
        ("websocket_connect", 101, True),
        ("websocket_message", None, True),
        ("websocket_message", None, False),
        ("websocket_disconnect", None, True),
        ("websocket_connect", 101, False),
        ("websocket_message", None, False),
        ("websocket_message", None, False),
        ("websocket_disconnect", None, False),
    ]
    assert [one.status for one in new_account.requests()] == [201, 101, 101]


def test_rejected_frame_and_handshake_get_an_internal_server_error(new_account: NewAccount) -> None:
    room_id = create_room(new_account)
    with join(new_account, room_id) as aki:
        new_account.reset(max_executions=0)
        say(aki, "hi")
        error = json.loads(aki.recv(SECONDS))
        assert (error["message"], sorted(error)) == ("Internal server error", ["connectionId", "message", "requestId"])
        with pytest.raises(InvalidStatus) as rejection, join(new_account, room_id):
            pass
    assert rejection.value.response.status_code == 500
    assert [(one.function, one.is_rejected) for one in new_account.executions()][:2] == [
        ("websocket_message", True),
        ("websocket_connect", True),
    ]


def test_unknown_room_is_rejected_as_by_the_local_cloud(new_account: NewAccount) -> None:
    with pytest.raises(InvalidStatus) as rejection, join(new_account, "nosuchroom"):
        pass
    assert rejection.value.response.status_code == 403
    assert [(one.status, one.is_rejected) for one in new_account.requests()] == [(403, False)]


def test_connection_that_the_server_closes_is_closed_for_the_client(new_account: NewAccount, cloud: LocalCloud) -> None:
    room_id = create_room(new_account)
    with join(new_account, room_id) as aki:
        (connection_id,) = connection_ids(cloud, room_id)
        url = cloud.websocket_url.replace("ws", "http", 1)
        requests.delete(f"{url}/@connections/{connection_id}", timeout=SECONDS)
        with pytest.raises(ConnectionClosedOK):
            aki.recv(SECONDS)


@pytest.mark.parametrize("path", ["", f"static/{SCRIPT}", "config", "rooms/nosuchroom"])
def test_responses_differ_only_in_the_address_of_the_websocket_api(
    new_account: NewAccount, cloud: LocalCloud, path: str
) -> None:
    uncompressed = {"Accept-Encoding": "identity"}
    direct = requests.get(f"{cloud.rest_url}/{path}", headers=uncompressed, timeout=SECONDS)
    proxied = get(new_account, path)
    origins = [
        f"{url.scheme}://{url.netloc}" for url in map(urlsplit, (cloud.websocket_url, new_account.websocket_url))
    ]
    assert proxied.status_code == direct.status_code
    assert proxied.text == direct.text.replace(*origins)
    for name in direct.headers.keys() - OF_ONE_RESPONSE:
        assert proxied.headers[name] == direct.headers[name].replace(*origins)


def test_chromium_uses_http_2_and_its_cache_and_connects(new_account: NewAccount, open_page: OpenPage) -> None:
    room_id = create_room(new_account)
    page = open_page(f"{new_account.url}config")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    new_account.reset()
    page.evaluate(
        """async ([script, webSocketUrl]) => {
            for (const cache of ["default", "force-cache"]) {
                await (await fetch(`static/${script}`, { cache })).text();
            }
            const socket = new WebSocket(webSocketUrl);
            await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
        }""",
        [SCRIPT, f"{new_account.websocket_url}?roomId={room_id}"],
    )
    assert [(one.function, one.status) for one in new_account.requests()] == [
        ("api_handler", 200),
        ("websocket_connect", 101),
    ]
