"""What a member is told when something here goes wrong: not what it was, but a reference that finds it in the log."""

import logging
import secrets

from chalicelib import invocation, settings

__all__ = ["apology"]

log = logging.getLogger(f"{settings.APP_NAME}.faults")


def apology(for_what: str) -> str:
    """Log the exception that is being handled, and return a sentence with the reference of its log line."""
    reference = secrets.token_hex(4)
    invocation.note(reference=reference, faults=1)
    log.exception("reference %s: could not act on %s", reference, for_what)
    return f"something went wrong here, reference {reference}; please try again"
