"""Family "errors": how often each error code was written, in every window."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from zabbix_plugins.model.receipt import ERROR

OTHER = "OTHER"
UNKNOWN_CODES = 50
"""So many codes that no dictionary knows are told apart; the rest is counted as OTHER (design, decision 9)."""

_CODE = re.compile(r"[A-Z0-9._-]{1,64}")


class CodeCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One code: window name → how often."""

    code: str
    counts: dict[str, int]


def error_codes(windows: Mapping[str, Mapping[str, int]], known: Iterable[str]) -> list[CodeCounts]:
    """Counts of the `known` codes (also where they are 0), the most frequent unknown ones, and OTHER.

    Which unknown codes are the most frequent is judged in the longest window. Codes that Zabbix could not carry
    in an item key go to OTHER.
    """
    listed = list(dict.fromkeys(known))
    seen: dict[str, int] = {}
    longest = list(windows)[-1]
    for counts in windows.values():
        for name in counts:
            if name.startswith(ERROR):
                code = name.removeprefix(ERROR)
                seen[code] = windows[longest].get(name, 0)
    strangers = [code for code in seen if code not in set(listed) and code != OTHER and _CODE.fullmatch(code)]
    strangers.sort(key=lambda code: (-seen[code], code))
    shown = [*listed, *sorted(strangers[:UNKNOWN_CODES])]
    result = [CodeCounts(code=code, counts={w: windows[w].get(ERROR + code, 0) for w in windows}) for code in shown]
    told_apart = set(shown)
    rest = {
        window: sum(
            number
            for name, number in counts.items()
            if name.startswith(ERROR) and name.removeprefix(ERROR) not in told_apart
        )
        for window, counts in windows.items()
    }
    result.append(CodeCounts(code=OTHER, counts=rest))
    return result
