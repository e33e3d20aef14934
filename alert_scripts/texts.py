"""Every word of our own that stands in a mail, in English and Russian.

A struct per language rather than gettext catalogues: the type checker proves that no text is missing in either
language, and there is no compile step. Sentences hold named places ({began}), because the order of words differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one language. `months` as they stand in a date; `severities` by Zabbix's number;
    `figures`: names of numbers that Tillwatch's own triggers state; `actions`: parts of {EVENT.UPDATE.ACTION}."""

    language: str
    months: tuple[str, ...]
    severities: tuple[str, ...]
    problem: str
    update: str
    recovery: str
    text: str
    since: str
    over: str
    over_unknown: str
    updated: str
    someone: str
    where: str
    chain: str
    region: str
    store: str
    severity: str
    began: str
    ended: str
    lasted: str
    measured: str
    first: str
    comment: str
    uninterpreted: str
    open_problem: str
    more: str
    times: str
    footer: str
    cut: str
    day: str
    hour: str
    minute: str
    second: str
    figures: Mapping[str, str] = {}
    actions: Mapping[str, str] = {}

    def figure(self, name: str) -> str:
        """The name of a number from Tillwatch's own triggers, in this language; other names stay as they are."""
        return self.figures.get(name.lower(), name)

    def action(self, words: str) -> str:
        """Zabbix's English words for what was done with a problem, in this language."""
        for english, own in self.actions.items():
            words = words.replace(english, own)
        return words

    def date(self, time: datetime) -> str:
        """24 Nov 2026, 14:03"""
        return f"{time.day} {self.months[time.month - 1]} {time.year}, {time:%H:%M}"

    def duration(self, milliseconds: int) -> str:
        """The two largest units: "1 h 5 min"."""
        seconds = max(0, milliseconds) // 1000
        parts = [
            (seconds // 86400, self.day),
            (seconds // 3600 % 24, self.hour),
            (seconds // 60 % 60, self.minute),
            (seconds % 60, self.second),
        ]
        first = next((place for place, (number, _) in enumerate(parts) if number), len(parts) - 1)
        return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number or first == 3)


EN = Texts(
    language="en",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    severities=("Not classified", "Information", "Warning", "Average", "High", "Disaster"),
    problem="Problem",
    update="Update",
    recovery="Resolved",
    text="Message",
    since="Since {began}.",
    over="This is over. It lasted {lasted}, from {began} to {ended}.",
    over_unknown="This is over.",
    updated="{who}, {when}: {action}.",
    someone="Somebody",
    where="Where",
    chain="Chain",
    region="Region",
    store="Store",
    severity="Severity",
    began="Began",
    ended="Ended",
    lasted="Lasted",
    measured="Measured",
    first="What to do first",
    comment="Comment",
    uninterpreted="As Zabbix sent it",
    open_problem="Open the problem in Zabbix",
    more="More about it",
    times="Times are in {zone}.",
    footer="Tillwatch · Zabbix event {event}",
    cut="… (shortened)",
    day="d",
    hour="h",
    minute="min",
    second="s",
)

RU = Texts(
    language="ru",
    months=(
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ),
    severities=("Не классифицировано", "Информация", "Предупреждение", "Средняя", "Высокая", "Чрезвычайная"),
    problem="Проблема",
    update="Обновление",
    recovery="Решено",
    text="Сообщение",
    since="Началось {began}.",
    over="Проблема закончилась. Длилась {lasted}, с {began} до {ended}.",
    over_unknown="Проблема закончилась.",
    updated="{who}, {when}: {action}.",
    someone="Кто-то",
    where="Где",
    chain="Сеть",
    region="Регион",
    store="Магазин",
    severity="Важность",
    began="Началось",
    ended="Закончилось",
    lasted="Длилось",
    measured="Измерено",
    first="Что сделать в первую очередь",
    comment="Комментарий",
    uninterpreted="Так прислал Zabbix",
    open_problem="Открыть проблему в Zabbix",
    more="Подробнее",
    times="Время указано в зоне {zone}.",
    footer="Tillwatch · событие Zabbix {event}",
    cut="… (сокращено)",
    day="д",
    hour="ч",
    minute="мин",
    second="с",
    figures={
        "availability": "Доступность",
        "at best": "В лучшем случае",
        "at worst": "В худшем случае",
        "threshold": "Порог",
        "transactions": "Транзакции",
        "hit": "Затронуто",
        "recovered": "Исправлено повтором",
        "receipts": "Чеки",
    },
    actions={
        "unacknowledged": "снято подтверждение",
        "acknowledged": "проблема принята в работу",
        "commented": "добавлен комментарий",
        "closed": "проблема закрыта вручную",
        "unsuppressed": "снято подавление",
        "suppressed": "проблема подавлена",
        "changed severity from": "важность изменена с",
        " and ": ", ",
        " to ": " на ",
    },
)

TEXTS: Mapping[Literal["en", "ru"], Texts] = {"en": EN, "ru": RU}
