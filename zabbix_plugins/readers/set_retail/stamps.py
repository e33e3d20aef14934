"""Stamps of Set Retail 10's text log: local time of the store, without a year (`%d{dd.MM HH:mm:ss}`, log4j).

The year is the latest one that puts a stamp not more than two days after the arrival of its bytes, nor more than
thirty days after the time at which the file was last written (a share may tell that time late while the POS holds
the file open). So December's stamps in a file written in January are last year's, a POS clock that is a day ahead on
New Year's Eve is believed, and a file of years ago keeps its year.

The zone's rules tell the hour. Where clocks are set back, an hour comes twice: the first reading of a stamp is taken
unless it lies more than ten minutes before the record in front of it; then it is the second. Where clocks are set
forward, a stamp inside the gap is of a clock that has not been set yet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_AFTER_ARRIVAL_DAYS = 2
_AFTER_WRITING_DAYS = 30
_EARLIEST_MS = 946_684_800_000
"""The year 2000: a file time before it is none."""
_BACKWARD_MS = 600_000
_YEARS = 9
"""So many years are tried: the 29th of February is at most eight years away."""

MINUTES: dict[bytes, int] = {
    b":%02d:%02d" % (minute, second): (minute * 60 + second) * 1000 for minute in range(60) for second in range(60)
}
"""":mm:ss" → milliseconds within the hour."""

FRACTIONS: dict[bytes, int] = {mark + b"%03d" % number: number for number in range(1000) for mark in (b".", b",")}
""".SSS" or ",SSS" → milliseconds."""


class Stamps:
    """Turns hours of stamps into UTC. `hours`: "dd.MM HH" → milliseconds UTC of its beginning, as far as known.

    The caller looks into `hours` first, because one hour holds thousands of records.
    """

    def __init__(self, zone: str) -> None:
        self.hours: dict[bytes, int] = {}
        self._zone = ZoneInfo(zone)
        self._last_day = -1

    def look_from(self, written: int, arrival: int) -> None:
        """Resolve years as seen from these times, milliseconds UTC; their days alone matter."""
        day = arrival // DAY_MS + _AFTER_ARRIVAL_DAYS
        if written > _EARLIEST_MS:
            day = min(day, written // DAY_MS + _AFTER_WRITING_DAYS)
        if day != self._last_day:
            self._last_day = day
            self.hours.clear()

    def begin_of(self, stamp: bytes, last: int) -> int | None:
        """Milliseconds UTC of the beginning of the hour of `stamp` ("dd.MM HH:mm…"), None if it is no stamp.

        `last` is the time of the record before, 0 if there is none; it matters in an hour that comes twice.
        """
        if not (stamp[2:3] == b"." and stamp[5:6] == b" " and stamp[8:9] == b":"):
            return None
        digits = (stamp[0:2], stamp[3:5], stamp[6:8], stamp[9:11])
        if not all(number.isdigit() and len(number) == 2 for number in digits):
            return None
        day, month, hour, minute = map(int, digits)
        moment = self._dated(day, month, hour, minute)
        if moment is None:
            return None
        begin, end = moment.replace(minute=0), moment.replace(minute=59)
        offsets = {at.replace(fold=fold).utcoffset() for at in (begin, end) for fold in (0, 1)}
        within = minute * 60_000
        if len(offsets) == 1:
            base = self.hours[stamp[:8]] = _ms(begin)
            return base
        first, second = _ms(moment), _ms(moment.replace(fold=1))
        return (second if first < second and first < last - _BACKWARD_MS else first) - within

    def _dated(self, day: int, month: int, hour: int, minute: int) -> datetime | None:
        limit = datetime.fromtimestamp((self._last_day + 1) * DAY_MS / 1000, self._zone)
        for year in range(limit.year, limit.year - _YEARS, -1):
            try:
                moment = datetime(year, month, day, hour, minute, tzinfo=self._zone)
            except ValueError:  # no such day in that year, or in any
                continue
            if moment - limit < timedelta(0):
                return moment
        return None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
