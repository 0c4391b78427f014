"""The dashboard as an app in Snowflake: the pages of `make dashboard`, read by the app's owner.

`make snowflake-dashboard` puts this file beside the package `marquee`, and deploys both.
"""

from snowflake.snowpark.context import get_active_session

from marquee.dashboard.app import CachedStore, draw
from marquee.monitoring.store import SnowparkStore

draw(lambda: (CachedStore(SnowparkStore(get_active_session()), "snowflake"), None, None))
