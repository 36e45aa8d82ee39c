"""What comes back after a write-off: the share of written-off money recovered by months since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_rates import Amount
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.models.recovery import recovery_page as page
from arrisk.models.recovery.curves import FEWEST_AT_RISK, curve_table, further, make_curves
from arrisk.models.recovery.months import MONTH, TAIL_MONTHS, count_months, expect_further
from arrisk.models.recovery.write_offs import WriteOffs, read_write_offs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["RecoveryCurve", "fit_recovery"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RecoveryCurve:
    """Cumulative share of written-off money that came back, by months since the write-off.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    segments : tuple of str
        ("all",) without an attribute.
    table : DataFrame
        segment, month (1 is the first after the write-off), customers and amount (written off so long ago
        that the month is over), recovered (within the month, of that amount), share (cumulative), ci_low,
        ci_high, interval (how it was made). A curve ends where fewer than two customers are old enough.
    ahead : Amount
        Expected further recoveries of all that is written off, undiscounted, and their range.
    write_offs : WriteOffs
        What the curve is made of.
    survival : array of shape (segments, months + 1)
        Share not recovered at the beginning and after each month; constant beyond the end of the curve.
    tail : float
        Share of what is not recovered at the end of the curve that is taken to come back later.
    discount_rate : float or None
        A year, compounded, basis 365.
    segment : array of int, shape (customers,)
        Place of each customer of `write_offs` in `segments`.
    conventions : dict of str to str
    diagnostics : dict
    """

    as_of: pd.Timestamp
    currency: str
    segments: tuple[str, ...]
    table: pd.DataFrame
    ahead: Amount
    write_offs: WriteOffs
    survival: Floats
    tail: float
    discount_rate: float | None
    segment: NDArray[np.int64]
    conventions: dict[str, str]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether any month was seen, so that there is a curve at all."""
        return len(self.table) > 0

    @property
    def ultimate(self) -> Floats:
        """Share recovered in the end, the tail included, shape (segments,)."""
        return np.asarray(1.0 - self.survival[:, -1] * (1.0 - self.tail), dtype=float)

    def predict(self) -> pd.DataFrame:
        """What each customer's write-offs are expected to bring yet.

        Returns
        -------
        DataFrame
            customer_id, segment, written_off, recovered, outstanding, months (since the latest write-off),
            expected (further recoveries, within the curve and its tail), present_value (at the as-of date;
            missing without a discount rate), ultimate_share (recovered and expected, of written off).

        Raises
        ------
        ModelError
            If no month of a curve was seen.

        Notes
        -----
        Every euro not recovered is taken to be like every other of its age: the sum is right on average, a
        single customer that has paid a first part is more likely to pay the second than one that has paid
        nothing.
        """
        if not self.identified:
            raise ModelError("no write-off is a month old: there is no curve to predict with")
        w = self.write_offs
        expected, present = self._expected()
        written, left = w.by_customer(w.amount), w.by_customer(w.outstanding)
        months = np.full(w.customers.size, np.inf)
        np.minimum.at(months, w.owner, w.age / MONTH)
        further = w.by_customer(expected)
        value = w.by_customer(present) if self.discount_rate is not None else np.full(further.size, np.nan)
        return pd.DataFrame(
            {
                "customer_id": w.customers.astype(object),
                "segment": np.array(self.segments, dtype=object)[self.segment],
                "written_off": written,
                "recovered": (written - left).round(2),
                "outstanding": left,
                "months": months,
                "expected": further,
                "present_value": value,
                "ultimate_share": (written - left + further) / written,
            }
        )

    def _expected(self) -> tuple[Floats, Floats]:
        """Further recoveries and their present value by write-off, minor units."""
        w = self.write_offs
        amount, value = np.zeros(w.amount.size), np.zeros(w.amount.size)
        for s in range(len(self.segments)):
            rows = self.segment[w.owner] == s
            amount[rows], value[rows] = expect_further(
                w.outstanding[rows], w.age[rows] / MONTH, self.survival[s], self.tail, self.discount_rate
            )
        return amount, value

    def finding(self) -> str:
        """How much of a write-off comes back, by when and how sure, in one sentence."""
        return page.describe_curve(self)

    def to_table(self, name: str = "recovery_curve") -> Table:
        """Shares recovered by month with their ranges and the customers behind them."""
        return page.show_curve(self, name)

    def conventions_table(self, name: str = "recovery_conventions") -> Table:
        """Every choice behind the figures."""
        return page.show_conventions(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curve with its range, and how many customers are behind it."""
        return page.plot_curve(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        choices = "; ".join(f"{key}: {value}" for key, value in self.conventions.items())
        return frame_html(table.frame, table.title, f"{table.note} {choices}", table.formats)

    def __repr__(self) -> str:
        return f"RecoveryCurve({self.as_of:%Y-%m-%d}, {self.finding()})"


def fit_recovery(
    snapshot: Snapshot,
    by: str | None = None,
    months: int = 24,
    tail: float = 0.0,
    discount_rate: float | None = None,
    min_customers: int = FEWEST_AT_RISK,
    level: float = 0.95,
) -> RecoveryCurve:
    """What comes back after a write-off, by months since.

    A young write-off has not had its time: dividing what is recovered by what is written off calls it lost.
    Here every month rests on the write-offs that are old enough for it; see `unrecovered`.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    by : str, optional
        An attribute of customers: each of its values has a curve of its own.
    months : int
        Longest age looked at; a curve ends earlier where fewer than `min_customers` are old enough.
    tail : float
        Share of what is left at the end of the curve that is taken to come back later, in [0, 1]. By default
        nothing, so that the end is a lower bound of what comes in the end.
    discount_rate : float, optional
        A year, compounded, basis 365, for present values.
    min_customers : int
        At least 2.
    level : float
        Coverage of the intervals.

    Returns
    -------
    RecoveryCurve

    Raises
    ------
    ModelError
        If an argument is out of range.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": "2024-01-10", "due_date": "2024-02-09", "amount": [100.0, 50.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1", "2", "1"], "kind": ["write_off", "write_off", "recovery"],
    ...     "date": ["2024-06-28", "2024-06-28", "2024-08-15"], "amount": [100.0, 50.0, 30.0]})
    >>> book = read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> curve = fit_recovery(book.as_of("2024-12-31"))
    >>> len(curve.table), curve.ultimate.round(3)
    (6, array([0.2]))
    """
    _check(tail, discount_rate, min_customers, level)
    write_offs = read_write_offs(snapshot)
    segments, segment = segment_customers(snapshot, write_offs.customers, by)
    cells = count_months(write_offs, months)
    curves = make_curves(cells, segment, len(segments), min_customers)
    return RecoveryCurve(
        snapshot.date,
        snapshot.currency,
        segments,
        curve_table(cells, segments, curves, level),
        further(write_offs, curves, tail, level),
        write_offs,
        curves.survival,
        float(tail),
        discount_rate,
        segment,
        _conventions(by, months, tail, discount_rate, min_customers, level),
        _facts(write_offs, curves.ends),
    )


def _check(tail: float, rate: float | None, min_customers: int, level: float) -> None:
    if not 0 <= tail <= 1:
        raise ModelError(f"tail is a fraction between 0 and 1, got {tail}")
    if rate is not None and not rate > -1:
        raise ModelError(f"the discount rate is a fraction a year above -1, got {rate}")
    if min_customers < FEWEST_AT_RISK:
        raise ModelError(f"a month needs at least {FEWEST_AT_RISK} customers, got {min_customers}")
    if not 0 < level < 1:
        raise ModelError(f"level is a fraction between 0 and 1, got {level}")


def _facts(w: WriteOffs, ends: tuple[int, ...]) -> dict[str, Any]:
    written, left = int(w.amount.sum()), int(w.outstanding.sum())
    return {
        "customers": int(w.customers.size),
        "paid_something": int(np.unique(w.owner[w.lot]).size),
        "written_off": written / w.scale,
        "recovered": (written - left) / w.scale,
        "outstanding": left / w.scale,
        "months": ends,
        "stray": {reason: cents / w.scale for reason, cents in w.stray.items()},
    }


def _conventions(
    by: str | None, months: int, tail: float, rate: float | None, min_customers: int, level: float
) -> dict[str, str]:
    return {
        "share": (
            "of what stood when a month after the write-off began, the share that came back within it, ratio "
            "of sums over write-offs old enough, chained over months"
        ),
        "a month": "365 / 12 days from the day on which the write-off was booked; recoveries when booked",
        "young write-offs": "count in the months that are over for them; the running month counts for none",
        "end of the curve": f"{months} months, or where fewer than {min_customers} customers are old enough",
        "tail": f"{tail:.0%} of what is left at the end comes back later, {TAIL_MONTHS} months after it",
        "discount": "none" if rate is None else f"{rate:.2%} a year, compounded, basis 365, mid-month",
        "written back": "a reversed write-off never happened; taken off the latest of the invoice",
        "which write-off": "that of the invoice; without invoice the customer's oldest with something left",
        "segments": "all customers together" if by is None else f"customers by {by}",
        "interval": (
            f"{level:.0%}, delete-one-customer jackknife on the logit scale; where few paid anything exact, "
            "for as many customers of equal size"
        ),
    }
