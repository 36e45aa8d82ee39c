"""The probability, told when an invoice is issued, that it will be paid late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.book import Snapshot
from arrisk.models.features.invoices import INVOICE_KEYS, make_invoice_features
from arrisk.models.late_score.outcomes import late_outcomes
from arrisk.models.late_score.page import late_table, plot_late_score
from arrisk.models.late_score.ridge import fit_ridge
from arrisk.models.late_score.terms import LATE_TERMS, averages, late_terms
from arrisk.models.validation.brier import brier, log_loss
from arrisk.models.validation.discrimination import auc_by_customer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LateScore", "fit_late_score", "learn_late_score"]

Floats = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class LateScore:
    """A fitted score of lateness at issue; made by `fit_late_score`.

    Attributes
    ----------
    as_of : Timestamp
        What was known by then was learnt from.
    late_days : int
        An invoice is late from so many days past due on, exclusive.
    terms : tuple of str
        Of `LATE_TERMS`, those that differ between invoices.
    centre, spread : array, shape (terms,)
        Mean and standard deviation by which the terms are standardised.
    average : mapping of str to float
        What stands in for a history not there yet.
    coefficients : array, shape (1 + terms,)
        Log-odds, the constant first; each for a standard deviation of its term.
    covariance : array, shape (1 + terms, 1 + terms)
        Clustered by customer.
    variance : float
        Prior variance of a coefficient: how little the fit is drawn towards no effect.
    held_out : DataFrame
        `customer_id`, `late`, `probability` of the invoices learnt from, each told by a fit without its
        customer.
    """

    as_of: pd.Timestamp
    late_days: int
    terms: tuple[str, ...]
    centre: Floats
    spread: Floats
    average: Mapping[str, float]
    coefficients: Floats
    covariance: Floats
    variance: float
    held_out: pd.DataFrame

    @property
    def n(self) -> int:
        """Invoices learnt from."""
        return len(self.held_out)

    @property
    def customers(self) -> int:
        """Their customers."""
        return int(self.held_out["customer_id"].nunique())

    @property
    def table(self) -> pd.DataFrame:
        """Coefficients: term, meaning, estimate (log-odds a standard deviation), se, ci_low, ci_high (95%).

        The errors are those of the penalised estimate, which is drawn towards zero on purpose.
        """
        se = np.sqrt(np.diag(self.covariance))
        half = self._quantile * se
        names = ["constant", *self.terms]
        meaning = ["log-odds of the average invoice", *(LATE_TERMS[t] for t in self.terms)]
        b = self.coefficients
        columns = {"estimate": b, "se": se, "ci_low": b - half, "ci_high": b + half}
        return pd.DataFrame({"term": names, "meaning": meaning, **columns})

    @property
    def diagnostics(self) -> dict[str, float]:
        """Late share, mean probability, AUC with limits, log-loss and Brier score on customers held out."""
        late, p = self.held_out["late"].to_numpy(dtype=bool), self.held_out["probability"].to_numpy(float)
        area = auc_by_customer(late, p, self.held_out["customer_id"], seed=0)
        return {
            "n": self.n,
            "customers": self.customers,
            "late": float(late.mean()),
            "mean_probability": float(p.mean()),
            "auc": area.value,
            "auc_low": area.low,
            "auc_high": area.high,
            "log_loss": log_loss(late, p),
            "brier": brier(late, p).score,
        }

    @property
    def _quantile(self) -> float:
        return float(stats.t.ppf(0.5 + LEVEL / 2, self.customers - 1))

    def probability(self, features: pd.DataFrame) -> Floats:
        """Probability of being late for rows of `make_invoice_features`, shape (rows,)."""
        return np.asarray(expit(self._linear(self._design(features))), dtype=float)

    def predict(self, invoices: Snapshot | pd.DataFrame) -> pd.DataFrame:
        """Probability of being late of each invoice, with its 95% interval.

        Parameters
        ----------
        invoices : Snapshot or DataFrame
            A snapshot on or after the day learnt from: the invoices issued since then, each with what was
            known on the evening before. Or rows of `make_invoice_features`.

        Returns
        -------
        DataFrame
            `invoice_id`, `instalment`, `customer_id`, `issue_date`, `due_date`, `probability`,
            `probability_low`, `probability_high`.

        Raises
        ------
        ModelError
            If the snapshot is earlier than the day learnt from.
        """
        features = self._since(invoices) if isinstance(invoices, Snapshot) else invoices
        design = self._design(features)
        eta = self._linear(design)
        half = self._quantile * np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        out = features[INVOICE_KEYS].copy()
        out["probability"] = expit(eta)
        out["probability_low"], out["probability_high"] = expit(eta - half), expit(eta + half)
        return out

    def to_table(self, name: str = "late_score") -> Table:
        """Coefficients in plain words, the strongest first."""
        return late_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share late against the probability told, on customers not learnt from."""
        return plot_late_score(self, ax)

    def _since(self, snapshot: Snapshot) -> pd.DataFrame:
        if snapshot.date < self.as_of:
            raise ModelError(
                f"a score learnt by {self.as_of:%Y-%m-%d} knows more than a snapshot of "
                f"{snapshot.date:%Y-%m-%d}"
            )
        features = make_invoice_features(snapshot, self.late_days)
        return features[features["issue_date"] > self.as_of].reset_index(drop=True)

    def _design(self, features: pd.DataFrame) -> Floats:
        terms = late_terms(features, self.average)[list(self.terms)].to_numpy(dtype=float)
        return np.column_stack([np.ones(len(terms)), (terms - self.centre) / self.spread])

    def _linear(self, design: Floats) -> Floats:
        # A matrix product may round a row otherwise when other rows stand beside it.
        return np.asarray((design * self.coefficients).sum(axis=1), dtype=float)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def fit_late_score(snapshot: Snapshot, late_days: int = 0, seed: int = 0) -> LateScore:
    """Learn from the past how likely an invoice is to be paid late, when it is issued.

    Parameters
    ----------
    snapshot : Snapshot
        Invoices whose point (`late_days` after the due date) has passed are learnt from, paid or not, each
        with what was known on the evening before it was issued; see `late_outcomes` for why not all that
        was settled.
    late_days : int
        An invoice is late from so many days past due on, exclusive.
    seed : int
        Of the folds of customers by which the strength of the penalty is chosen.

    Returns
    -------
    LateScore

    Raises
    ------
    ModelError
        If all or none were late, or there are fewer than 10 customers.

    Notes
    -----
    A logistic regression on bounded terms (`LATE_TERMS`), most of them means drawn towards the average by a
    few items of it, so that a short history says little. They overlap, so the coefficients are drawn towards
    zero (ridge) as strongly as predictions for other customers allow. Nothing that becomes known after the
    issue is used: not whether the invoice was disputed, and nothing of later invoices.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger(ar.make_sample(invoices=1500, seed=1), currency="EUR")
    >>> score = fit_late_score(ledger.as_of("2025-06-30"))
    >>> told = score.predict(ledger.as_of("2025-07-31"))
    >>> bool(told["probability"].between(0, 1).all()), str(told["issue_date"].min())[:7]
    (True, '2025-07')
    """
    return learn_late_score(make_invoice_features(snapshot, late_days), snapshot, late_days, seed)


def learn_late_score(
    features: pd.DataFrame, snapshot: Snapshot, late_days: int = 0, seed: int = 0
) -> LateScore:
    """The same from features made before, of this or a later snapshot: an invoice's are the same at both."""
    keys = ["invoice_id", "instalment"]
    rows = features.merge(late_outcomes(snapshot, late_days), on=keys, how="inner")
    average = averages(rows)
    terms = late_terms(rows, average)
    values = terms.to_numpy(dtype=float)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    differs = spread > 1e-9 * np.maximum(1.0, np.abs(centre))
    centre, spread = centre[differs], spread[differs]
    late, customers = rows["late"].to_numpy(dtype=bool), rows["customer_id"].to_numpy()
    fit = fit_ridge((values[:, differs] - centre) / spread, late, customers, seed)
    return LateScore(
        as_of=snapshot.date,
        late_days=late_days,
        terms=tuple(np.array(list(LATE_TERMS))[differs].tolist()),
        centre=centre,
        spread=spread,
        average=average,
        coefficients=fit.coefficients,
        covariance=fit.covariance,
        variance=fit.variance,
        held_out=pd.DataFrame({"customer_id": customers, "late": late, "probability": fit.held_out}),
    )
