"""Which headers tell that a request comes from another origin."""

from __future__ import annotations

import pytest

from marquee.core.same_origin import denial

OWN = "127.0.0.1:8000"


@pytest.mark.parametrize(
    "host", [OWN, "127.0.0.1", "localhost:8000", "LOCALHOST:8000", "[::1]:8000", "[::1]"]
)
def test_a_request_of_the_servers_own_pages_is_fine(host: str) -> None:
    assert denial({"Host": host}) is None  # no browser, or one that sends no more
    for scheme in ("http", "https"):
        origin = {"Host": host, "Origin": f"{scheme}://{host}"}
        assert denial({**origin, "Sec-Fetch-Site": "same-origin"}) is None
    assert denial({"Host": host, "Sec-Fetch-Site": "none"}) is None


@pytest.mark.parametrize(
    "host",
    [
        *(None, "", ":8000", "rebound.example:8000", "127.0.0.1.nip.example", "localhost."),
        *("0.0.0.0", "127.0.0.2", "127.1", "2130706433", "[::ffff:7f00:1]", "[::]", "::1"),
        *("me@127.0.0.1", "127.0.0.1/x", "127.0.0.1?", "127.0.0.1#.example", "127.0.0.1:x"),
        *("evil.example\\@127.0.0.1", "127.0.0.1, evil.example", "127.0.0.1 ", "\u0661.example"),
    ],
)
def test_a_host_that_is_not_this_machine_is_denied(host: str | None) -> None:
    assert denial({} if host is None else {"Host": host}) == "Host"


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "http://127.0.0.1:9", "http://127.0.0.1", "http://localhost:8000"),
        *("https://evil.example", "ftp://127.0.0.1:8000", "http://127.0.0.1:8000.evil.example"),
        *("http://127.0.0.1:8000/", "http://me@127.0.0.1:8000", "http://[::1]:8000"),
    ],
)
def test_another_origin_is_denied(origin: str) -> None:
    assert denial({"Host": OWN, "Origin": origin}) == "Origin"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "same-origin, cross-site"])
def test_a_request_that_another_site_causes_is_denied(site: str) -> None:
    assert denial({"Host": OWN, "Sec-Fetch-Site": site}) == "Sec-Fetch-Site"
