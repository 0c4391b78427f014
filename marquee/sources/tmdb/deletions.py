"""Stops a run before it records more deletions than TMDb ever makes: the server is at fault."""

from __future__ import annotations

from dataclasses import dataclass

from marquee.core.errors import MarqueeError
from marquee.sources.tmdb.responses import FetchResult

ALWAYS_PLAUSIBLE = 5  # of a handful of movies one deletion is a large share already
IN_A_ROW = 50  # that many known movies missing one after the other: a gateway's doing
HINT = (
    "Run again later. If they are really deleted, allow it for one run: "
    "SOURCES__TMDB__MAX_DELETED_SHARE=1 (see .dlt/config.toml)."
)


def check_deletion_ratio(deleted: int, known: int, max_share: float, source: str) -> None:
    """Stop a run before it records movies as deleted that are not.

    Args:
        deleted: how many of the known movies would be.
        known: of how many that were looked for.
        max_share: the largest share that is plausible, 1 for any.
        source: who says so, in words.

    Raises:
        MarqueeError: `deleted` is more than that, and more than a handful.
    """
    if deleted > max(ALWAYS_PLAUSIBLE, max_share * known):
        raise MarqueeError(
            f"{source} lacks {deleted:,} of {known:,} movies that the warehouse has: above "
            "the deletion threshold, none of them was recorded as deleted.",
            HINT,
        )


@dataclass
class ConsecutiveDeletions:
    """Counts movies that turn out to be deleted one after the other, whatever their share."""

    max_share: float  # 1: any number in a row is plausible
    source: str  # the server's name
    length: int = 0

    def saw(self, result: FetchResult) -> None:
        """Count one answer; that a deleted movie is still deleted says nothing.

        Raises:
            MarqueeError: too many are missing in a row.
        """
        if result.kind != "missing":
            self.length = 0
        elif result.row:
            self.length += 1
        if self.max_share < 1 and self.length >= IN_A_ROW:
            raise MarqueeError(
                f"{self.source} answers 404 for {self.length} movies in a row: above the "
                "deletion threshold, none of them was recorded as deleted.",
                HINT,
            )
