"""The early-warning rules of a study: explicit conditions on what was known of a customer on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from arrisk.display import Table, money
from arrisk.errors import StudyError

__all__ = ["AlertRules", "Rule", "make_alert_rules"]

Grid = Literal["weekly", "monthly"]
CENT = 0.01
CLIMATE = ("pmi", "climate")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its state is on for a customer on a day when all its conditions hold.

    Parameters
    ----------
    name : str
        Identifier, the column of its states.
    label : str
        A few words for tables and figures.
    words : str
        The convention in full.
    conditions : tuple of (measure, number)
        The measure is at least the number; a measure that cannot be known holds no condition.
    reason : str
        What a watch list says of a customer, with measures in braces.
    common : bool
        Whether it looks at the market, so that it turns on for many customers at once.

    Examples
    --------
    >>> rule = Rule("limit", "80% used", "...", (("utilisation", 0.8),), "limit used {utilisation:.0%}")
    >>> measures = pd.DataFrame({"utilisation": [0.5, 0.8, None]})
    >>> rule.holds(measures).tolist(), rule.tell(measures.iloc[1])
    ([False, True, False], 'limit used 80%')
    """

    name: str
    label: str
    words: str
    conditions: tuple[tuple[str, float], ...]
    reason: str
    common: bool = False

    def holds(self, measures: pd.DataFrame) -> np.ndarray:
        """Whether the rule holds in each row of measures, shape (rows,)."""
        on = np.ones(len(measures), dtype=bool)
        for measure, least in self.conditions:
            on &= measures[measure].to_numpy(dtype=float) >= least
        return on

    def tell(self, row: pd.Series) -> str:
        """The reason in words for one row of measures."""
        return self.reason.format(**{str(k): v for k, v in row.items()})


@dataclass(frozen=True, slots=True)
class AlertRules:
    """All rules of a study and when they are looked at; made by `make_alert_rules`.

    Parameters
    ----------
    rules : tuple of Rule
    grid : {"weekly", "monthly"}
        Days on which they are looked at: every seventh day back from the as-of date, or month ends.
    refractory_days : int
        After an alert a rule is silent for the same customer for so many days.
    signal_days : int
        An outside signal about a customer counts for so many days after it was known.
    levels : mapping of signal to float
        A market signal below this level is on; other market signals are on when unusually low against
        their own past.
    unusual : float
        Robust standard deviations from the own past that count as unusual.
    horizon_days, lead_days, stop_days : int
        For judging alerts: a default within so many days after an alert makes it right, at least so many
        days are needed to act, and a stop of orders lasts so long.
    currency : str
        Of the amounts in the rules, for display.
    """

    rules: tuple[Rule, ...]
    grid: Grid = "weekly"
    refractory_days: int = 90
    signal_days: int = 180
    levels: Mapping[str, float] = field(default_factory=dict)
    unusual: float = 3.0
    horizon_days: int = 180
    lead_days: int = 30
    stop_days: int = 90
    currency: str = ""

    def __post_init__(self) -> None:
        if self.grid not in ("weekly", "monthly"):
            raise StudyError(f"grid = {self.grid!r}: allowed are weekly, monthly")
        if self.refractory_days < 0 or self.signal_days < 1:
            raise StudyError("refractory_days may not be negative, and signal_days is at least 1")
        if not 0 <= self.lead_days < self.horizon_days or self.stop_days < 1:
            raise StudyError("lead_days is less than horizon_days, and stop_days at least 1")

    @property
    def names(self) -> list[str]:
        """Names of the rules, in their order."""
        return [rule.name for rule in self.rules]

    def __getitem__(self, name: str) -> Rule:
        return next(rule for rule in self.rules if rule.name == name)

    def to_table(self, name: str = "alert_rules") -> Table:
        """The rules in words."""
        frame = pd.DataFrame(
            {"rule": [r.label for r in self.rules], "turns_on_when": [r.words for r in self.rules]}
        )
        note = (
            f"Looked at {'each week' if self.grid == 'weekly' else 'each month end'}, from what was known "
            f"that day. An alert is raised on the day a rule turns on, not while it stays on, and the rule "
            f"is then silent for the customer for {self.refractory_days} days. Own past: the year that ended "
            "four weeks before, of which at least half must be known; unusual is measured from its median in "
            "robust standard deviations (1.4826 times the median absolute deviation)."
        )
        return Table(name, f"{len(self.rules)} rules, fixed before looking at any default", frame, note)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.to_table()._repr_mimebundle_()


DEFAULTS: dict[str, Any] = {
    "grid": "weekly",
    "refractory_days": 90,
    "signal_days": 180,
    "order_growth": 1.5,
    "slower_days": 5.0,
    "unusual": 3.0,
    "utilisation": (0.8, 1.0),
    "levels": {"pmi": 50.0},
    "signals": ("litigation", "pmi", "climate"),
    "horizon_days": 180,
    "lead_days": 30,
    "stop_days": 90,
}
PLAIN = ("grid", "refractory_days", "signal_days", "unusual", "horizon_days", "lead_days", "stop_days")


def make_alert_rules(
    settings: Mapping[str, Any] | None = None, materiality: float = 0.0, currency: str = ""
) -> AlertRules:
    """The rules with the thresholds of a study.

    Parameters
    ----------
    settings : mapping, optional
        Keys grid, refractory_days, signal_days, order_growth (factor), slower_days, unusual (robust standard
        deviations), utilisation (list of fractions), levels (signal to level), signals (names of the outside
        signals looked at), horizon_days, lead_days, stop_days. Missing ones have the usual values.
    materiality : float
        Smallest overdue amount that counts, currency units.
    currency : str
        For display.

    Raises
    ------
    StudyError
        If a key is not known.

    Examples
    --------
    >>> make_alert_rules({"utilisation": [0.9], "signals": []}).names
    ['watch_30', 'high_60', 'slower', 'spike', 'age', 'balance', 'limit_90']
    """
    unknown = [key for key in settings or {} if key not in DEFAULTS]
    if unknown:
        raise StudyError(
            f"[settings.early_warning]: unknown key {unknown[0]!r}; allowed: {', '.join(DEFAULTS)}"
        )
    given = DEFAULTS | dict(settings or {})
    levels = {str(k): float(v) for k, v in given["levels"].items()}
    rules = [
        *_overdue_rules(max(materiality, CENT), currency),
        *_behaviour_rules(float(given["order_growth"]), float(given["slower_days"]), float(given["unusual"])),
        *(_limit_rule(float(share)) for share in given["utilisation"]),
        *(
            _outside_rule(str(s), int(given["signal_days"]), levels, float(given["unusual"]))
            for s in given["signals"]
        ),
    ]
    plain = {key: given[key] for key in PLAIN}
    return AlertRules(tuple(rules), levels=levels, currency=currency, **plain)


def _overdue_rules(least: float, currency: str) -> list[Rule]:
    amount = money(least, currency) if least > CENT else "anything"
    return [
        Rule(
            f"{kind.split()[0]}_{days}",
            f"{days}+ days overdue ({kind})",
            f"{amount}{' or more' if least > CENT else ''} is more than {days} days overdue",
            ((f"overdue_{days}", least),),
            f"{{overdue_{days}:,.0f}} more than {days} days overdue",
        )
        for days, kind in ((30, "watch"), (60, "high risk"))
    ]


def _behaviour_rules(growth: float, slower: float, unusual: float) -> list[Rule]:
    far = f"at least {unusual:g} robust standard deviations"
    late = "days late {mean_days_late_90:z.0f}, usually {usual_late:z.0f}"
    return [
        Rule(
            "slower",
            "pays more slowly",
            f"mean days late (from due to settlement, 90 days) are {far} above the own past",
            (("slower_z", unusual),),
            late,
        ),
        Rule(
            "spike",
            "orders more, pays more slowly",
            f"orders of 90 days are {growth:g} times the own past, and days late {slower:g} days above it",
            (("order_growth", growth), ("slower_days", slower)),
            "orders {order_growth:.1f} times the usual, " + late,
        ),
        Rule(
            "age",
            "oldest item unusually old",
            f"the oldest overdue item is {far} (and {unusual * 5:g} days) above the own past",
            (("age_z", unusual),),
            "oldest item {oldest_overdue_days:.0f} days overdue, usually {usual_age:.0f}",
        ),
        Rule(
            "balance",
            "balance unusually high",
            f"the open balance is {far} (and {unusual / 4:.0%}) above the own past",
            (("balance_z", unusual),),
            "owes {open_amount:,.0f}, usually {usual_balance:,.0f}",
        ),
    ]


def _limit_rule(share: float) -> Rule:
    return Rule(
        f"limit_{share * 100:.0f}",
        f"{share:.0%} of the limit used",
        f"exposure is at least {share:.0%} of the limit in force; a limit of zero counts, no limit does not",
        (("utilisation", share),),
        "{limit_words}",
    )


def _outside_rule(signal: str, days: int, levels: Mapping[str, float], unusual: float) -> Rule:
    """A signal about the market is judged by its level, any other by its having been recorded."""
    if signal not in levels and signal not in CLIMATE:
        words = f"a signal {signal!r} about the customer became known in the last {days} days"
        return Rule(
            f"signal_{signal}", signal, words, ((f"about_{signal}", 1.0),), f"outside signal: {signal}"
        )
    if signal in levels:
        words = f"the latest {signal!r} known for the market is below {levels[signal]:g}"
    else:
        words = (
            f"the latest {signal!r} known for the customer's industry or region is {unusual:g} robust "
            "standard deviations below its own last 24 values"
        )
    # A shortfall of exactly zero is not below the level.
    least = np.nextafter(0.0, 1.0) if signal in levels else unusual
    return Rule(
        f"signal_{signal}",
        f"{signal} low",
        words,
        ((f"market_{signal}", float(least)),),
        f"{signal} low for the market",
        common=True,
    )
