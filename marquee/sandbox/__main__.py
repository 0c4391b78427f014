"""Start the sandbox by hand: `python -m marquee.sandbox --port 8899`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from marquee.sandbox import movies
from marquee.sandbox.faults import FaultRates
from marquee.sandbox.request_log import Request
from marquee.sandbox.server import Sandbox

_EPILOG = """\
examples:
  python -m marquee.sandbox                                 the bundled films on port 8899
  python -m marquee.sandbox --day 2                         the same, two days later
  python -m marquee.sandbox --catalog my_movies.ndjson.gz   your own /movie/{id} documents
  python -m marquee.sandbox --rate-limit 40 --fault-rate-5xx 0.05 --seed 7
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; return 1 for a movie set or an address that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        served = movies.load(options.catalog, options.day)
        sandbox = Sandbox(
            served,
            host=options.host,
            port=options.port,
            credential=options.credential,
            rate_limit_per_second=options.rate_limit,
            latency_ms=options.latency_ms,
            fault_rates=FaultRates(
                too_many_requests=options.fault_rate_429,
                server_error=options.fault_rate_5xx,
                reset=options.fault_rate_reset,
                truncate=options.fault_rate_truncate,
                seed=options.seed,
            ),
            on_request=_print_request if options.verbose else None,
        )
        sandbox.start()
    except (movies.MovieFileError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"sandbox: cannot listen on {options.host}:{options.port} ({error.strerror}); "
            "give another --port, or 0 for any free one",
            file=sys.stderr,
        )
        return 1
    print(
        f"TMDb sandbox: {len(served.documents):,} films ({served.name}), day {served.day}; "
        "Ctrl-C stops it\n"
        f"export TMDB_BASE_URL={sandbox.base_url}\n"
        f"export TMDB_ACCESS_TOKEN={sandbox.credential}",
        flush=True,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    sandbox.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m marquee.sandbox",
        description="A local server that answers as TMDb v3 does.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=8899, help="0 for any free one (default %(default)s)")
    add(
        "--catalog",
        type=Path,
        metavar="FILE",
        help="NDJSON of /movie/{id} documents, plain or gzip (default: the bundled films)",
    )
    add("--day", type=int, default=0, metavar="N", help="show the world N days later (default 0)")
    add("--credential", metavar="TOKEN", help="accepted v4 token and v3 key (default: random)")
    add("--rate-limit", type=float, metavar="R", help="answer 429 above R requests a second")
    add("--latency-ms", type=int, default=0, metavar="MS", help="wait before each answer")
    for fault, meaning in (
        ("429", "rejected with 429"),
        ("5xx", "answered with 500, 502, 503 or 504"),
        ("reset", "dropped without an answer"),
        ("truncate", "answered with half a body"),
    ):
        add(
            f"--fault-rate-{fault}",
            type=float,
            default=0.0,
            metavar="P",
            help=f"share of requests {meaning}, 0 to 1",
        )
    add("--seed", type=int, default=0, help="which requests the fault rates strike")
    add("--verbose", action="store_true", help="print each request")
    return parser


def _print_request(request: Request) -> None:
    print(f"{request.method} {request.path} {dict(request.query)} {request.status}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
