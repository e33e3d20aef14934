"""A wall clock that jumps forward must not close minutes that have not been (design, decision 4).

What is closed is never sent to Zabbix again, so an hour closed by mistake would be an hour without values.
"""

from __future__ import annotations

from zabbix_plugins.model.window import MINUTE_MS

JUMP_MS = MINUTE_MS
"""A difference between the clocks larger than this, between two looks, is a jump."""

PATIENCE_MS = 5 * MINUTE_MS
"""After so long a clock that was set forward is believed: then it had been wrong before."""


class ClockWatch:
    """Compares the wall clock with one that only ever runs; all times are milliseconds."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._ahead = 0
        self._doubt_ends = 0

    def doubtful(self, wall: int, steady: int) -> bool:
        """Whether the wall clock was set forward a short while ago, and not back since."""
        if self._last is not None:
            jump = (wall - self._last[0]) - (steady - self._last[1])
            if self._ahead or jump > JUMP_MS:
                self._ahead += jump
            if jump > JUMP_MS:
                self._doubt_ends = steady + PATIENCE_MS
        self._last = (wall, steady)
        if self._ahead < JUMP_MS or steady >= self._doubt_ends:
            self._ahead = 0
        return self._ahead > 0
