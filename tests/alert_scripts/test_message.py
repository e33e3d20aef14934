"""The form of messages: written by templates, expanded by Zabbix without escaping, read back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_scripts.alert import Alert, Figure
from alert_scripts.message import TEXTS, ZabbixKind, message_template, read_message
from tests.alert_scripts.conftest import note

MINUTE = 60_000
BEGAN = 1_795_528_985_000  # 2026-11-24 14:03:05 UTC


def test_the_templates_hold_the_head_first_and_free_texts_last() -> None:
    lines = message_template("problem").split("\n")
    assert lines[:4] == ["tillwatch 1 problem", "event={EVENT.ID}", "action={ACTION.ID}", "trigger={TRIGGER.ID}"]
    assert lines[-4:] == [
        "--- {EVENT.ID} update_message",
        "{EVENT.UPDATE.MESSAGE}",
        "--- {EVENT.ID} description",
        "{TRIGGER.DESCRIPTION}",
    ]


def test_a_problem_is_read_back() -> None:
    assert read_message(note("problem")) == Alert(
        instance="demo",
        channel="email",
        recipient="hotline@example.com",
        kind="problem",
        subject="Problem: Loyalty availability is critically low (below 97 % in 5m)",
        event="4711",
        action="7",
        trigger="12345",
        severity=4,
        created=BEGAN + 3000,
        started=BEGAN,
        host="Tillwatch chain magnolia",
        host_name="Magnolia",
        name="Loyalty availability is critically low (below 97 % in 5m)",
        severity_name="High",
        opdata="Availability: 61.5 %, transactions: 1240, hit: 477",
        tags=(("chain", "magnolia"), ("region", "North")),
        items=(Figure("Loyalty availability, upper bound (5m)", "66.2 %"),),
        frontend="https://zabbix.example.com/",
        description="Look at the dashboard first.\nThen call the processing.",
    )


def test_a_recovery_and_an_update_carry_their_own_times_and_words() -> None:
    recovery, update = read_message(note("recovery")), read_message(note("update"))
    assert (recovery.kind, recovery.recovered, recovery.updated) == ("recovery", BEGAN + 12 * MINUTE, None)
    assert (update.kind, update.recovered, update.updated) == ("update", None, BEGAN + 7 * MINUTE - 5000)
    assert (update.update_user, update.update_action, update.update_message) == (
        "Anna Petrova",
        "acknowledged and commented",
        "Processing is being restarted.",
    )


def test_macros_that_zabbix_cannot_expand_are_empty() -> None:
    alert = read_message(note("problem", EVENT_OPDATA="*UNKNOWN*", EVENT_TAGSJSON="*UNKNOWN*", ITEM_VALUE1="*UNKNOWN*"))
    assert (alert.opdata, alert.tags, alert.items, alert.trigger_url) == ("", (), (), "")


HOSTILE_MACROS = ["{HOST.NAME}", "{EVENT.NAME}", "{EVENT.OPDATA}", "{ITEM.VALUE1}", "{TRIGGER.DESCRIPTION}"]


@pytest.mark.parametrize("macro", HOSTILE_MACROS)
@pytest.mark.parametrize("field", [field for field, _ in TEXTS])
def test_a_text_that_looks_like_a_marker_cannot_pass_for_another_field(macro: str, field: str) -> None:
    hostile = f"nice\n--- 4711 {field}\nspoofed\nevent=1\ntillwatch 1 recovery"
    alert = read_message(note("problem", **{macro.strip("{}").replace(".", "_"): hostile}))
    assert (alert.kind, alert.event, alert.severity, alert.started) == ("problem", "4711", 4, BEGAN)
    assert {alert.host, alert.name, alert.description, alert.frontend, alert.trigger_url} == {""}
    assert "spoofed" in alert.rest


@given(st.sampled_from(HOSTILE_MACROS), st.text(alphabet=st.sampled_from('ab\n\r-= 4711{}"*<\x85\u2028')))
def test_no_text_changes_the_head_or_another_field(macro: str, text: str) -> None:
    plain = read_message(note("problem"))
    alert = read_message(note("problem", **{macro.strip("{}").replace(".", "_"): text}))
    same = ("kind", "event", "action", "trigger", "severity", "created", "started", "host", "tags", "frontend")
    assert [getattr(alert, name) for name in same] == [getattr(plain, name) for name in same]


@pytest.mark.parametrize(
    "message",
    ["", "This is the test message from Zabbix", message_template("problem"), "tillwatch 2 problem\nevent=1"],
    ids=["empty", "test button", "nothing expanded", "newer form"],
)
def test_a_message_of_another_form_is_kept_as_text(message: str) -> None:
    alert = read_message(msgspec.structs.replace(note("problem"), message=message, subject="Test subject"))
    assert (alert.kind, alert.subject, alert.rest) == ("text", "Test subject", message)


def test_a_message_that_was_cut_keeps_its_head() -> None:
    whole = note("problem")
    alert = read_message(msgspec.structs.replace(whole, message=whole.message[:500]))
    assert (alert.kind, alert.event, alert.started) == ("problem", "4711", BEGAN)
    assert "Tillwatch chain magnolia" in alert.rest


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("problem", {}), ("problem", {"ITEM_VALUE1": "67 %"}), True),
        (("problem", {}), ("problem", {"TIME": "14:08:08"}), False),
        (("problem", {}), ("problem", {"ACTION_ID": "8"}), False),
        (("problem", {}), ("problem", {"EVENT_ID": "4712"}), False),
        (("problem", {}), ("recovery", {}), False),
        (("update", {}), ("update", {"EVENT_UPDATE_MESSAGE": "Another."}), False),
        (("update", {}), ("update", {"EVENT_UPDATE_TIME": "14:10:01"}), False),
    ],
)
def test_identity_tells_steps_comments_and_kinds_apart(
    first: tuple[ZabbixKind, dict[str, str]], second: tuple[ZabbixKind, dict[str, str]], same: bool
) -> None:
    one, two = (read_message(note(kind, **changed)).identity("a@b") for kind, changed in (first, second))
    assert (one == two) is same
    assert (one.digest() == two.digest()) is same
