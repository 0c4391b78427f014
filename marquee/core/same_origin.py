"""Whether a request to a server on loopback comes from that server's own pages.

Any page in the user's browser can send requests to 127.0.0.1, and a name of its own can be made to
lead there (DNS rebinding). SQLMesh's UI, the dashboard and the sandbox check each request here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from urllib.parse import urlsplit

SCHEMES = ("http", "https")  # https where a proxy on this machine adds it
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


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
    if _hostname(f"//{host}") not in hostnames:
        return "Host"
    origin = headers.get("Origin")
    if origin is not None and origin.lower() not in (f"{one}://{host}".lower() for one in SCHEMES):
        return "Origin"
    if headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
        return "Sec-Fetch-Site"
    return None


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
