"""The error dictionary: for every code its cause, owner, plain words and first step (design, "Words": an error).

Pure: text in, frozen values out. `zabbix_plugins/model/error_dictionary.yaml` is the dictionary that is shipped;
a user's own file adds entries, or changes single fields of shipped ones (`parse_dictionary(..., base=shipped)`).
A code that no file knows is not an error of ours: `lookup` answers with an entry that says so.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec
import yaml

from zabbix_plugins.errors import BadConfiguration

LANGUAGES = ("en", "ru")

_CODE = re.compile(r"[A-Z0-9._-]{1,64}")
_LONGEST_ALIAS = 200

Service = Literal["loyalty", "gateway", "bank", "pos"]
Owner = Literal[
    "customer", "store", "call centre", "infrastructure", "code", "master data", "marketing", "bank", "none"
]
Cause = Literal["none", "customer", "configuration", "technical"]


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in every language; `wording["ru"]`."""

    en: str
    ru: str

    def __getitem__(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


class ErrorEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One error code.

    `service`: whose error it is; only critical ones of loyalty and gateway touch availability. `critical`: it stops
    the service for many customers, not for one. `cause`: customer (a base rate that is always there),
    configuration or technical. `owner`: who mends it. `title`: a few words; `words`: what a call-centre operator
    may say; `first_step`: what to do first. `aliases`: raw codes or texts that mean this code. `success`: an
    answer that is no error. `known` is false only in entries made up by `ErrorDictionary.lookup`.
    """

    code: str
    service: Service
    cause: Cause
    owner: Owner
    title: Wording
    words: Wording
    first_step: Wording
    critical: bool = False
    success: bool = False
    aliases: tuple[str, ...] = ()
    known: bool = True


class ErrorDictionary:
    """All entries by code; immutable. Look-ups are one dict get."""

    def __init__(self, entries: Mapping[str, ErrorEntry]) -> None:
        self._entries = dict(entries)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Every code that is an error, in the order of the file."""
        return tuple(code for code, entry in self._entries.items() if not entry.success)

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Raw code → code of the dictionary."""
        return {alias: entry.code for entry in self._entries.values() for alias in entry.aliases}

    @cached_property
    def touching(self) -> frozenset[str]:
        """Codes that touch loyalty availability: critical, and of the loyalty service or the gateway."""
        return frozenset(
            entry.code for entry in self._entries.values() if entry.critical and entry.service in ("loyalty", "gateway")
        )

    def __contains__(self, code: str) -> bool:
        return code in self._entries

    def lookup(self, code: str) -> ErrorEntry:
        """The entry of a code or alias; for an unknown code one with `known` and `critical` false."""
        entry = self._entries.get(code) or self._entries.get(self.aliases.get(code, ""))
        return entry or _unknown(code)

    def merge(self, other: ErrorDictionary) -> ErrorDictionary:
        """This dictionary with the entries of `other` laid over it; an alias goes to who named it last."""
        taken = other.aliases
        entries = {
            code: msgspec.structs.replace(entry, aliases=tuple(a for a in entry.aliases if a not in taken))
            for code, entry in self._entries.items()
        }
        return ErrorDictionary(entries | other._entries)


def _unknown(code: str) -> ErrorEntry:
    return ErrorEntry(
        code=code,
        service="pos",
        cause="none",
        owner="none",
        title=Wording(f"unknown error {code}", f"неизвестная ошибка {code}"),
        words=Wording(
            "The register reported an error that is not described yet; it has been passed on to IT.",
            "Касса сообщила об ошибке, которая ещё не описана; она передана в ИТ.",
        ),
        first_step=Wording(
            "Find out what the code means and add it to the error dictionary.",
            "Выясните, что означает код, и добавьте его в словарь ошибок.",
        ),
        known=False,
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML without duplicate keys: the second of two entries of one code would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse_dictionary(text: str, where: str, base: ErrorDictionary | None = None) -> ErrorDictionary:
    """Read the YAML text of a dictionary; `where` names it in errors.

    With `base`, the answer is `base` with this file laid over it, and an entry whose code `base` knows may give
    only the fields that differ. Raises `BadConfiguration` that names the entry and the remedy.
    """
    try:
        # S506: a subclass of SafeLoader
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadConfiguration(
            f"this is not YAML as a dictionary needs it: {error.problem}",
            where=f"{where}{line}",
            remedy="mend that line",
        ) from error
    except yaml.YAMLError as error:
        raise BadConfiguration(f"this is not YAML: {error}", where=where, remedy="save it as UTF-8 text") from error
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, dict) or set(document) != {"errors"}:
        raise BadConfiguration(
            "a dictionary has one key, errors, with codes below it",
            where=where,
            remedy="write 'errors:' on the first line and the codes indented below",
        )
    entries = {}
    for code, fields in errors.items():
        entry = _entry(code, fields, base, where)
        entries[entry.code] = entry
    result = ErrorDictionary(entries) if base is None else base.merge(ErrorDictionary(entries))
    _check_aliases(result, entries, where)
    return result


def _entry(code: object, fields: object, base: ErrorDictionary | None, where: str) -> ErrorEntry:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise BadConfiguration(
            f"{code!r} is no error code",
            where=where,
            remedy="use 1 to 64 capital Latin letters, digits, dots, dashes or underscores (numbers in quotes)",
        )
    if not isinstance(fields, dict):
        raise BadConfiguration(f"entry {code} has no fields", where=where, remedy="indent its fields below it")
    for own in ("code", "known"):
        if own in fields:
            raise BadConfiguration(f"entry {code}: key {own} is unknown", where=where, remedy="remove it")
    known = base.lookup(code) if base else None
    before = msgspec.to_builtins(known) if known and known.known and known.code == code else {}
    try:
        entry = msgspec.convert({**before, **fields, "code": code}, ErrorEntry)
    except msgspec.ValidationError as error:
        raise BadConfiguration(
            f"entry {code}: {error}", where=where, remedy="mend that field; a new code needs all of them"
        ) from error
    for name, wording in (("title", entry.title), ("words", entry.words), ("first_step", entry.first_step)):
        for language in LANGUAGES:
            if not wording[language].strip():
                raise BadConfiguration(
                    f"entry {code}: {name}.{language} is empty", where=where, remedy="write the text"
                )
    return entry


def _check_aliases(result: ErrorDictionary, entries: Mapping[str, ErrorEntry], where: str) -> None:
    owners: dict[str, str] = {}
    for code, entry in entries.items():
        for alias in entry.aliases:
            if not 0 < len(alias) <= _LONGEST_ALIAS:
                trouble = f"an alias must have 1 to {_LONGEST_ALIAS} characters"
            elif alias in result:
                trouble = f"alias {alias!r} is a code itself"
            elif owners.setdefault(alias, code) != code:
                trouble = f"alias {alias!r} belongs to {owners[alias]} already"
            else:
                continue
            raise BadConfiguration(f"entry {code}: {trouble}", where=where, remedy="remove the alias from one of them")
