"""Minutes and windows: half-open spans of event time that end at a closed minute (design, decisions 4 and 5).

A minute is an integer, `milliseconds // 60 000`; it spans [minute, minute + 1). A window of n minutes that
ends with minute m covers (m − n, m]; its `window_end` is the instant m + 1, in seconds UTC.
"""

from __future__ import annotations

MINUTE_MS = 60_000

WINDOWS: dict[str, int] = {"1m": 1, "5m": 5, "1h": 60, "6h": 360, "1d": 1440}
"""Every window by its name in keys and documents, with its length in minutes."""


def minute_of(time_ms: int) -> int:
    """The minute that an instant (milliseconds UTC) falls in."""
    return time_ms // MINUTE_MS


def window_end(minute: int) -> int:
    """The end of a window whose last minute is `minute`, in seconds UTC."""
    return (minute + 1) * 60
