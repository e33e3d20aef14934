"""Personal data: what may be kept of a card number, a phone, a text (design, decision 12).

Typed fields are treated as what they are. A loyalty number becomes a keyed token plus its last four digits; a
payment card that serves as one, the token alone (PCI DSS 4.0.1, 3.5.1.1 and FAQ 1117: a hash and a truncation of
the same PAN must not stand side by side); a phone, a token plus its last two digits. In free text, runs of 13 to
19 digits that pass the Luhn check, and phone numbers, are masked. Barcodes, times, amounts and operation ids stand
in typed fields of their own and are left alone: one barcode in ten passes Luhn.

Pure: the key is given; its file is read at the rim.
"""

from __future__ import annotations

import hmac
import re

CARD_MASK = "***card***"
PHONE_MASK = "***phone***"
DIGIT_KEY = "digit"
"""The name under which every key of the digit block is kept: names of pressed digits would spell a number."""

_TOKEN = re.compile(r"[A-Za-z0-9]{1,16}:[0-9a-f]{24}")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_NUMBER = re.compile(r"\+?[0-9][0-9 .()\u00a0-]*")
_TRACK = re.compile(r"[;%]?[Bb]?([0-9]{12,19})[=^]")

_GAP = "[ \u00a0-]{0,2}"
_DIGITS = re.compile(r"[0-9]+")
_RUN = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}[0-9]){{12,}}")
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"\+[0-9](?:[ \u00a0()-]{0,2}[0-9]){9,13}"  # international
    r"|[78][ \u00a0-]?\(?[0-9]{3}\)?(?:[ \u00a0-]?[0-9]){7}"  # Russian, with its prefix
    r"|\(?9[0-9]{2}\)?[ \u00a0-]?[0-9]{3}[ \u00a0-]?[0-9]{2}[ \u00a0-]?[0-9]{2}"  # Russian mobile, without
    r")(?![0-9])"
)
_HAS_NUMBER = re.compile("[0-9][0-9 ()\u00a0-]{8}")
_DIGIT_KEY = re.compile(r"(?i)(?:kbd|key|vk|num|numpad|digit|d)?[_ -]*(?:numpad|num|digit|d)?[_ -]*[0-9]{1,3}")


def luhn_valid(digits: str) -> bool:
    """Does this run of ASCII digits pass the check of ISO/IEC 7812-1 annex B?"""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = ord(digit) - 48
        if place % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


class Privacy:
    """Tokens and masks under one key (at least 16 bytes, with a key id of 1 to 16 letters and digits).

    `bins`: first digits of payment cards that also serve as loyalty cards.
    """

    def __init__(self, *, key: bytes, key_id: str, bins: tuple[str, ...] = ()) -> None:
        self._key = key
        self._key_id = key_id
        self._bins = bins

    def token(self, value: str) -> str:
        """`key-id:24 hex digits` of HMAC-SHA-256; the same for the same value and key."""
        return f"{self._key_id}:{hmac.digest(self._key, value.encode(errors='replace'), 'sha256')[:12].hex()}"

    def is_token(self, value: str) -> bool:
        """Is this a token already (a journal that was exported by Tillwatch)?"""
        return _TOKEN.fullmatch(value) is not None

    def card(self, value: str, *, payment: bool = False) -> tuple[str, str]:
        """(token, digits that may be shown) of whatever was presented as a card: a number, a phone, a QR code.

        `payment`: it is known to be a payment card (a co-brand card). Separators and track data around a number do
        not change its token; of anything but a number of 12 digits or more nothing may be shown. A token stays.
        """
        if not value or self.is_token(value):
            return value, ""
        value = value.strip()
        track = _TRACK.match(value)
        if track is None and _NUMBER.fullmatch(value) is None:
            return self.token(value), ""
        digits = track[1] if track else _NOT_DIGITS.sub("", value)
        hidden = payment or len(digits) < 12 or (bool(self._bins) and digits.startswith(self._bins))
        return self.token(digits), "" if hidden else digits[-4:]

    def phone(self, value: str) -> tuple[str, str]:
        """(token, last two digits) of a phone number; +7, 8 and nothing in front of a Russian number are the same."""
        if not value or self.is_token(value):
            return value, ""
        digits = _NOT_DIGITS.sub("", value)
        if len(digits) == 11 and digits[0] == "8":
            digits = "7" + digits[1:]
        elif len(digits) == 10 and digits[0] == "9":
            digits = "7" + digits
        return self.token(digits or value), digits[-2:]

    def text(self, value: str) -> str:
        """Free text with card numbers and phone numbers masked."""
        if _HAS_NUMBER.search(value) is None:
            return value
        return _PHONE.sub(PHONE_MASK, _RUN.sub(_masked_run, value))

    def barcode(self, value: str) -> str:
        """A code that the POS took for an article's and did not find: what a card could be is masked.

        GTINs have 8, 12, 13 or 14 digits (GS1 General Specifications, 3.3) and stay; 15 to 19 digits that pass
        Luhn are a card that was scanned too early.
        """
        digits = _NOT_DIGITS.sub("", value)
        return CARD_MASK if 15 <= len(digits) <= 19 and luhn_valid(digits) else value

    def key(self, value: str) -> str:
        """The name of a pressed key; digits all have the same name."""
        return DIGIT_KEY if _DIGIT_KEY.fullmatch(value) else self.text(value)[:64]


def _masked_run(found: re.Match[str]) -> str:
    """Mask every Luhn-valid number of 13 to 19 digits that whole groups of a run make up.

    A run may hold more than the number (a till number in front of it, a date behind), so that the groups between
    its separators are tried from each on, the longest number first.
    """
    run = found[0]
    groups = [(group.start(), group.end()) for group in _DIGITS.finditer(run)]
    result = []
    at = first = 0
    while first < len(groups):
        for last in range(min(first + 19, len(groups)) - 1, first - 1, -1):
            begin, end = groups[first][0], groups[last][1]
            digits = _NOT_DIGITS.sub("", run[begin:end])
            if 13 <= len(digits) <= 19 and luhn_valid(digits):
                result += [run[at:begin], CARD_MASK]
                at, first = end, last
                break
        first += 1
    return "".join(result) + run[at:]
