"""Sign-in: the user of an access token. Without AUTH_ISSUER and AUTH_SECRET, everyone is a guest."""

from __future__ import annotations

from chalicelib import settings
from chalicelib.auth.configuration import check_settings
from chalicelib.auth.identity import User
from chalicelib.errors import Forbidden, Unauthorized


def is_configured() -> bool:
    """Return whether users can sign in."""
    return settings.SIGN_IN or _verifies()


def _verifies() -> bool:
    """Return whether this function verifies tokens: the others do not have the settings."""
    return bool(settings.AUTH_ISSUER or settings.AUTH_SECRET)


def authenticate(token: str | None) -> User | None:
    """Return the user of an access token, None for a guest.

    Raises Unauthorized if the token is not valid, or is missing although AUTH_REQUIRED is set, and SignInUnavailable if
    it cannot be verified at present.
    """
    if not is_configured():
        return None
    if not token:
        if settings.AUTH_REQUIRED:
            raise Unauthorized(
                "expected an access token, as Authorization: Bearer TOKEN or, for a WebSocket, as access_token in the "
                "query string"
            )
        return None
    # PyJWT and cryptography are imported, and in the package, only if sign-in is configured.
    from chalicelib.auth import access_tokens

    return access_tokens.verify(token)


def check_room(user: User | None, room_id: str) -> None:
    """Raise Forbidden if the access token of a user does not allow a room."""
    if user is not None and not user.may_enter(room_id):
        raise Forbidden("your access token does not allow this room: its claim chat_rooms does not list it")


check_settings()  # at import: with an invalid setting, no function starts
if _verifies():
    # Imported during the initialization, which has more CPU, so that no request waits for it.
    import chalicelib.auth.access_tokens  # noqa: F401
