"""Default of an invoice is not being settled in time: counts of defaults beside the payment-timing model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import day_number
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.past_due import days_of, invoice_defaults
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.timing.curves import kaplan_meier
from arrisk.models.timing.incidence import DailyHazard
from arrisk.models.timing.payment_timing import ALL, PaymentTiming, fit_timing
from arrisk.portfolio.survival_counts import make_survival_counts

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.term_structure import TermStructure

__all__ = ["TimingAgreement", "chance_unsettled", "compare_with_timing"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CUSTOMERS_AT_ONCE = 256
COLUMNS = ["figure", "by_counts", "ci_low", "ci_high", "timing_low", "timing_high"]


@dataclass(frozen=True, slots=True)
class TimingAgreement:
    """The same figures from counts of defaults and from the timing model; made by `compare_with_timing`.

    Parameters
    ----------
    as_of : Timestamp
    days : int
        Past due, of the definition of default.
    table : DataFrame
        `figure`, `by_counts`, `ci_low`, `ci_high` (by customer; equal to the figure where both are plain
        counts of the same invoices), `timing_low`, `timing_high` (equal but for customers: from all invoices
        of a customer failing together to each for itself).
    level : float
    """

    as_of: pd.Timestamp
    days: int
    table: pd.DataFrame
    level: float

    @property
    def agrees(self) -> bool:
        """Whether the range of the timing model meets the limits of the counts in every figure."""
        slack = 1e-9 * self.table["by_counts"].abs()
        apart = (self.table["timing_high"] < self.table["ci_low"] - slack) | (
            self.table["timing_low"] > self.table["ci_high"] + slack
        )
        return not bool(apart.any())

    def to_table(self, name: str = "timing_agreement") -> Table:
        """One row a figure."""
        title = "Default counts and payment timing agree"
        if not self.agrees:
            title = "Default counts and payment timing differ by more than chance"
        note = (
            f"An invoice is in default when it is not settled {self.days} days after its due date, whatever "
            f"its amount. As of {self.as_of:%Y-%m-%d}; {self.level:.0%} limits by customer. Customers by "
            "timing: from all invoices of a customer failing together to each for itself."
        )
        formats: dict[str, Format] = dict.fromkeys(COLUMNS[1:], "number")  # type: ignore[arg-type]
        return Table(name, title, self.table, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_with_timing(
    snapshot: Snapshot,
    definition: DefaultDefinition | None = None,
    timing: PaymentTiming | None = None,
    terms: TermStructure | None = None,
    scores: pd.DataFrame | None = None,
    level: float = 0.95,
) -> TimingAgreement:
    """Compare defaults of invoices, counted, with those that the payment-timing model foretells.

    Parameters
    ----------
    snapshot : Snapshot
    definition : DefaultDefinition, optional
        Gives `days`; at least 1. Amounts, write-offs and signals play no part.
    timing : PaymentTiming, optional
        On the due clock, not split; by default fitted on the snapshot.
    terms : TermStructure, optional
    scores : DataFrame, optional
        With `terms`: `customer_id`, `pd` and `in_default` of the customers, as from `Scorecard.predict`. Then
        customers falling into default within `days` days are compared too: only invoices due by now can take
        them there, so that today's book says all of it.
    level : float

    Returns
    -------
    TimingAgreement
        Share of the invoices due at least `days` days ago that were in default by then, by labels and by the
        curve of closing; share unpaid after `days` days by the items and by the model's curve; open
        invoices expected to reach default, by counts and by the model's hazards; customers.

    Raises
    ------
    ModelError
        If the timing model is not on the due clock by count, or `days` is 0.

    Notes
    -----
    P(default) = P(not settled by due + days). For an item open at age a it is the product of 1 - hazard of
    being paid or lost over the ages a + 1 to days.
    """
    definition = definition or DefaultDefinition()
    timing = timing or fit_timing(snapshot, "due", level=level)
    if timing.clock != "due" or timing.weights != "count":
        raise ModelError("invoices default on the due clock and count once: fit the timing model so")
    if definition.days < 1:
        raise ModelError("with 0 days every invoice open on its due date is in default: nothing to compare")
    rows = [
        _reached(snapshot, definition),
        _unpaid(snapshot, timing, definition.days),
        _expected(snapshot, timing, definition.days, level),
    ]
    if terms is not None and scores is not None:
        rows.append(_customers(snapshot, timing, definition.days, terms, scores))
    return TimingAgreement(snapshot.date, definition.days, pd.DataFrame(rows, columns=COLUMNS), level)


def chance_unsettled(hazard: DailyHazard, age: Ints, days: int) -> Floats:
    """Probability that items open at the end of each age are still open at the end of day `days`.

    Examples
    --------
    >>> from arrisk.models.timing.incidence import daily_hazard
    >>> hazard = daily_hazard([5] * 40 + [20] * 40 + [40] * 20, [1] * 80 + [0] * 20)
    >>> chance_unsettled(hazard, np.array([0, 5]), 10).round(2).tolist()
    [0.6, 1.0]
    """
    ages = np.asarray(age, dtype=np.int64)
    first = int(min(ages.min(initial=days), days))
    place = np.arange(first + 1, days + 1) - hazard.first_day
    leave = np.append(hazard.paid, hazard.tail_paid) + np.append(hazard.lost, hazard.tail_lost)
    daily = np.where(place >= 0, leave[np.clip(place, 0, leave.size - 1)], 0.0)
    after = np.append(np.cumprod((1.0 - daily)[::-1])[::-1], 1.0)
    return np.asarray(after[np.clip(ages, None, days) - first], dtype=float)


def _owed(snapshot: Snapshot) -> pd.DataFrame:
    """Items with a due date, with age at closing or now, in days since due."""
    items = snapshot.items[(snapshot.items["amount"] > 0) & snapshot.items["due_date"].notna()].copy()
    due = days_of(items["due_date"])
    items["exit"] = days_of(items["closed_date"].fillna(snapshot.date)) - due
    # Day of issue included, and what was settled before its issue leaves on it.
    items["entry"] = np.minimum(days_of(items["issue_date"]) - due, items["exit"]) - 1
    return items[items["issue_date"] <= snapshot.date]


def _reached(
    snapshot: Snapshot, definition: DefaultDefinition
) -> tuple[str, float, float, float, float, float]:
    """Of invoices due long enough ago: in default by labels, and open by the curve of closing."""
    days = definition.days
    plain = DefaultDefinition(days, write_off=False, insolvency=())
    labels = invoice_defaults(snapshot.items, snapshot.events, snapshot.date, plain)
    since = pd.Timedelta(days=days)
    labels = labels[labels["due_date"] + since <= snapshot.date]
    counted = (labels["default_date"] <= labels["due_date"] + since).mean()
    items = _owed(snapshot)
    old = items[items["due_date"] + since <= snapshot.date]
    # All of these were watched from their issue to the day that counts: no entry, nothing censored before.
    curve = kaplan_meier(old["exit"], old["close_kind"] != "open")
    share = float(curve.at(days)[0])
    return (
        f"share of invoices due that defaulted, of {len(labels):,}",
        counted,
        counted,
        counted,
        share,
        share,
    )


def _unpaid(
    snapshot: Snapshot, timing: PaymentTiming, days: int
) -> tuple[str, float, float, float, float, float]:
    """Not paid `days` days after due, all invoices, younger ones followed as far as they go."""
    curve, items = timing.curves[ALL], _owed(snapshot)
    items = items[items["exit"] >= curve.first_day]
    entry = items["entry"].clip(lower=curve.first_day - 1)
    counted = float(kaplan_meier(items["exit"], items["close_kind"] == "paid", entry).at(days)[0])
    share = float(curve.at(days)[0])
    return f"share of invoices unpaid {days} days after due", counted, counted, counted, share, share


def _expected(
    snapshot: Snapshot, timing: PaymentTiming, days: int, level: float
) -> tuple[str, float, float, float, float, float]:
    """Open invoices that will reach default, by counts with a jackknife over customers, and by the model."""
    age = _open_ages(snapshot, days)["age"].to_numpy(np.int64)
    by_timing = float(chance_unsettled(timing.hazards[ALL], age, days).sum())
    table = make_survival_counts(snapshot, "customer_id", "due", amounts=False).table
    counted, without = _expected_by_counts(table, age, days)
    reach = float(jackknife_reach(without, level)) if without.size > 1 else np.nan
    figure = f"open invoices that will default, of {age.size:,}"
    return figure, counted, max(counted - reach, 0.0), counted + reach, by_timing, by_timing


def _open_ages(snapshot: Snapshot, days: int) -> pd.DataFrame:
    """Open items with a due date that are not in default: customer_id, age."""
    items = _owed(snapshot)
    items = items[items["close_kind"] == "open"]
    age = day_number(snapshot.date) - days_of(items["due_date"])
    return items[["customer_id"]].assign(age=age)[age < days]


def _expected_by_counts(counts: pd.DataFrame, age: Ints, days: int) -> tuple[float, Floats]:
    """Expected defaults among items of these ages from the share left open day by day, and without each
    customer in turn.
    """
    first = int(min(counts["entry"].min() + 1, age.min(initial=0)))
    held = np.bincount(np.maximum(age, first - 1) - first + 1, minlength=days - first + 2)[: days - first + 2]
    counts = counts[counts["entry"] < days]
    customer = pd.factorize(counts["customer_id"])[0]
    left, begun = (_by_customer(counts, customer, place, first, days) for place in ("exit", "entry"))
    at_risk = np.cumsum(begun, axis=1) - np.cumsum(np.pad(left, ((0, 0), (1, 0)))[:, :-1], axis=1)
    closed = counts[counts["cause"] != "open"]
    gone = _by_customer(
        closed, customer[(counts["cause"] != "open").to_numpy()], "exit", first, days, len(left)
    )
    total = _reaching(at_risk.sum(axis=0), gone.sum(axis=0), held)
    chunks = pairwise([*range(0, len(left), CUSTOMERS_AT_ONCE), len(left)])
    without = [
        _reaching(at_risk.sum(axis=0) - at_risk[a:b], gone.sum(axis=0) - gone[a:b], held) for a, b in chunks
    ]
    return float(total), np.concatenate(without)


def _by_customer(
    counts: pd.DataFrame, customer: Ints, place: str, first: int, days: int, size: int | None = None
) -> Floats:
    """Items by customer and day from the first to `days`; those that enter do so on the day after."""
    length, groups = days - first + 1, size or int(customer.max()) + 1
    day = counts[place].to_numpy(np.int64) - first + (place == "entry")
    kept = day < length
    index = customer[kept] * length + day[kept]
    filled = np.bincount(index, counts["items"].to_numpy(float)[kept], groups * length)
    return np.asarray(filled, dtype=float).reshape(groups, length)


def _reaching(at_risk: Floats, gone: Floats, held: Ints) -> Floats:
    """Sum over ages of items held times the share of those open at that age that stay open to the end."""
    hazard = np.divide(gone, at_risk, out=np.zeros_like(gone), where=at_risk > 0.5)
    stay = np.cumprod((1.0 - hazard)[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(stay @ held[: stay.shape[-1]] + held[stay.shape[-1] :].sum(), dtype=float)


def _customers(
    snapshot: Snapshot, timing: PaymentTiming, days: int, terms: TermStructure, scores: pd.DataFrame
) -> tuple[str, float, float, float, float, float]:
    """Customers that fall into default within `days` days: by score and term structure, and by invoices."""
    good = scores[~scores["in_default"].astype(bool) & scores["pd"].notna()]
    counted = float(terms.probability(good["pd"], [days]).sum())
    low, high = (float(end.sum()) for end in terms.limits(good["pd"], [days]))
    due = _open_ages(snapshot, days)
    due = due[(due["age"] >= 0) & due["customer_id"].isin(good["customer_id"])]
    chance = pd.Series(chance_unsettled(timing.hazards[ALL], due["age"].to_numpy(np.int64), days))
    by = chance.groupby(due["customer_id"].to_numpy())
    each = 1.0 - (1.0 - chance).groupby(due["customer_id"].to_numpy()).prod()
    figure = f"customers that will default within {days} days, of {len(good):,}"
    return figure, counted, low, high, float(by.max().sum()), float(each.sum())
