"""Stamps of Set Retail 10's text log: local time of the store, without a year (`%d{dd.MM HH:mm:ss}`, log4j).

The year is the latest one that puts a stamp not more than two days after the reference: the time at which the file
was last written, or the newest stamp read so far. So December's stamps in a file written in January are last
year's, and a POS clock that is a day ahead on New Year's Eve is believed.

The zone's rules tell the hour. Where clocks are set back, an hour comes twice: the first reading of a stamp is taken
unless it lies more than ten minutes before the record in front of it; then it is the second. Where clocks are set
forward, a stamp inside the gap is of a clock that has not been set yet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_AHEAD_DAYS = 2
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
        self._day = -1

    def look_from(self, reference: int) -> None:
        """Resolve years as seen from `reference`, milliseconds UTC; its day alone matters."""
        day = reference // DAY_MS
        if day != self._day:
            self._day = day
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
        limit = datetime.fromtimestamp((self._day + _AHEAD_DAYS + 1) * DAY_MS / 1000, self._zone)
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
