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


FOREIGN = {
    "Host": [
        *("", ":8000", "rebound.example:8000", "127.0.0.1.nip.example", "localhost."),
        *("0.0.0.0", "127.0.0.2", "127.1", "2130706433", "[::ffff:7f00:1]", "[::]", "::1"),
        *("me@127.0.0.1", "127.0.0.1/x", "127.0.0.1?", "127.0.0.1#.example", "127.0.0.1:x"),
        *("evil.example\\@127.0.0.1", "127.0.0.1, evil.example", "127.0.0.1 ", "\u0661.example"),
    ],
    "Origin": [
        *("", "null", "http://127.0.0.1:9", "http://127.0.0.1", "http://localhost:8000"),
        *("https://evil.example", "ftp://127.0.0.1:8000", "http://127.0.0.1:8000.evil.example"),
        *("http://127.0.0.1:8000/", "http://me@127.0.0.1:8000", "http://[::1]:8000"),
    ],
    "Sec-Fetch-Site": ["cross-site", "same-site", "", "same-origin, cross-site"],
}


@pytest.mark.parametrize(
    ("header", "value"), [(header, value) for header in FOREIGN for value in FOREIGN[header]]
)
def test_a_request_of_another_machine_or_site_is_denied(header: str, value: str) -> None:
    assert denial({"Host": OWN, header: value}) == header


def test_a_request_without_a_host_is_denied() -> None:
    assert denial({}) == "Host"
