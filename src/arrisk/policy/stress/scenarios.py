"""What is tried on the book: failing debtors, the downturn of an industry, the downturn of the economy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from arrisk.errors import ModelError, StudyError
from arrisk.policy.assumptions import did_you_mean

__all__ = [
    "DebtorDefault",
    "IndustryDownturn",
    "MacroDownturn",
    "Rank",
    "Scenario",
    "read_scenarios",
    "usual_scenarios",
]

Rank = Literal["exposure", "expected loss"]
ONSET_DAYS = 28


@dataclass(frozen=True, slots=True)
class DebtorDefault:
    """Some debtors fail.

    Parameters
    ----------
    name : str
    largest : int
        The so many largest debtors fail; 0 with `customers`.
    rank_by : {"exposure", "expected loss"}
        What makes a debtor large.
    customers : sequence of str
        Or these customers fail.
    connected : bool
        Customers of one group are one debtor: they fail together.
    day : int
        Day ahead from which they pay nothing; 1 is tomorrow.

    Raises
    ------
    ModelError
        If nobody fails, or a field is out of range.

    Examples
    --------
    >>> DebtorDefault("the largest debtor fails").largest
    1
    """

    name: str
    largest: int = 1
    rank_by: Rank = "exposure"
    customers: Sequence[str] = ()
    connected: bool = True
    day: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "customers", tuple(map(str, self.customers)))
        if self.rank_by not in get_args(Rank):
            raise ModelError(f"rank_by={self.rank_by!r}; allowed: {', '.join(get_args(Rank))}")
        if self.day < 1 or (self.largest < 1 and not self.customers):
            raise ModelError(
                f"{self.name!r}: largest is at least 1, or customers are named; day is at least 1, got "
                f"largest={self.largest}, day={self.day}"
            )


@dataclass(frozen=True, slots=True)
class IndustryDownturn:
    """One industry has a bad year; the others have any year.

    Parameters
    ----------
    name : str
    industry : str
        As the customers' table has it.
    chance : float
        The industry's factor stands at this quantile: .05 is its worst year of twenty.
    pd_multiple : float
        Further multiple of its probabilities of default, in any year.
    delay_days : float
        Its customers pay so much later.
    onset_days : int
        The delay builds up evenly within these days; 0 is at once.
    """

    name: str
    industry: str
    chance: float = 0.05
    pd_multiple: float = 1.0
    delay_days: float = 15.0
    onset_days: int = ONSET_DAYS

    def __post_init__(self) -> None:
        _check_downturn(self)


@dataclass(frozen=True, slots=True)
class MacroDownturn:
    """All customers have a bad year.

    Parameters
    ----------
    name : str
    chance : float or None
        The common factor stands at this quantile: .05 is the worst year of twenty, .005 of two hundred. None
        leaves it open.
    pd_multiple : float
        Further multiple of all probabilities of default, for example an overlay on the economy.
    delay_days, onset_days
        As for `IndustryDownturn`, for all customers.
    indicator : float, optional
        Value of a macro series: where the book's own link to the series supports it, the link's multiple of
        the probabilities of default stands in place of `chance`.
    series : str
        Name of the macro series, as in the signals of the ledger.
    """

    name: str
    chance: float | None = 0.05
    pd_multiple: float = 1.0
    delay_days: float = 15.0
    onset_days: int = ONSET_DAYS
    indicator: float | None = None
    series: str = "pmi"

    def __post_init__(self) -> None:
        _check_downturn(self)


Scenario = DebtorDefault | IndustryDownturn | MacroDownturn
KINDS: Mapping[str, type[Scenario]] = {
    "debtors": DebtorDefault,
    "industry": IndustryDownturn,
    "macro": MacroDownturn,
}


def _check_downturn(scenario: IndustryDownturn | MacroDownturn) -> None:
    good = (scenario.chance is None or 0 < scenario.chance < 1) and scenario.pd_multiple >= 0
    if not (good and scenario.delay_days >= 0 and scenario.onset_days >= 0):
        raise ModelError(
            f"{scenario.name!r}: chance lies between 0 and 1; pd_multiple, delay_days and onset_days are not "
            f"negative; got {scenario.chance}, {scenario.pd_multiple}, {scenario.delay_days}, "
            f"{scenario.onset_days}"
        )


def usual_scenarios(industry: str | None = None) -> tuple[Scenario, ...]:
    """The scenarios tried when a study names none.

    Parameters
    ----------
    industry : str, optional
        An industry to try a downturn of: the one that owes most.

    Examples
    --------
    >>> [s.name for s in usual_scenarios()][:2]
    ['largest debtor fails', 'five largest debtors fail']
    """
    first: list[Scenario] = [
        DebtorDefault("largest debtor fails", 1),
        DebtorDefault("five largest debtors fail", 5),
        DebtorDefault("costliest debtor fails", 1, "expected loss"),
    ]
    if industry is not None:
        first.append(IndustryDownturn(f"downturn of {industry}", industry))
    return (
        *first,
        MacroDownturn("downturn, 1 year in 20", 0.05),
        MacroDownturn("downturn, 1 year in 200", 0.005, delay_days=30.0),
    )


def read_scenarios(rows: Sequence[Mapping[str, Any]]) -> tuple[Scenario, ...]:
    """Read the ``[[settings.stress.scenario]]`` tables of a study.

    Parameters
    ----------
    rows : sequence of mapping
        Each with ``kind`` ("debtors", "industry" or "macro") and the fields of the scenario.

    Raises
    ------
    StudyError
        If a kind or a key is unknown, a name comes twice, or a value is not allowed.

    Examples
    --------
    >>> read_scenarios([{"kind": "macro", "name": "slump", "chance": 0.01}])[0].chance
    0.01
    """
    found = tuple(_read_one(row) for row in rows)
    names = [scenario.name for scenario in found]
    if len(set(names)) < len(names):
        raise StudyError(f"[[settings.stress.scenario]]: names must differ, got {', '.join(names)}")
    return found


def _read_one(row: Mapping[str, Any]) -> Scenario:
    given = dict(row)
    kind = str(given.pop("kind", ""))
    where = "[[settings.stress.scenario]]"
    if kind not in KINDS:
        raise StudyError(f"{where}: kind = {kind!r}; allowed: {', '.join(KINDS)}{did_you_mean(kind, KINDS)}")
    allowed = [f.name for f in fields(KINDS[kind])]
    for key in given:
        if key not in allowed:
            raise StudyError(f"{where}: unknown key {key!r}{did_you_mean(key, allowed)}")
    try:
        return KINDS[kind](**given)
    except (TypeError, ModelError) as error:
        raise StudyError(f"{where}: {error}") from None
