"""Whether a request to a server on loopback comes from that server's own pages.

Any page in the user's browser can send requests to 127.0.0.1, and a name of its own can be made to
lead there (DNS rebinding). SQLMesh's UI, the dashboard and the sandbox check each request here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

SCHEMES = ("http", "https")  # https where a proxy on this machine adds it
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# A name or an address, and a port: no user, path or anything else that a URL could have.
HOST = re.compile(r"(?:\[([0-9a-f:]+)\]|([\w.-]+))(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


class Headers(Protocol):
    """Headers of a request, by names in any case."""

    def get(self, name: str, /) -> str | None:
        """Return a header, None where it is missing."""


def denial(headers: Headers, hostnames: Collection[str] = LOOPBACK) -> str | None:
    """Check where a request comes from.

    Args:
        headers: of the request.
        hostnames: the names under which the server may be called, without ports.

    Returns:
        The header that tells of another origin; None where the request is fine. A client that is no
        browser sends neither `Origin` nor `Sec-Fetch-Site`.
    """
    host = headers.get("Host") or ""
    parts = HOST.fullmatch(host)
    if parts is None or (parts[1] or parts[2]).lower() not in hostnames:
        return "Host"
    origin = headers.get("Origin")
    if origin is not None and origin.lower() not in (f"{one}://{host}".lower() for one in SCHEMES):
        return "Origin"
    if headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
        return "Sec-Fetch-Site"
    return None
