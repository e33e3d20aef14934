"""Personal data: what may be kept of a card number, a phone, a text (design, decision 12).

Typed fields are treated as what they are. A loyalty number becomes a keyed token plus its last four digits; a
payment card that serves as one, the token alone (PCI DSS 4.0.1, 3.5.1.1 and FAQ 1117: a hash and a truncation of
the same PAN must not stand side by side); a phone, a token plus its last two digits. In free text, runs of 13 to
19 digits that pass the Luhn check, and phone numbers, are masked. Barcodes, times, amounts and operation ids stand
in typed fields of their own and are left alone: one barcode in ten passes Luhn.
"""

from __future__ import annotations

import hmac
import re

_TOKEN = re.compile(r"[A-Za-z0-9]{1,16}:[0-9a-f]{24}")
_DIGITS = re.compile(r"\D+")
_RUN = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_PHONE = re.compile(r"(?<![\dA-Za-z+])(?:\+\d{1,3}|\b[78])[ -]?\(?\d{3}\)?[ -]?\d{3}[ -]?\d{2}[ -]?\d{2}(?!\d)")
_HAS_NUMBER = re.compile(r"\d[\d ()-]{8}")


def luhn_valid(digits: str) -> bool:
    """Does this run of digits pass the check of ISO/IEC 7812-1 annex B?"""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = ord(digit) - 48
        if place % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


class Privacy:
    """Tokens and masks under one key. `bins`: first digits of payment cards that also serve as loyalty cards."""

    def __init__(self, *, key: bytes, key_id: str, bins: tuple[str, ...] = ()) -> None:
        self._key = key
        self._key_id = key_id
        self._bins = bins

    def token(self, value: str) -> str:
        """`key-id:24 hex digits` of HMAC-SHA-256; the same for the same value and key."""
        return f"{self._key_id}:{hmac.digest(self._key, value.encode(), 'sha256')[:12].hex()}"

    def card(self, value: str, *, payment: bool = False) -> tuple[str, str]:
        """(token, digits that may be shown) of whatever was presented as a card: a number, a QR code, a token.

        `payment`: it is known to be a payment card (a co-brand card).
        """
        if not value or _TOKEN.fullmatch(value):
            return value, ""
        digits = _DIGITS.sub("", value)
        plain = digits if digits else value
        is_payment = payment or (digits.startswith(self._bins) if self._bins else False)
        return self.token(plain), "" if is_payment or len(digits) < 12 else digits[-4:]

    def phone(self, value: str) -> tuple[str, str]:
        """(token, last two digits) of a phone number; +7 and 8 in front of a Russian number are the same."""
        digits = _DIGITS.sub("", value)
        if len(digits) == 11 and digits[0] == "8":
            digits = "7" + digits[1:]
        return self.token(digits), digits[-2:]

    def text(self, value: str) -> str:
        """Free text with card numbers and phone numbers replaced by stars."""
        if not _HAS_NUMBER.search(value):
            return value
        return _PHONE.sub("***phone***", _RUN.sub(_masked_run, value))


def _masked_run(found: re.Match[str]) -> str:
    return "***card***" if luhn_valid(_DIGITS.sub("", found[0])) else found[0]
