"""Errors that speak to the operator: what is wrong, where, and what to do next.

Every error that Tillwatch raises on purpose derives from `TillwatchError`. Whether trying again can help
is part of the type: `Temporary` may pass by itself (a server that is down, a full disk), `Permanent` will
not (a configuration that cannot be understood). The command line prints the one sentence and ends with
status 2; only errors that are not of this family show a traceback, because those are defects.
"""

from __future__ import annotations


class TillwatchError(Exception):
    """One sentence for the operator.

    `what` says what is wrong, `where` names the file, line, server, store or POS, `remedy` what to do next.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class Temporary(TillwatchError):
    """Trying again later can help: a server that is down, a locked database, a full disk."""


class Permanent(TillwatchError):
    """Trying again changes nothing until a person does something."""


class BadConfiguration(Permanent):
    """A configuration, estate, dictionary or key file that cannot be used."""


class BadState(Permanent):
    """State on disk that this version cannot read (damaged, or written by a newer version)."""
