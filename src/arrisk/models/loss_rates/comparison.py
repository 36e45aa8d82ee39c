"""Loss rates by several methods side by side, with the reasons why they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, jackknife
from arrisk.models.loss_rates import comparison_page as page
from arrisk.models.loss_rates.differences import part_amounts
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from arrisk.models.loss_rates.loss_rates import LossRates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["CHAINED", "FOLLOWED", "LossRateComparison", "compare_loss_rates", "paired_difference"]

Floats = NDArray[np.float64]
CHAINED = ("net_flow", "roll", "markov")
FOLLOWED = ("realised", "competing", "cohort", "vintage")
PATHS = {
    **dict.fromkeys(CHAINED, "chained: monthly moves, multiplied up to the loss"),
    **dict.fromkeys(FOLLOWED, "followed: money of the past, up to its own end"),
}


@dataclass(frozen=True, slots=True, eq=False)
class LossRateComparison:
    """Several methods on one ledger; make one with `compare_loss_rates`.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    level : float
        Of all intervals.
    owed : float
        Balance on the as-of date.
    table : DataFrame
        One row a method: method, path, provision, low, high (currency units), difference, difference_low,
        difference_high (against the first method, with the same customers left out in both), reason. Where a
        method gives a bound, provision is missing and high is the bound; where it cannot be fitted, `reason`
        says why.
    rates : DataFrame
        method, segment, bucket, balance, rate, ci_low, ci_high, provision, of the methods that could be
        fitted.
    parts : DataFrame
        method, cause, amount: what one cause alone adds to the provision of a method against the first,
        measured by changing that one choice. They need not add up to the difference.
    fits : mapping of method to LossRates
    pair : tuple of str
        The two independent paths: of the methods with an amount the first of `CHAINED` and the first of
        `FOLLOWED`, empty where there is none. They share the ledger and nothing else.
    """

    as_of: pd.Timestamp
    currency: str
    level: float
    owed: float
    table: pd.DataFrame
    rates: pd.DataFrame
    parts: pd.DataFrame
    fits: Mapping[str, LossRates] = field(repr=False)
    pair: tuple[str, ...] = ()

    def finding(self) -> str:
        """The range of the amounts, and whether the two independent paths agree."""
        return page.describe_comparison(self)

    def to_table(self, name: str = "loss_rate_methods") -> Table:
        """Amounts by method with intervals, differences and reasons."""
        return page.show_methods(self, name)

    def rates_table(self, name: str = "loss_rates_by_method") -> Table:
        """Rates by bucket, a column a method."""
        return page.show_rates_by_method(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The amount and its interval by method; a bound is an empty mark."""
        return page.plot_totals(self, ax)

    def plot_rates(self, ax: Axes | None = None) -> Axes:
        """Rates by bucket with their intervals, a colour a method."""
        return page.plot_rates_by_method(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_loss_rates(
    snapshot: Snapshot,
    methods: Sequence[str] = tuple(METHODS),
    by: str | None = None,
    level: float = 0.95,
    conventions: Mapping[str, Mapping[str, Any]] | None = None,
) -> LossRateComparison:
    """Fit several methods to one ledger and say why they differ.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    methods : sequence of str
        Keys of `METHODS`; the others are compared with the first.
    by : str, optional
        An attribute of customers that makes the segments.
    level : float
        Coverage of the intervals.
    conventions : mapping of method to mapping, optional
        Choices of a method, as `fit_loss_rates` takes them.

    Raises
    ------
    ModelError
        If a method is unknown or named twice, conventions are given for another, or none can be fitted.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31")
    >>> found = compare_loss_rates(snapshot, ("net_flow", "realised"))
    >>> found.table["reason"].tolist()[1]
    'cannot be fitted: no month end lies 12 months before 2025-03-31: none to follow'
    """
    chosen = {name: dict(given) for name, given in (conventions or {}).items()}
    _check(methods, chosen)
    fits: dict[str, LossRates] = {}
    failed: dict[str, str] = {}
    for method in methods:
        try:
            fits[method] = fit_loss_rates(snapshot, method, by, level, **chosen.get(method, {}))
        except ModelError as error:
            failed[method] = str(error)
    if not fits:
        raise ModelError(f"no method can be fitted: {'; '.join(f'{m}: {e}' for m, e in failed.items())}")
    first = methods[0]
    known = [m for m in methods if m in fits and fits[m].total.value is not None]
    others = [m for m in known if m != first] if first in known else []
    parts = part_amounts(snapshot, others, first, by, chosen)
    rows = [_row(m, first, fits, failed, parts, level, snapshot.currency) for m in methods]
    table = pd.DataFrame(rows, columns=list(page.COLUMNS))
    amounts = [c for c in page.COLUMNS if c not in ("method", "path", "reason")]
    rates = pd.concat([fits[m].table.assign(method=m) for m in fits], ignore_index=True)
    return LossRateComparison(
        snapshot.date,
        snapshot.currency,
        level,
        round(float(next(iter(fits.values())).counts.balances().sum()), 2),
        table.astype(dict.fromkeys(amounts, float)),
        rates[["method", "segment", "bucket", "balance", "rate", "ci_low", "ci_high", "provision"]],
        parts,
        fits,
        tuple(next(iter(m for m in path if m in known), "") for path in (CHAINED, FOLLOWED)),
    )


def paired_difference(one: LossRates, other: LossRates, level: float = 0.95) -> tuple[float, Interval]:
    """How much more the second gives on the same balances, leaving the same customer out of both.

    Returns
    -------
    tuple of float and Interval
        Currency units; the interval is a delete-one-customer jackknife of the difference.

    Raises
    ------
    ModelError
        If one of them has no rates, or they are not of the same customers.
    """
    if one.total.value is None or other.total.value is None:
        raise ModelError("a difference needs two amounts, and one of these is a bound")
    if not np.array_equal(one.counts.customers, other.counts.customers):
        raise ModelError("a paired difference needs the same customers in both")
    gap = round(other.total.value - one.total.value, 2)
    return gap, jackknife(gap, _left_out(other) - _left_out(one), level)


def _left_out(rates: LossRates) -> Floats:
    """The amount without each customer, on all of today's balances."""
    balances = rates.counts.balances()
    without = np.where(balances > 0, np.nan_to_num(rates.replicates.without), 0.0)
    return np.asarray(np.einsum("csb,sb->c", without, balances), dtype=float)


def _row(
    method: str,
    first: str,
    fits: Mapping[str, LossRates],
    failed: Mapping[str, str],
    parts: pd.DataFrame,
    level: float,
    currency: str,
) -> tuple[Any, ...]:
    nothing = (np.nan,) * 3
    if method in failed:
        return method, PATHS[method], *nothing, *nothing, f"cannot be fitted: {failed[method]}"
    total = fits[method].total
    amounts = (np.nan if total.value is None else total.value, total.low, total.high)
    if total.value is None:
        return method, PATHS[method], *amounts, *nothing, f"a bound, no rate: {fits[method].finding()}"
    if method == first:
        return method, PATHS[method], *amounts, *nothing, "the one the others are compared with"
    base = fits.get(first)
    if base is None or base.total.value is None:
        return method, PATHS[method], *amounts, *nothing, f"{first} gives no amount to compare with"
    gap, span = paired_difference(base, fits[method], level)
    own = parts[parts["method"] == method]
    words = page.describe_difference(gap, span, own, base.total.value, (PATHS, method, first), currency)
    return method, PATHS[method], *amounts, gap, span.low, span.high, words


def _check(methods: Sequence[str], chosen: Mapping[str, Any]) -> None:
    unknown = [m for m in methods if m not in METHODS]
    if unknown or not methods or len(set(methods)) < len(methods):
        raise ModelError(f"methods are some of {sorted(METHODS)}, each once, not {list(methods)}")
    if set(chosen) - set(methods):
        raise ModelError(f"conventions for {sorted(set(chosen) - set(methods))}, which is not compared")
