"""The TLS context of the connections to API Gateway.

Parsing the CA certificates takes a tenth of a cold start. A thread parses them during the imports: OpenSSL releases the
GIL. app.py therefore imports this module before the large libraries.
"""

import os
import ssl
import threading
from functools import cache


def tls_context() -> ssl.SSLContext:
    """Return the context. AWS_CA_BUNDLE replaces the CA certificates of the system, as for botocore."""
    return _context(os.environ.get("AWS_CA_BUNDLE"))


@cache
def _context(ca_bundle: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)


threading.Thread(target=tls_context).start()
