"""Routes of incoming webhooks. app.py has the other routes."""

from collections.abc import Callable

from chalice import Blueprint
from chalice.app import Request

from chalicelib.auth.identity import User
from chalicelib.chat import sources, webhooks
from chalicelib.delivery import addresses, jobs
from chalicelib.delivery.jobs import Delivery
from chalicelib.errors import (
    Forbidden,
    InvalidInput,
    RateLimitExceeded,
    RoomNotFound,
    UnreadableMessage,
    WebhookNotFound,
)
from chalicelib.limits import MAX_WEBHOOK_BODY_BYTES
from chalicelib.protocol import slack
from chalicelib.protocol.requests import NewWebhook, WebhookMessage
from chalicelib.protocol.responses import CreatedWebhook, PostedMessage, WebhookList
from chalicelib.protocol.values import AnyRoomId, AnyWebhookId, AnyWebhookToken
from chalicelib.rest.endpoints import EndpointDecorator
from chalicelib.rest.message_forms import parse_message

blueprint = Blueprint(__name__)
endpoint = EndpointDecorator(blueprint)


@blueprint.route("/rooms/{room_id}/hooks", methods=["POST"], content_types=["*/*"])
@endpoint(status=201, errors=[Forbidden, RoomNotFound])
def create_webhook(room_id: AnyRoomId, body: NewWebhook, user: User | None, owner_token: str) -> CreatedWebhook:
    """Create a webhook, as the owner of the room.

    Programs send messages to its `url`, which is a secret. A room can have at most 20 webhooks.
    """
    hook_id, token = webhooks.create(room_id, owner_token, body.name, user)
    return CreatedWebhook(hook_id=hook_id, url=f"{_base_url(blueprint.current_request)}/hooks/{token}")


@blueprint.route("/rooms/{room_id}/hooks")
@endpoint(errors=[Forbidden, RoomNotFound])
def list_webhooks(room_id: AnyRoomId, user: User | None, owner_token: str) -> WebhookList:
    """List the webhooks of a room, oldest first, as its owner."""
    return WebhookList.of(webhooks.list_webhooks(room_id, owner_token, user))


@blueprint.route("/rooms/{room_id}/hooks/{hook_id}", methods=["DELETE"])
@endpoint(status=204, errors=[Forbidden, RoomNotFound, WebhookNotFound])
def delete_webhook(room_id: AnyRoomId, hook_id: AnyWebhookId, user: User | None, owner_token: str) -> None:
    """Delete a webhook, as the owner of the room. Its messages stay."""
    webhooks.delete(room_id, owner_token, hook_id, user)


@blueprint.route("/hooks/{hook_token}", methods=["POST"], content_types=["*/*"])
@endpoint(
    parse_body=parse_message,
    max_body_bytes=MAX_WEBHOOK_BODY_BYTES,
    errors=[Forbidden, WebhookNotFound, RateLimitExceeded],
)
def post_message(hook_token: AnyWebhookToken, body: Callable[[], WebhookMessage], source: str) -> PostedMessage:
    """Send a message to the room of a webhook.

    The url is the only credential. Request and response are those of Slack's incoming webhooks. The body is read as
    JSON whatever its Content-Type, as a form whose field `payload` contains the JSON or whose field `text` contains the
    text, or as text/plain. A text of more than 4,000 characters is sent in up to four messages; the response has the
    sequence of the first one. Within 10 minutes, a repeated `clientId` stores nothing, and what is stored is delivered
    again.
    """
    sources.count_hook_post(source)  # before the token is looked up: guessing costs one write
    webhook = webhooks.find(hook_token)  # before the body is parsed, which takes longer
    try:
        posted = body()
    except UnreadableMessage:
        raise
    except InvalidInput as error:
        raise UnreadableMessage(str(error)) from error
    stored = []
    for message in webhooks.store_messages(webhook, slack.text_of(posted), posted.client_id):
        delivery = Delivery(addresses.connections_url(), message.room_id, int(message.sequence))
        jobs.enqueue_delivery(delivery, blueprint.lambda_context.invoked_function_arn)
        stored.append(message)
    return PostedMessage.of(stored[0])


def _base_url(request: Request) -> str:
    """Return the address of the REST API, from a request for /rooms/{room_id}/hooks: https://chat.example.org/dev.

    The path of the context contains the stage, or the base path of a custom domain.
    """
    path = request.context["path"].rstrip("/").rsplit("/", 3)[0]
    # API Gateway always adds this header. `chalice local` and the local cloud do not, and serve only HTTP.
    scheme = request.headers.get("X-Forwarded-Proto", "http")
    return f"{scheme}://{request.headers['Host']}{path}"
