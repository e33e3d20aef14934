"""What is kept of cards, phones, texts and keys."""

from __future__ import annotations

import pytest

from zabbix_plugins.model.privacy import Privacy, luhn_valid

PRIVACY = Privacy(key=b"a key of sixteen bytes or more", key_id="k1", bins=("220220",))
LOYALTY = "2200700812345678"
PAN = "4111111111111111"


def test_luhn_tells_card_numbers_from_others() -> None:
    assert luhn_valid(PAN)
    assert not luhn_valid("4111111111111112")


def test_a_loyalty_number_is_kept_as_token_and_last_four() -> None:
    token, last = PRIVACY.card(LOYALTY)
    assert (token, last) == ("k1:764037cd45755777a8ccb19d", "5678")


@pytest.mark.parametrize(
    "spelling", ["2200 7008 1234 5678", "2200-7008-1234-5678", ";2200700812345678=2512101?", " 2200700812345678\n"]
)
def test_one_card_has_one_token_however_it_is_spelt(spelling: str) -> None:
    assert PRIVACY.card(spelling) == PRIVACY.card(LOYALTY)


@pytest.mark.parametrize(
    ("number", "payment"),
    [
        pytest.param("2202201234567890", False, id="its first digits are in the list"),
        pytest.param(PAN, True, id="known to be one"),
    ],
)
def test_nothing_of_a_payment_card_is_shown_beside_its_token(number: str, payment: bool) -> None:
    token, last = PRIVACY.card(number, payment=payment)
    assert token.startswith("k1:")
    assert last == ""


@pytest.mark.parametrize("presented", ["https://club.example/q?7", "https://club.example/a?7", "+7 916 123-45-67", "7"])
def test_nothing_is_shown_of_what_is_no_card_number(presented: str) -> None:
    assert PRIVACY.card(presented)[1] == ""


def test_two_qr_codes_with_the_same_digits_are_two_cards() -> None:
    assert PRIVACY.card("https://club.example/q?7") != PRIVACY.card("https://club.example/a?7")


def test_a_token_is_not_made_a_token_again() -> None:
    token = PRIVACY.card(LOYALTY)[0]
    assert PRIVACY.card(token) == (token, "")
    assert PRIVACY.phone(token) == (token, "")


def test_another_key_gives_another_token() -> None:
    other = Privacy(key=b"another key of sixteen bytes", key_id="k2")
    assert other.card(LOYALTY)[0].startswith("k2:")
    assert other.card(LOYALTY)[0][3:] != PRIVACY.card(LOYALTY)[0][3:]


@pytest.mark.parametrize("spelling", ["+79161234567", "89161234567", "9161234567", "8 (916) 123-45-67"])
def test_one_phone_has_one_token_however_it_is_spelt(spelling: str) -> None:
    assert PRIVACY.phone(spelling) == ("k1:25b1b1eee463af26799a0643", "67")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("out of paper", "out of paper"),
        ("card 4111111111111111 unknown", "card ***card*** unknown"),
        ("card 4111 1111 1111 1111, till 3", "card ***card***, till 3"),
        ("till 3 4111-1111-1111-1111 2026", "till 3 ***card*** 2026"),
        ("x4111111111111111x", "x***card***x"),
        ("4111111111111111 4111111111111111", "***card*** ***card***"),
        ("number 4111111111111112", "number 4111111111111112"),
        ("call +7 (916) 123-45-67!", "call ***phone***!"),
        ("call 89161234567", "call ***phone***"),
        ("call 916 123-45-67", "call ***phone***"),
        ("call +375 29 123-45-67", "call ***phone***"),
        ("op 20261124 time = 1234 ms", "op 20261124 time = 1234 ms"),
        ("barcode 4600000000017 not found", "barcode 4600000000017 not found"),
    ],
)
def test_numbers_in_text_are_masked(text: str, kept: str) -> None:
    assert PRIVACY.text(text) == kept


def test_a_text_of_many_digits_is_looked_through_quickly() -> None:
    assert PRIVACY.text("1 " * 50_000).startswith("1 1 ")


@pytest.mark.parametrize(
    ("code", "kept"),
    [("4600000000014", "4600000000014"), ("4000000000002", "4000000000002"), (PAN, "***card***"), ("ABC-1", "ABC-1")],
)
def test_a_code_that_no_article_has_is_kept_unless_it_is_a_card(code: str, kept: str) -> None:
    assert PRIVACY.barcode(code) == kept


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("7", "digit"),
        ("kbd7", "digit"),
        ("VK_NUMPAD7", "digit"),
        ("00", "digit"),
        ("F7", "F7"),
        ("kbdEnter", "kbdEnter"),
        ("subtotal", "subtotal"),
    ],
)
def test_typed_digits_are_never_kept(key: str, kept: str) -> None:
    assert PRIVACY.key(key) == kept
