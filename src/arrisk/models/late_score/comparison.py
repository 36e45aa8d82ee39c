"""A score of lateness against simple rivals, on invoices issued after the day learnt from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.features.invoices import make_invoice_features
from arrisk.models.late_score.outcomes import late_outcomes
from arrisk.models.late_score.page import comparison_table, plot_comparison
from arrisk.models.late_score.score import learn_late_score
from arrisk.models.validation.brier import brier, log_loss
from arrisk.models.validation.discrimination import auc_by_customer
from arrisk.models.validation.paired import difference_by_customer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["LATE_RIVALS", "LateComparison", "compare_late_scores"]

Floats = NDArray[np.float64]
OURS = "late score"
PRIOR_ITEMS = 4.0
PLAIN = (
    "amount", "terms_days", "n_before", "settled_late_rate", "mean_days_settled", "n_open", "open_amount",
    "n_overdue", "overdue_amount",
)  # fmt: skip
LATE_RIVALS = {
    "late rate at the cut": "share late of what the customer had settled by the cut, drawn towards the book",
    "late rate at issue": "the same, of what it had settled by the evening before each invoice",
    "plain logistic": "logistic regression of scikit-learn on raw features, gaps filled with the median",
    "late rate of the finished table": "share late of all invoices of the customer, later ones and the one "
    "told included: what a table of finished invoices tempts one to use, and nobody knows in time",
}
AHEAD = "late rate of the finished table"


@dataclass(frozen=True, slots=True, eq=False)
class LateComparison:
    """What each score was worth after each cut; made by `compare_late_scores`.

    Attributes
    ----------
    table : DataFrame
        A row a cut and score: cut, score, looks_ahead, learnt, n (invoices tested), customers, late (share),
        auc, auc_low, auc_high, gain (AUC of the late score less that of the row), gain_low, gain_high,
        log_loss, brier. Intervals of 95% resample customers.
    as_of : Timestamp
        Outcomes are those known by then.
    late_days : int
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    late_days: int

    @property
    def ours(self) -> str:
        """Name of the late score among the scores."""
        return OURS

    def to_table(self, name: str = "late_comparison") -> Table:
        """Scores by cut."""
        return comparison_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Area under the ROC curve of each score by cut."""
        return plot_comparison(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_late_scores(
    snapshot: Snapshot,
    cuts: Sequence[str | dt.date | pd.Timestamp],
    late_days: int = 0,
    seed: int = 0,
) -> LateComparison:
    """Learn by each cut, test on the invoices issued after it, against `LATE_RIVALS`.

    Parameters
    ----------
    snapshot : Snapshot
        Outcomes known by then are tested on.
    cuts : sequence of dates
    late_days : int
    seed : int
        Of folds and resampling.

    Returns
    -------
    LateComparison

    Raises
    ------
    ModelError
        If no cut is given, or one leaves nothing to learn from or to test on.
    """
    if not len(cuts):
        raise ModelError("give at least one cut")
    features = make_invoice_features(snapshot, late_days)
    keys = ["invoice_id", "instalment"]
    rows = features.merge(late_outcomes(snapshot, late_days), on=keys, how="inner")
    parts = [_at_cut(snapshot.as_of(cut), rows, features, late_days, seed) for cut in cuts]
    return LateComparison(pd.concat(parts, ignore_index=True), snapshot.date, late_days)


def _at_cut(
    then: Snapshot, rows: pd.DataFrame, features: pd.DataFrame, late_days: int, seed: int
) -> pd.DataFrame:
    tested = rows[rows["issue_date"] > then.date].reset_index(drop=True)
    if tested["late"].nunique() < 2:
        raise ModelError(
            f"of the {len(tested)} invoices issued after {then.date:%Y-%m-%d} all or none were late"
        )
    score = learn_late_score(features[features["issue_date"] <= then.date], then, late_days, seed)
    learnt = features.merge(late_outcomes(then, late_days), on=["invoice_id", "instalment"], how="inner")
    told = {
        OURS: score.probability(tested),
        "late rate at the cut": _rate_at_cut(then, tested, late_days),
        "late rate at issue": _drawn(tested, float(learnt["late"].mean())),
        "plain logistic": _plain(learnt, tested),
        AHEAD: _looking_ahead(rows, tested),
    }
    return pd.DataFrame([_row(then, name, p, tested, told[OURS], score.n, seed) for name, p in told.items()])


def _row(
    then: Snapshot, name: str, p: Floats, tested: pd.DataFrame, ours: Floats, learnt: int, seed: int
) -> dict[str, object]:
    late, customers = tested["late"].to_numpy(dtype=bool), tested["customer_id"].to_numpy()
    area = auc_by_customer(late, p, customers, seed)
    gain = difference_by_customer(late, ours, p, customers, seed)
    return {
        "cut": as_date(then.date), "score": name, "looks_ahead": name == AHEAD, "learnt": learnt,
        "n": len(tested), "customers": len(np.unique(customers)), "late": float(late.mean()),
        "auc": area.value, "auc_low": area.low, "auc_high": area.high,
        "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
        "log_loss": log_loss(late, p), "brier": brier(late, p).score,
    }  # fmt: skip


def _rate_at_cut(then: Snapshot, tested: pd.DataFrame, late_days: int) -> Floats:
    """Of everything settled by the cut, whether its point had passed or not."""
    items = then.items
    settled = items[(items["amount"] > 0) & items["close_kind"].isin(["paid", "written_off"])]
    late = (settled["closed_date"] - settled["due_date"]).dt.days > late_days
    book = float(late.mean())
    by = late.groupby(settled["customer_id"])
    rate = (by.sum() + PRIOR_ITEMS * book) / (by.size() + PRIOR_ITEMS)
    return np.asarray(rate.reindex(tested["customer_id"]).fillna(book), dtype=float)


def _drawn(tested: pd.DataFrame, book: float) -> Floats:
    number = tested["n_settled"].to_numpy(dtype=float)
    late = number * tested["settled_late_rate"].fillna(0.0).to_numpy(dtype=float)
    return np.asarray((late + PRIOR_ITEMS * book) / (number + PRIOR_ITEMS), dtype=float)


def _plain(learnt: pd.DataFrame, tested: pd.DataFrame) -> Floats:
    raw = learnt[[*PLAIN]].astype(float)
    fill = raw.median().fillna(0.0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(raw.fillna(fill), learnt["late"].to_numpy(dtype=bool))
    found = model.predict_proba(tested[[*PLAIN]].astype(float).fillna(fill))[:, 1]
    return np.asarray(found, dtype=float)


def _looking_ahead(rows: pd.DataFrame, tested: pd.DataFrame) -> Floats:
    by = rows.groupby("customer_id")["late"].agg(["sum", "size"]).reindex(tested["customer_id"])
    book = float(rows["late"].mean())
    late, number = by["sum"].to_numpy(dtype=float), by["size"].to_numpy(dtype=float)
    return np.asarray((late + PRIOR_ITEMS * book) / (number + PRIOR_ITEMS), dtype=float)
