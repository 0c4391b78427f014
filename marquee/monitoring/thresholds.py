"""What is expected of the warehouse: `thresholds.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from marquee.core.errors import MarqueeError

THRESHOLDS_FILE = Path(__file__).with_name("thresholds.yaml")


@dataclass(frozen=True)
class Thresholds:
    """What `thresholds.yaml` says; its comments explain each."""

    jobs: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, Mapping[str, Any]]
    longest_run_hours: float
    snapshot: Mapping[str, float]
    row_counts: Mapping[str, Any]
    quarantine: Mapping[str, float]
    disk: Mapping[str, float]


def read_thresholds(path: Path = THRESHOLDS_FILE) -> Thresholds:
    """Read the file.

    Raises:
        MarqueeError: it is no YAML, or lacks a part, or has one too many.

    """
    try:
        return Thresholds(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, TypeError, OSError) as error:
        raise MarqueeError(f"{path} cannot be used: {error}") from error
