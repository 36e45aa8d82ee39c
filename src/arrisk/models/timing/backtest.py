"""Predictions of the day of payment tried on past days, against what happened later and simple rivals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.ledger.days import as_date
from arrisk.models.timing.backtest_page import find_best, plot_brier, scores_table
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import PaymentModel
from arrisk.models.timing.simple_days import customer_mean_days, due_date_days
from arrisk.models.validation.concordance import concordance, concordance_difference
from arrisk.models.validation.d_calibration import DCalibration, d_calibration
from arrisk.models.validation.estimates import Estimate
from arrisk.models.validation.survival_brier import SurvivalBrier, brier_difference, survival_brier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["REFERENCE", "TimingBacktest", "backtest_timing"]

REFERENCE = "Kaplan-Meier of all"
MIN_HISTORY_DAYS = 182
STEP_DAYS = 28
MOST_DATES = 13
FEWEST_ITEMS, FEWEST_CUSTOMERS = 50, 10
KEYS = ["invoice_id", "instalment"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TimingBacktest:
    """How models of the time to payment and simple rivals did on past days; made by `backtest_timing`.

    Parameters
    ----------
    as_of : Timestamp
        Day until which outcomes are known.
    dates : tuple of Timestamp
        Past days tried.
    horizon : int
        Days ahead that count.
    models : tuple of str
        The models given, then the reference and the rivals.
    given : int
        How many of `models` were given.
    table : DataFrame
        Tidy: `model`, `term`, `estimate`, `ci_low`, `ci_high`. Terms: "integrated Brier score",
        "concordance", "Brier less reference", "concordance less reference" (intervals by customer),
        "D-calibration p", "D-calibration gap" (largest difference of a tenth from a tenth), "paid, predicted
        over seen" (within the horizon).
    by_day : DataFrame
        Brier score by day ahead, a column a model; `day` is the index.
    by_date : DataFrame
        `date`, `model`, `items`, `paid` and `expected` (within the horizon, or while in view), `brier`.
    calibration : mapping of model to DCalibration
    items, customers : int
        Rows (an item open on several past days counts on each) and customers.
    level : float
    """

    as_of: pd.Timestamp
    dates: tuple[pd.Timestamp, ...]
    horizon: int
    models: tuple[str, ...]
    given: int
    table: pd.DataFrame
    by_day: pd.DataFrame
    by_date: pd.DataFrame
    calibration: Mapping[str, DCalibration]
    items: int
    customers: int
    level: float

    @property
    def identified(self) -> bool:
        """Whether there are 50 rows of 10 customers to judge from."""
        return self.items >= FEWEST_ITEMS and self.customers >= FEWEST_CUSTOMERS

    @property
    def best(self) -> str:
        """The model with the smallest integrated Brier score; of equals the simplest, which stand last."""
        scores = [self.value(m, "integrated Brier score") for m in self.models]
        return self.models[len(scores) - 1 - int(np.argmin(scores[::-1]))]

    @property
    def finding(self) -> str:
        """Which is nearest, and whether the reference is beaten, in a sentence."""
        return find_best(self)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was tried."""
        return {
            "dates": len(self.dates),
            "rows": self.items,
            "customers": self.customers,
            "identified": self.identified,
            "best": self.best,
            "clock": "day 1 is the day after each past day, predictions given that the item was open",
        }

    def value(self, model: str, term: str) -> float:
        """One estimate of the table."""
        return float(self._row(model, term)["estimate"])

    def interval(self, model: str, term: str) -> tuple[float, float]:
        """Its interval."""
        row = self._row(model, term)
        return float(row["ci_low"]), float(row["ci_high"])

    def _row(self, model: str, term: str) -> pd.Series:
        return self.table[(self.table["model"] == model) & (self.table["term"] == term)].iloc[0]

    def to_table(self, name: str = "timing_backtest") -> Table:
        """A row a model: Brier score, C-index, calibration."""
        return scores_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Brier score by days ahead, a line a model."""
        return plot_brier(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def backtest_timing(
    snapshot: Snapshot,
    models: Mapping[str, PaymentModel],
    dates: Sequence[str | dt.date | pd.Timestamp] | None = None,
    horizon: int = 91,
    level: float = 0.95,
) -> TimingBacktest:
    """Predict the payment of past open items by models fitted on their day, and score what happened.

    Parameters
    ----------
    snapshot : Snapshot
        Outcomes are known up to its day.
    models : mapping of name to PaymentModel
        Their form is fitted anew on each past day.
    dates : sequence of dates, optional
        Past days, strictly before the snapshot's; by default every 28 days, the latest 13 on which the
        horizon was over and half a year of history known.
    horizon : int
        Days ahead that count.
    level : float
        Of the intervals by customer.

    Returns
    -------
    TimingBacktest

    Raises
    ------
    LookAheadError
        If a model knows more than the snapshot, or a date is not before it.
    ModelError
        If no past day can be tried.

    Notes
    -----
    The event is payment. Day 1 is the day after each past day and predictions are given that the item was
    open, so that nothing is truncated from the left; items credited or written off are unpaid for good; an
    item still open leaves the view on the day of the snapshot, which censors late past days only. A receipt
    dated before the past day and recorded after it counts on day 1, the first on which it can be learnt.
    Against each model stand the Kaplan-Meier curve of all items since their issue (the reference), the
    customer's mean and the due date; the latter two name a day for certain, which no curve should.
    """
    if any(m.as_of > snapshot.date for m in models.values()):
        raise LookAheadError(f"a model knows more than {snapshot.date:%Y-%m-%d}")
    given = dict(models)
    every: dict[str, PaymentModel] = {
        **given,
        REFERENCE: fit_timing(snapshot, "issue"),
        "customer mean": customer_mean_days(snapshot),
        "due date only": due_date_days(snapshot),
    }
    days = _dates(snapshot, dates, horizon)
    tried = [_try(snapshot, snapshot.as_of(day), every, horizon) for day in days]
    parts = [part for part in tried if part is not None]
    if not parts:
        raise ModelError("no past day has open items and history enough to fit every model")
    rows = _Rows.of(parts, tuple(every))
    return _judge(snapshot, rows, len(given), horizon, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Open items of past days with what happened and what each model said.

    `unpaid` holds by model the chance of being unpaid in the evening of days 0 to horizon, (items, days + 1).
    """

    date: NDArray[np.datetime64]
    customer: NDArray[np.object_]
    days: Ints
    paid: NDArray[np.bool_]
    unpaid: dict[str, Floats]

    @classmethod
    def of(cls, parts: list[_Rows], names: tuple[str, ...]) -> _Rows:
        return cls(
            np.concatenate([p.date for p in parts]),
            np.concatenate([p.customer for p in parts]),
            np.concatenate([p.days for p in parts]),
            np.concatenate([p.paid for p in parts]),
            {m: np.concatenate([p.unpaid[m] for p in parts]) for m in names},
        )


def _dates(
    snapshot: Snapshot, dates: Sequence[str | dt.date | pd.Timestamp] | None, horizon: int
) -> list[pd.Timestamp]:
    if dates is not None:
        days = sorted({as_date(d) for d in dates})
        if days and days[-1] >= snapshot.date:
            raise LookAheadError(f"{days[-1]:%Y-%m-%d} is not before {snapshot.date:%Y-%m-%d}")
        return days
    first = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    last = snapshot.date - pd.Timedelta(days=horizon)
    days = [last - pd.Timedelta(days=STEP_DAYS * k) for k in range(MOST_DATES)]
    return [d for d in days[::-1] if d >= first]


def _try(
    snapshot: Snapshot, then: Snapshot, models: Mapping[str, PaymentModel], horizon: int
) -> _Rows | None:
    """Predictions of a past day; none if a model cannot be fitted or nothing is open."""
    unpaid: dict[str, Floats] = {}
    keys: pd.DataFrame | None = None
    for name, model in models.items():
        try:
            fitted = model.refit(then)
        except ModelError:
            return None
        items = fitted.open_items(then)
        if not len(items):
            return None
        keys = items[KEYS] if keys is None else keys
        if not keys.equals(items[KEYS]):
            raise ModelError(f"{name!r} does not keep the open items of a snapshot in their order")
        paths = fitted.rates(items, then.date, horizon).paths()[:, :horizon]
        curve = np.clip(1.0 - np.cumsum(paths, axis=1), 0.0, 1.0)
        unpaid[name] = np.hstack([np.ones((len(items), 1)), curve])
    days, paid = _outcomes(snapshot, then, items)
    date = np.full(len(items), then.date.to_datetime64())
    return _Rows(date, items["customer_id"].to_numpy(dtype=object), days, paid, unpaid)


def _outcomes(snapshot: Snapshot, then: Snapshot, items: pd.DataFrame) -> tuple[Ints, NDArray[np.bool_]]:
    """Day ahead on which each item was paid, or the last one in view, and whether it was paid."""
    now = items[KEYS].merge(snapshot.items[[*KEYS, "close_kind", "closed_date"]], on=KEYS, how="left")
    paid = (now["close_kind"] == "paid").to_numpy(dtype=bool)
    view = (snapshot.date - then.date).days
    day = (now["closed_date"] - then.date).dt.days.to_numpy(dtype=float, na_value=view)
    return np.where(paid, np.maximum(day, 1.0), view).astype(np.int64), paid


def _judge(snapshot: Snapshot, rows: _Rows, given: int, horizon: int, level: float) -> TimingBacktest:
    """All scores; what happens after the horizon is seen to be after it."""
    reach = min(horizon, int(rows.days.max()))
    at = np.arange(1, reach + 1)
    briers = {
        m: survival_brier(rows.days, rows.paid, curve[:, 1 : reach + 1], at, rows.customer, level)
        for m, curve in rows.unpaid.items()
    }
    calibration = {m: _calibration(rows, curve, horizon) for m, curve in rows.unpaid.items()}
    expected = {m: _expected_payments(rows, curve, snapshot, horizon) for m, curve in rows.unpaid.items()}
    table = [
        row
        for m in rows.unpaid
        for row in _terms(m, rows, briers, calibration[m], expected[m], horizon, level)
    ]
    by_day = pd.DataFrame({m: b.by_day for m, b in briers.items()}, index=pd.Index(at, name="day"))
    dates = tuple(pd.Timestamp(d) for d in np.unique(rows.date))
    return TimingBacktest(
        as_of=snapshot.date,
        dates=dates,
        horizon=reach,
        models=tuple(rows.unpaid),
        given=given,
        table=pd.DataFrame(table, columns=["model", "term", "estimate", "ci_low", "ci_high"]),
        by_day=by_day,
        by_date=_by_date(rows, briers, expected, horizon),
        calibration=calibration,
        items=len(rows.days),
        customers=len(set(rows.customer)),
        level=level,
    )


def _calibration(rows: _Rows, curve: Floats, horizon: int) -> DCalibration:
    """D-calibration, everything after the horizon taken as censored in its evening."""
    seen = rows.paid & (rows.days <= horizon)
    last = np.minimum(rows.days, horizon)
    place = np.arange(len(last))
    return d_calibration(curve[place, last - 1], curve[place, last], seen, rows.customer)


def _terms(
    model: str,
    rows: _Rows,
    briers: Mapping[str, SurvivalBrier],
    calibration: DCalibration,
    payments: Floats,
    horizon: int,
    level: float,
) -> list[tuple[str, str, float, float, float]]:
    """Rows of the table for one model."""
    curves = rows.unpaid
    expected, base = (_expected_days(curves[m]) for m in (model, REFERENCE))
    order = concordance(rows.days, rows.paid, expected, horizon, rows.customer, level)
    found = [("integrated Brier score", briers[model].integrated), ("concordance", order)]
    if model != REFERENCE:
        gap = brier_difference(briers[model], briers[REFERENCE], rows.customer, level)
        lead = concordance_difference(rows.days, rows.paid, expected, base, horizon, rows.customer, level)
        found += [("Brier less reference", gap), ("concordance less reference", lead)]
    seen = float((rows.paid & (rows.days <= horizon)).sum())
    said = float(payments.sum())
    plain = [
        ("D-calibration p", calibration.p_value),
        ("D-calibration gap", calibration.largest_gap),
        ("paid, predicted over seen", said / seen if seen else np.nan),
    ]
    return [*(_row(model, term, e) for term, e in found), *((model, t, v, np.nan, np.nan) for t, v in plain)]


def _row(model: str, term: str, estimate: Estimate) -> tuple[str, str, float, float, float]:
    return model, term, estimate.value, estimate.low, estimate.high


def _expected_days(curve: Floats) -> Floats:
    """Mean of min(days to payment, horizon)."""
    return np.asarray(curve[:, :-1].sum(axis=1), dtype=float)


def _expected_payments(rows: _Rows, curve: Floats, snapshot: Snapshot, horizon: int) -> Floats:
    """Chance of each item to be paid within the horizon, or while in view where that is shorter."""
    view = (snapshot.date.to_datetime64() - rows.date).astype("timedelta64[D]").astype(np.int64)
    return 1.0 - curve[np.arange(len(view)), np.minimum(view, horizon)]


def _by_date(
    rows: _Rows, briers: Mapping[str, SurvivalBrier], expected: Mapping[str, Floats], horizon: int
) -> pd.DataFrame:
    parts = []
    for model, payments in expected.items():
        frame = pd.DataFrame(
            {
                "date": rows.date,
                "model": model,
                "items": 1,
                "paid": rows.paid & (rows.days <= horizon),
                "expected": payments,
                "brier": briers[model].losses,
            }
        )
        grouped = frame.groupby(["date", "model"], sort=False)
        out = grouped[["items", "paid", "expected"]].sum()
        parts.append(out.assign(brier=grouped["brier"].mean()).reset_index())
    return pd.concat(parts, ignore_index=True)
