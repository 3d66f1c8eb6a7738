"""Routes of incoming webhooks. app.py has the other routes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from chalice import Blueprint
from chalice.app import Request

from chalicelib import aws
from chalicelib.chat import webhooks
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Delivery
from chalicelib.errors import Forbidden, HookNotFound, InvalidJSON, RateLimitExceeded, RoomNotFound
from chalicelib.protocol import parameters, schemas, serializers
from chalicelib.protocol.validation import parse_object
from chalicelib.rest.endpoints import Endpoints, Json, Parameters

MAX_FORM_FIELDS = 100

blueprint = Blueprint(__name__)
endpoint = Endpoints(blueprint)


def _parse_message(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, or a form whose field `payload` contains one, as Slack's webhooks accept it.

    Raises InvalidJSON. The Content-Type does not matter: curl declares every body as a form.
    """
    if body.lstrip().startswith(b"{"):
        return parse_object(body)
    try:
        form = parse_qs(body.decode(), max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise InvalidJSON("expected a JSON object, or a form with the field payload") from error
    return parse_object(form["payload"][0] if "payload" in form else body)


@blueprint.route("/rooms/{room_id}/hooks", methods=["POST"], content_types=["*/*"])
@endpoint(
    body={"name": parameters.HOOK_NAME},
    bearer=parameters.OWNER_TOKEN,
    status=201,
    returns=schemas.CREATED_HOOK,
    errors=[Forbidden, RoomNotFound],
)
def create_hook(room_id: str, body: Parameters, token: str) -> Json:
    """Create a webhook, as the owner of the room.

    Programs post messages to its `url`, which is a secret. A room can have at most 20 hooks.
    """
    hook_id, hook_token = webhooks.create(room_id, token, body["name"])
    return {"hookId": hook_id, "url": f"{_base_url(blueprint.current_request)}/hooks/{hook_token}"}


@blueprint.route("/rooms/{room_id}/hooks")
@endpoint(bearer=parameters.OWNER_TOKEN, returns=schemas.HOOK_LIST, errors=[Forbidden, RoomNotFound])
def list_hooks(room_id: str, token: str) -> Json:
    """List the webhooks of a room, oldest first, as its owner."""
    return serializers.serialize_hook_list(webhooks.list_hooks(room_id, token))


@blueprint.route("/rooms/{room_id}/hooks/{hook_id}", methods=["DELETE"])
@endpoint(
    path={"hook_id": parameters.HOOK_ID},
    bearer=parameters.OWNER_TOKEN,
    status=204,
    errors=[Forbidden, RoomNotFound, HookNotFound],
)
def delete_hook(room_id: str, hook_id: str, token: str) -> None:
    """Delete a webhook, as the owner of the room. Its messages stay."""
    webhooks.delete(room_id, token, hook_id)


@blueprint.route("/hooks/{hook_token}", methods=["POST"], content_types=["*/*"])
@endpoint(
    path={"hook_token": parameters.HOOK_TOKEN},
    body={"text": parameters.HOOK_TEXT, "clientId": parameters.CLIENT_ID},
    parse_body=_parse_message,
    status=201,
    returns=schemas.POSTED_MESSAGE,
    errors=[Forbidden, HookNotFound, RateLimitExceeded],
)
def post_hook(hook_token: str, body: Parameters) -> Json:
    """Send a message to the room of a webhook.

    The url is the only credential. The body is read as JSON whatever its Content-Type, or as a form whose field
    `payload` contains the JSON, as Slack's webhooks accept it. Within 10 minutes, a repeated `clientId` stores nothing,
    and the stored message is delivered again.
    """
    message = webhooks.post(hook_token, body["text"], body["clientId"])
    delivery = Delivery(aws.connections_url(), message.room_id, int(message.sequence))
    jobs.enqueue_delivery(delivery, blueprint.lambda_context.invoked_function_arn)
    return serializers.serialize_posted_message(message)


def _base_url(request: Request) -> str:
    """Return the address of the REST API, from a request for /rooms/{room_id}/hooks: https://chat.example.org/dev.

    The path of the context contains the stage, or the base path of a custom domain.
    """
    path = request.context["path"].rstrip("/").rsplit("/", 3)[0]
    # API Gateway always adds this header. `chalice local` and the local cloud do not, and serve only HTTP.
    scheme = request.headers.get("X-Forwarded-Proto", "http")
    return f"{scheme}://{request.headers['Host']}{path}"
