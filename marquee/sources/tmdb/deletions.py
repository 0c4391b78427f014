"""Stops a run before it records more deletions than are plausible."""

from __future__ import annotations

from marquee.core.errors import MarqueeError
from marquee.sources.tmdb.responses import FetchResult

ALWAYS_BELIEVED = 5  # of a handful of movies one gone is a large share already
IN_A_ROW = 50  # that many known movies gone with none alive in between: a gateway's doing
HINT = (
    "Run again later. If they are really gone, let one run believe it: "
    "SOURCES__TMDB__MAX_GONE_SHARE=1 (see .dlt/config.toml)."
)


class DeletionThresholdExceeded(MarqueeError):
    """More movies are gone than TMDb ever deletes at once: the answer is wrong, not the movies."""


def check_deletion_ratio(gone: int, known: int, max_share: float, source: str) -> None:
    """Stop a run before it records movies as deleted that are not.

    Args:
        gone: how many of the known movies would be.
        known: of how many that were looked for.
        max_share: the share that is still believed, 1 for any.
        source: who says so, in words.

    Raises:
        DeletionThresholdExceeded: `gone` is more than that, and more than a handful.

    """
    if gone > max(ALWAYS_BELIEVED, max_share * known):
        raise DeletionThresholdExceeded(
            f"{source} lacks {gone:,} of {known:,} movies that the warehouse has: not believed, "
            "none of them was recorded as deleted.",
            HINT,
        )


class ConsecutiveDeletions:
    """Counts movies that turn out to be gone one after the other, whatever their share."""

    def __init__(self, max_share: float, source: str) -> None:
        """Take the share that is believed, at 1 any number in a row is, and who is asked."""
        self._is_on = max_share < 1
        self._source = source
        self._length = 0

    def saw(self, result: FetchResult) -> None:
        """Count one answer; that a deleted movie is still deleted says nothing.

        Raises:
            DeletionThresholdExceeded: too many are gone in a row.

        """
        if result.kind != "missing":
            self._length = 0
        elif result.row:
            self._length += 1
        if self._is_on and self._length >= IN_A_ROW:
            raise DeletionThresholdExceeded(
                f"{self._source} answers 404 for {self._length} movies in a row: not believed, "
                "none of them was recorded as deleted.",
                HINT,
            )
