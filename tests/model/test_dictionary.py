"""The error dictionary: what is shipped, how users extend it, and how bad files are refused."""

import re
from pathlib import Path

import pytest

import zabbix_plugins.model
from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.dictionary import LANGUAGES, ErrorDictionary, parse_dictionary
from zabbix_plugins.model.receipt import OFFLINE, OK, UNANSWERED

SHIPPED = Path(zabbix_plugins.model.__file__).with_name("error_dictionary.yaml").read_text(encoding="utf-8")

ONE = """
errors:
  LOY.MOON:
    service: loyalty
    cause: technical
    owner: infrastructure
    critical: true
    aliases: [moon-failure]
    title: {en: Moon, ru: Луна}
    words: {en: The moon is down., ru: Луна не светит.}
    first_step: {en: Call the moon., ru: Позвоните на Луну.}
"""


@pytest.fixture(scope="module")
def shipped() -> ErrorDictionary:
    return parse_dictionary(SHIPPED, "error_dictionary.yaml")


def test_codes_that_receipts_are_judged_by_are_shipped(shipped: ErrorDictionary) -> None:
    assert shipped.lookup(OK).success
    assert OK not in shipped.codes
    assert {UNANSWERED, OFFLINE, "LOY.TIMEOUT", "GW.GATEWAY_CLIENT_READ_TIMEOUT"} <= shipped.touching


def test_critical_errors_of_bank_and_register_do_not_touch_loyalty(shipped: ErrorDictionary) -> None:
    assert shipped.lookup("BANK.91").critical
    assert {code.partition(".")[0] for code in shipped.touching} == {"LOY", "GW"}


def test_errors_of_single_customers_are_never_critical(shipped: ErrorDictionary) -> None:
    customers = [entry for code in shipped.codes if (entry := shipped.lookup(code)).cause == "customer"]
    assert len(customers) > 20
    assert [entry.code for entry in customers if entry.critical] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_its_language(shipped: ErrorDictionary, language: str) -> None:
    for code in shipped.codes:
        entry = shipped.lookup(code)
        for text in (entry.title[language], entry.words[language], entry.first_step[language]):
            assert bool(re.search("[а-яё]", text)) == (language == "ru"), (code, text)


def test_titles_tell_codes_apart(shipped: ErrorDictionary) -> None:
    for language in LANGUAGES:
        titles = [shipped.lookup(code).title[language] for code in shipped.codes]
        assert len(set(titles)) == len(titles)


def test_raw_codes_are_found_by_their_alias(shipped: ErrorDictionary) -> None:
    assert shipped.lookup("CouponExpired").code == "LOY.COUPON_EXPIRED"
    assert shipped.aliases["REQUEST_TIMEOUT"] == "GW.REQUEST_TIMEOUT"


def test_an_unknown_code_is_answered_and_says_so(shipped: ErrorDictionary) -> None:
    entry = shipped.lookup("LOYMAX.4711")
    assert (entry.known, entry.critical, entry.title["en"]) == (False, False, "unknown error LOYMAX.4711")


def test_an_own_file_adds_codes_and_changes_single_fields(shipped: ErrorDictionary) -> None:
    own = parse_dictionary(
        ONE + "  LOY.TIMEOUT: {critical: false}\n  LOY.BUSY: {aliases: [REQUEST_TIMEOUT, LOYMAX.7]}\n",
        "own.yaml",
        shipped,
    )
    assert own.lookup("moon-failure").title["ru"] == "Луна"
    assert own.lookup("LOY.TIMEOUT").words == shipped.lookup("LOY.TIMEOUT").words
    assert "LOY.TIMEOUT" not in own.touching
    assert own.lookup("LOYMAX.7").code == "LOY.BUSY"
    assert own.lookup("REQUEST_TIMEOUT").code == "LOY.BUSY"
    assert own.lookup("GW.REQUEST_TIMEOUT").aliases == ()
    assert len(own.codes) == len(shipped.codes) + 1
    assert "LOY.TIMEOUT" in shipped.touching


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("errors: [", "own.yaml:1: this is not YAML as a dictionary needs it"),
        ("errors: {[a]: 1}", "own.yaml:1: this is not YAML as a dictionary needs it: a key must be plain text"),
        ("- 1", "own.yaml: a dictionary has one key, errors"),
        ("error: {}", "own.yaml: a dictionary has one key, errors"),
        (
            ONE + ONE.removeprefix("\nerrors:"),
            "own.yaml:13: this is not YAML as a dictionary needs it: 'LOY.MOON' stands",
        ),
        (ONE.replace("LOY.MOON", "loy.moon"), "own.yaml: 'loy.moon' is no error code"),
        (ONE.replace("LOY.MOON", "12"), "own.yaml: 12 is no error code"),
        (ONE.replace("owner: infrastructure", "owner: nobody"), "entry LOY.MOON: Invalid enum value 'nobody'"),
        (ONE.replace("cause:", "couse:"), "entry LOY.MOON: Object contains unknown field `couse`"),
        (ONE.replace("    service: loyalty\n", ""), "entry LOY.MOON: Object missing required field `service`"),
        (ONE.replace(", ru: Луна}", "}"), "entry LOY.MOON: Object missing required field `ru`"),
        (ONE.replace("ru: Луна}", "ru: ' '}"), "entry LOY.MOON: title.ru is empty"),
        (ONE.replace("critical: true", "known: false"), "entry LOY.MOON: key known is unknown"),
        ("errors: {LOY.MOON: 5}", "entry LOY.MOON has no fields"),
        (ONE.replace("moon-failure", "LOY.MOON"), "alias 'LOY.MOON' is a code itself"),
        (
            ONE + ONE.removeprefix("\nerrors:").replace("LOY.MOON", "LOY.SUN"),
            "alias 'moon-failure' belongs to LOY.MOON",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_dictionary(text, "own.yaml")
    assert complaint in str(caught.value)
    assert caught.value.remedy
