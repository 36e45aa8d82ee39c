"""The errors arrisk raises: one tree, so that callers can catch all of them or one."""

from __future__ import annotations

__all__ = [
    "AmbiguityError",
    "ArriskError",
    "ColumnMapError",
    "LedgerError",
    "LookAheadError",
    "ModelError",
    "OfferError",
    "RunError",
    "StudyError",
    "one_line",
]


class ArriskError(Exception):
    """Base of every error that arrisk raises on purpose."""


class LedgerError(ArriskError):
    """A ledger cannot be used as given: what was wrong, what was seen, what is allowed."""


class ColumnMapError(LedgerError):
    """A column map does not fit the source, or is not a column map."""


class AmbiguityError(LedgerError):
    """A value has two readings (day or month first, decimal comma or point): the caller must say which."""


class LookAheadError(ArriskError):
    """Something asked for facts later than the as-of date."""


class StudyError(ArriskError):
    """A study file is missing, malformed, or lacks an assumption that a decision needs."""


class OfferError(ArriskError):
    """An offer sheet cannot be read: file and key, what was seen, what is allowed."""


class ModelError(ArriskError):
    """A model cannot be fitted or used on what it was given."""


class RunError(ArriskError):
    """A notebook of a study failed while it was run."""


def one_line(text: str) -> str:
    """Text as one line that a terminal shows as it is.

    Examples
    --------
    >>> one_line("first" + chr(10) + "  second" + chr(27) + "[2J")
    'first second[2J'
    """
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
