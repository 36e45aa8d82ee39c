"""From features of an invoice to the bounded terms of a late score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.features.invoice_catalogue import INVOICE_FEATURES

__all__ = ["FILLED", "LATE_TERMS", "averages", "late_terms"]

Floats = NDArray[np.float64]
PRIOR_DAYS = 2.0
PRIOR_ITEMS = 4.0
LEAST_SHARE = 0.005
SATURDAY = 5

LATE_TERMS: dict[str, str] = {
    "late_rate": "log-odds of the share late of items past their point, drawn towards the book",
    "days_late": "mean days late of the same, drawn towards the average",
    "history": "items past their point, n / (n + 4)",
    "days_late_known": "mean days late from the average, times n / (n + 4)",
    "lately_rate": "log-odds of the share late of items past their point in the last 180 days",
    "lately_days": "mean days late of the same, drawn towards the average",
    "settled_late_rate": "log-odds of the share late of items settled, drawn towards the average",
    "days_settled": "mean days late of items settled, drawn towards the average",
    "median_days_late": "median days late of the last 10 items, drawn towards the average",
    "last_days_late": "days late of the last item settled",
    "late_lately": "share late of the last 5 items settled",
    "late_amount_rate": "share late of amounts past their point",
    "n_overdue": "log of 1 + items overdue",
    "oldest_open_days": "log of 1 + age of the oldest open item",
    "dispute_rate": "share of earlier invoices disputed",
    "amount": "log of the amount",
    "terms_days": "days from issue to due date",
    "n_before": "earlier invoices, at most 60",
    "due_weekend": "due on a Saturday or Sunday",
}
"""Terms in words, in their order."""

FILLED = (
    "mean_days_late", "late_rate_lately", "mean_days_late_lately", "settled_late_rate", "mean_days_settled",
    "median_days_late", "last_days_late", "late_lately", "late_amount_rate", "dispute_rate",
)  # fmt: skip
"""Features whose average stands in where a customer has no history yet."""


def averages(features: pd.DataFrame) -> dict[str, float]:
    """Average of each of `FILLED`, within bounds; 0 where nothing is known."""
    known = {name: _bounded(features, name) for name in FILLED}
    return {n: float(np.nanmean(v)) if np.isfinite(v).any() else 0.0 for n, v in known.items()}


def late_terms(features: pd.DataFrame, average: Mapping[str, float]) -> pd.DataFrame:
    """Terms of `LATE_TERMS`, all finite.

    Parameters
    ----------
    features : DataFrame
        As `make_invoice_features`.
    average : mapping of str to float
        See `averages`; of the invoices the score was fitted to.
    """
    n, recent, settled = (_numbers(features, name) for name in ("n_due", "n_due_lately", "n_settled"))

    def filled(name: str) -> Floats:
        values = _bounded(features, name)
        return np.where(np.isnan(values), average[name], values)

    def drawn(name: str, number: Floats, prior: float) -> Floats:
        return (number * filled(name) + prior * average[name]) / (number + prior)

    known = n / (n + PRIOR_ITEMS)
    days_late = drawn("mean_days_late", n, PRIOR_DAYS)
    terms = {
        "late_rate": _log_odds(_numbers(features, "late_rate")),
        "days_late": days_late,
        "history": known,
        "days_late_known": known * (days_late - average["mean_days_late"]),
        "lately_rate": _log_odds(drawn("late_rate_lately", recent, PRIOR_ITEMS)),
        "lately_days": drawn("mean_days_late_lately", recent, PRIOR_DAYS),
        "settled_late_rate": _log_odds(drawn("settled_late_rate", settled, PRIOR_ITEMS)),
        "days_settled": drawn("mean_days_settled", settled, PRIOR_DAYS),
        "median_days_late": drawn("median_days_late", np.minimum(settled, 10.0), PRIOR_DAYS),
        **{n: filled(n) for n in ("last_days_late", "late_lately", "late_amount_rate", "dispute_rate")},
        "n_overdue": np.log1p(_bounded(features, "n_overdue")),
        "oldest_open_days": np.log1p(_bounded(features, "oldest_open_days")),
        "amount": np.log(_numbers(features, "amount")),
        "terms_days": _bounded(features, "terms_days"),
        "n_before": _bounded(features, "n_before"),
        "due_weekend": (_numbers(features, "due_weekday") >= SATURDAY).astype(float),
    }
    return pd.DataFrame({name: terms[name] for name in LATE_TERMS}, index=features.index)


def _numbers(features: pd.DataFrame, name: str) -> Floats:
    return features[name].to_numpy(dtype=float)


def _bounded(features: pd.DataFrame, name: str) -> Floats:
    feature = INVOICE_FEATURES[name]
    return np.clip(_numbers(features, name), feature.low, feature.high)


def _log_odds(share: Floats) -> Floats:
    p = np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)
    return np.asarray(np.log(p / (1 - p)), dtype=float)
