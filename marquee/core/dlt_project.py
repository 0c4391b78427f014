"""Makes dlt read the project's settings and keep its files in the project.

Apart from `settings`, because a command that only reads the warehouse has no use for dlt, and the
dashboard in Snowflake does not have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import EnvironProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.providers.toml import (
    SECRETS_TOML,
    ConfigTomlProvider,
    SecretsTomlProvider,
    TomlProviderReadException,
)
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.run_context import RunContext

from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT, Settings


class ProjectContext(RunContext):
    """Tells dlt to read the project's `.dlt/` and to keep all its files in one folder.

    By default dlt looks for `.dlt/` in the working directory and writes to the user's home, even
    an id for the telemetry that is switched off. DLT_PROJECT_DIR still names another project.
    """

    def __init__(self, run_dir: Path, dlt_dir: Path) -> None:
        """Take the folder that holds `.dlt/` and the one to work in."""
        super().__init__(str(run_dir))
        self._dlt_dir = str(dlt_dir)

    @property
    def global_dir(self) -> str:
        """Replace `~/.dlt`."""
        return self._dlt_dir

    @property
    def data_dir(self) -> str:
        """Replace `~/.dlt` for pipelines."""
        return self._dlt_dir

    def initial_providers(self) -> list[ConfigProvider]:
        """Read secrets from the file alone: without one, dlt would import Streamlit to ask it."""
        folders = (self.settings_dir, self.global_dir)
        providers: list[ConfigProvider] = [EnvironProvider()]
        if any(Path(folder, SECRETS_TOML).exists() for folder in folders):
            providers.append(SecretsTomlProvider(*folders))
        return [*providers, ConfigTomlProvider(*folders)]


def configure_dlt(settings: Settings) -> None:
    """Make this process's dlt that of the project.

    Raises:
        MarqueeError: a file in `.dlt/` is not TOML.
    """
    context = ProjectContext(ROOT, settings.dlt_dir)
    try:
        # Not by `reload`, which would read the files that dlt looks for by default first.
        Container()[PluggableRunContext] = plugged = PluggableRunContext(context)
        plugged.add_extras()
    except (ValueError, TomlProviderReadException) as error:
        raise MarqueeError(
            f"A file in {context.settings_dir} is not TOML: config.toml or secrets.toml.",
            "Compare secrets.toml with secrets.toml.example beside it.",
        ) from error


def configured_number(key: str, default: float, *, allow_zero: bool = False) -> float:
    """Read a number from dlt's configuration.

    Args:
        key: its full name.
        default: what counts where it is not set.
        allow_zero: whether it may be 0.

    Raises:
        MarqueeError: it is no number, or too small.
    """
    value: Any = dlt.config.get(key)
    try:
        number = default if value is None else float(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0 or (number == 0 and not allow_zero):
        least = "0 or more" if allow_zero else "a number above 0"
        raise MarqueeError(f"{key} must be {least}, not {value!r}.")
    return number
