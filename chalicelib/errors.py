"""Errors returned to clients, and logging of unexpected ones.

    ChatError
    ├── InvalidInput
    │   ├── BodyTooLarge
    │   ├── InvalidJSON
    │   └── UnreadableMessage
    ├── UnknownAction
    ├── RateLimitExceeded
    │   ├── SlowModeLimitExceeded
    │   ├── TooManyReports
    │   └── TooManySignals
    ├── SourceLimitExceeded
    ├── TooLarge
    ├── NotInRoom
    │   └── ConnectionReplaced
    ├── TooManyConnections
    ├── Unauthorized
    │   └── AccessTokenExpired
    ├── SignInUnavailable
    ├── Forbidden
    │   ├── MemberBanned
    │   ├── Muted
    │   ├── RoomLocked
    │   └── SourceBanned
    ├── NotFound
    │   ├── WebhookNotFound
    │   └── RoomNotFound
    └── InternalError

An error has a code for the error frames of the WebSocket API, and a status and a code for HTTP responses. The
docstrings appear in docs/asyncapi.yaml.
"""

from __future__ import annotations

import logging
import secrets
from typing import ClassVar

from chalicelib import limits, request_log, settings

log = logging.getLogger(f"{settings.APP_NAME}.errors")


class ChatError(Exception):
    """Base class of the errors that are shown to clients: `str(error)` says what was expected."""

    code: ClassVar[str]
    """The code in an error frame."""

    status: ClassVar[int] = 500
    """The status of an HTTP response."""

    http_code: ClassVar[str] = "InternalServerError"
    """The code in the body of an HTTP response, in Chalice's form."""

    retry_after: int | None = None
    """Seconds after which a retry may succeed."""


class InvalidInput(ChatError):
    """The frame is too long, its data is not as declared, or its clientId belongs to another message."""

    code = "invalid_message"
    status = 400
    http_code = "BadRequestError"


class InvalidJSON(InvalidInput):
    """The frame is not a JSON object."""

    code = "invalid_json"


class BodyTooLarge(InvalidInput):
    """The body of an HTTP request is too long to be read."""

    status = 413
    http_code = "ContentTooLargeError"

    def __init__(self, max_bytes: int = limits.MAX_BODY_BYTES) -> None:
        super().__init__(f"expected a body of at most {max_bytes:,} bytes")


class UnreadableMessage(InvalidInput):
    """The body of a webhook's message has none of the accepted forms, or contains nothing to read."""

    def __init__(self, reason: str = "the message has no readable text") -> None:
        super().__init__(
            f"{reason}: expected a JSON object with text, blocks or attachments, as for Slack's incoming webhooks; a "
            "form (application/x-www-form-urlencoded or multipart/form-data) whose field payload contains such an "
            "object, or whose field text contains the text; or text/plain"
        )


class UnknownAction(ChatError):
    """The frame names no action, or an unknown one."""

    code = "unknown_action"


class RateLimitExceeded(ChatError):
    """The connection has sent too many messages. It can send the next one after `retryAfter` seconds."""

    code = "rate_limited"
    status = 429
    http_code = "TooManyRequestsError"

    def __init__(self, retry_after: int, *, notify: bool = False, count: int = 0):
        """Take the number of seconds until the next message is accepted.

        notify: whether the client is told. It is not if the last warning is less than a second old.
        count: how many warnings in a row the client has received without waiting, this one included.
        """
        super().__init__(
            f"expected at most {settings.MESSAGES_PER_WINDOW} messages in {settings.WINDOW_SECONDS} seconds; "
            f"retry after {retry_after} seconds"
        )
        self.retry_after = retry_after
        self.notify = notify
        self.count = count


class SlowModeLimitExceeded(RateLimitExceeded):
    """The room is in slow mode. The connection can send its next message after `retryAfter` seconds."""

    def __init__(self, slow_seconds: int, retry_after: int):
        ChatError.__init__(
            self,
            f"this room is in slow mode: expected {slow_seconds} seconds between two messages; "
            f"retry after {retry_after} seconds",
        )
        self.retry_after, self.notify, self.count = retry_after, True, 0


class TooManyReports(RateLimitExceeded):
    """The connection has reported too many messages. It can send the next report after `retryAfter` seconds."""

    def __init__(self, retry_after: int):
        expected = f"expected at most {limits.MAX_REPORTS_PER_MINUTE} reports in a minute"
        ChatError.__init__(self, f"{expected}; retry after {retry_after} seconds")
        self.retry_after, self.notify, self.count = retry_after, True, 0


class TooManySignals(RateLimitExceeded):
    """The connection has sent too many signals or read marks. It can send the next after `retryAfter` seconds."""

    def __init__(self, retry_after: int, *, notify: bool):
        """Take the number of seconds until the next frame is accepted. notify: whether the client is told."""
        expected = f"expected at most {limits.MAX_SIGNALS_PER_WINDOW} in {settings.WINDOW_SECONDS} seconds"
        ChatError.__init__(self, f"{expected}; retry after {retry_after} seconds")
        self.retry_after, self.notify, self.count = retry_after, notify, 0


class TooLarge(ChatError):
    """The room has too many connections for signals, or the message has too many reactions."""

    code = "too_large"
    status = 400
    http_code = "BadRequestError"


class SourceLimitExceeded(ChatError):
    """The source address has sent too many requests. It can send the next one after `retryAfter` seconds."""

    code = "rate_limited"
    status = 429
    http_code = "TooManyRequestsError"

    def __init__(self, expected: str, retry_after: int):
        super().__init__(f"expected at most {expected} from one source address; retry after {retry_after} seconds")
        self.retry_after = retry_after


class NotInRoom(ChatError):
    """The connection has expired or was removed from its room. The client has to connect again."""

    code = "not_in_room"

    def __init__(self) -> None:
        super().__init__("this connection is not in a room any more; connect again to rejoin")


class ConnectionReplaced(NotInRoom):
    """The member has too many connections, and this is the oldest one."""

    code = "replaced"

    def __init__(self) -> None:
        ChatError.__init__(
            self,
            f"you have more than {limits.MAX_CONNECTIONS_PER_MEMBER} connections in this room; the oldest is closed",
        )


class TooManyConnections(ChatError):
    """The member has as many connections in the room as it may have, and joins too fast to close the oldest ones."""

    code = "too_many_connections"
    status = 429
    http_code = "TooManyRequestsError"

    def __init__(self, member_id: str) -> None:
        super().__init__(
            f"expected at most {limits.MAX_CONNECTIONS_PER_MEMBER} connections in this room; try again later"
        )
        self.member_id = member_id


class Unauthorized(ChatError):
    """The access token is missing, not valid, or has expired. The client has to sign in, and connect with a new one."""

    code = "unauthorized"
    status = 401
    http_code = "UnauthorizedError"


class AccessTokenExpired(Unauthorized):
    """The access token of a connected user has expired."""

    def __init__(self) -> None:
        super().__init__("your access token has expired; connect again with a new one")


class SignInUnavailable(ChatError):
    """Access tokens cannot be verified at present. A retry may succeed."""

    code = "unavailable"
    status = 503
    http_code = "ServiceUnavailableError"

    def __init__(self) -> None:
        super().__init__("access tokens cannot be verified at present; try again later")


class Forbidden(ChatError):
    """The client may not do this: it lacks the rights, the message was deleted, or an access token gives the name."""

    code = "forbidden"
    status = 403
    http_code = "ForbiddenError"


class Muted(Forbidden):
    """The member is muted. It can send, and change its name, after `retryAfter` seconds."""

    code = "muted"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"you are muted in this room; retry after {retry_after} seconds")
        self.retry_after = retry_after


class MemberBanned(Forbidden):
    """The member was removed from the room less than an hour ago."""

    http_code = "MemberBannedError"

    def __init__(self) -> None:
        super().__init__("the owner or a moderator has removed you from this room; you can join again an hour later")


class RoomLocked(Forbidden):
    """The room is locked: only its owner and those who have been in it can join."""

    http_code = "RoomLockedError"

    def __init__(self) -> None:
        super().__init__("this room is locked: only those who have been in it can join")


class SourceBanned(Forbidden):
    """The operator has banned the source address."""

    http_code = "SourceBannedError"

    def __init__(self) -> None:
        super().__init__("the operator of this chat has banned your network address")


class NotFound(ChatError):
    """The requested object does not exist."""

    code = "not_found"
    status = 404
    http_code = "NotFoundError"


class RoomNotFound(NotFound):
    """The room does not exist or has expired."""

    def __init__(self) -> None:
        super().__init__("room not found: it does not exist or has expired")


class WebhookNotFound(NotFound):
    """The webhook does not exist, or its room does not."""

    def __init__(self) -> None:
        super().__init__("webhook not found: it does not exist, was deleted, or its room does not exist any more")


class InternalError(ChatError):
    """The server failed. The message contains a reference, which finds the error in the log. A retry may succeed."""

    code = "internal"


def report_internal_error(subject: str) -> InternalError:
    """Log the exception that is being handled, and return an error that contains only a reference to the log record."""
    reference = secrets.token_hex(4)
    request_log.append_keys(reference=reference, faults=1)
    log.exception("reference %s: could not handle %s", reference, subject)
    return InternalError(f"internal error, reference {reference}; please try again")
