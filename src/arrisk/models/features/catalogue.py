"""The features of a customer: what each means, its unit, its bounds in a linear term, and how it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ATTRIBUTES", "FEATURES", "Feature", "feature_of"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of `make_features`.

    Attributes
    ----------
    name : str
        The column.
    meaning : str
    unit : str
        Of its values: days, share (a fraction), count, currency units, months, log ratio, ...
    low, high : float
        Bounds of the value in a linear term, beyond which it says no more. An infinite bound means that
        the scale depends on the ledger: take such a feature in bins, or its logarithm.
    step : float
        Unit of its coefficient in a linear term, about one standard deviation.
    words : str
        Template of a reason: ``{0}`` is the value, ``{1}`` its exponential.
    risk : {1, -1, 0}
        Whether risk is expected to rise or fall with it; 0 when neither.
    """

    name: str
    meaning: str
    unit: str
    low: float
    high: float
    step: float
    words: str
    risk: int

    @property
    def bounded(self) -> bool:
        """Whether a linear term of it has bounds that hold for every ledger."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def each(self) -> str:
        """The feature in short with the unit of its coefficient in a linear term.

        Examples
        --------
        >>> FEATURES["oldest_overdue_days"].each
        'days past due of the oldest open item, each 30 days'
        >>> FEATURES["utilisation"].each
        'open amount over the credit limit in force, each 40 points'
        """
        steps = {
            "share": f"{100 * self.step:g} points",
            "log ratio": f"factor of {math.exp(self.step):.1f}",
            "count": f"{self.step:g}",
            "as given": f"{self.step:g}",
        }
        short = self.meaning.split(";")[0].split(", ")[0]
        return f"{short}, each {steps.get(self.unit, f'{self.step:g} {self.unit}')}"

    def tell(self, value: float) -> str:
        """Tell a value in words.

        Examples
        --------
        >>> FEATURES["mean_days_late"].tell(12.3)
        '12 days late on average over the last year'
        """
        return self.words.format(value, math.exp(min(value, 50.0)))


_ROWS: tuple[tuple[str, str, str, float, float, float, str, int], ...] = (
    # What was sold.
    ("n_invoices", "invoices issued in the window",
     "count", 0, 100, 20, "{0:.0f} invoices in the last year", 0),
    ("amount", "amount invoiced in the window",
     "currency units", 0, math.inf, 1, "{0:,.0f} invoiced in the last year", 0),
    ("orders_per_month", "orders placed a month in the window; invoices where no orders are given",
     "count", 0, 12, 2, "{0:.1f} orders a month", 0),
    ("order_change", "log ratio of orders a day in the last 90 days to the days of the window before them",
     "log ratio", -2, 2, 1, "orders at {1:.1f} times their former pace", 0),
    ("days_since_invoice", "days since the last invoice",
     "days", 0, 365, 60, "no invoice for {0:.0f} days", 0),
    ("months_customer", "months since the first invoice, or since the customer was taken on",
     "months", 0, 120, 36, "a customer for {0:.0f} months", -1),
    # How late: settled items and, with their days so far, open ones.
    ("n_late", "items of the window past their due date, settled and still open",
     "count", 0, 50, 10, "{0:.0f} items late in the last year", 1),
    ("amount_late", "amount of those items",
     "currency units", 0, math.inf, 1, "{0:,.0f} late in the last year", 1),
    ("share_late", "share of the window's items past their due date, settled and still open",
     "share", 0, 1, 0.25, "{0:.0%} of items late", 1),
    ("share_late_amount", "share of their amount",
     "share", 0, 1, 0.25, "{0:.0%} of amounts late", 1),
    ("share_late_settled", "share of the window's settled items that were settled after the due date",
     "share", 0, 1, 0.25, "{0:.0%} of settled items late", 1),
    ("mean_days_late", "mean days past due, negative when early; an open item counts with its days so far",
     "days", -30, 120, 30, "{0:.0f} days late on average over the last year", 1),
    ("median_days_late", "median of the same",
     "days", -30, 120, 30, "{0:.0f} days late as a rule", 1),
    ("mad_days_late", "median distance of the same from their median",
     "days", 0, 60, 10, "days late vary by {0:.0f} days", 1),
    ("max_days_late", "largest of the same",
     "days", -30, 180, 45, "up to {0:.0f} days late in the last year", 1),
    ("trend_days_late", "mean days late of items due in the last 90 days less that of items due before "
     "them",
     "days", -60, 60, 30, "days late changed by {0:+.0f} in the last 90 days", 1),
    ("cycle_days", "median days from issue to payment of items paid in the last 90 days, and the days so "
     "far of open overdue ones",
     "days", 0, 180, 30, "pays {0:.0f} days after the invoice", 1),
    ("cycle_change_days", "median days to payment lately less the customer's own median before",
     "days", -60, 60, 15, "pays {0:+.0f} days later than it used to", 1),
    ("cycle_change", "days to payment risen lately, in robust standard deviations of those before",
     "deviations", -5, 5, 1.5, "payment cycle {0:+.1f} deviations from its own past", 1),
    # What is open.
    ("open_amount", "amount open, credits not deducted",
     "currency units", 0, math.inf, 1, "{0:,.0f} open", 0),
    ("n_open", "items open",
     "count", 0, 30, 5, "{0:.0f} items open", 0),
    ("n_overdue", "items open past their due date",
     "count", 0, 15, 2, "{0:.0f} items overdue", 1),
    ("overdue_share", "share of the open amount that is past due",
     "share", 0, 1, 0.3, "{0:.0%} of the open amount overdue", 1),
    ("oldest_open_days", "days since the issue of the oldest open item, 0 when none is open",
     "days", 0, 240, 45, "oldest open item {0:.0f} days old", 1),
    ("oldest_overdue_days", "days past due of the oldest open item, 0 when none is overdue",
     "days", 0, 120, 30, "oldest open item {0:.0f} days overdue", 1),
    ("utilisation", "open amount over the credit limit in force, missing without a limit above zero",
     "share", 0, 2, 0.4, "{0:.0%} of the limit used", 1),
    ("utilisation_peak", "highest use of the credit limit on any day of the window",
     "share", 0, 3, 0.5, "up to {0:.0%} of the limit used in the last year", 1),
    ("utilisation_change", "use of the credit limit now less 90 days ago",
     "share", -1, 1, 0.3, "use of the limit changed by {0:+.0%} in 90 days", 1),
    # What went wrong.
    ("n_disputes", "items of which a dispute was opened in the window",
     "count", 0, 10, 2, "{0:.0f} disputes in the last year", 1),
    ("share_disputed", "share of the window's amount disputed by now, settled or not",
     "share", 0, 1, 0.15, "{0:.0%} of amounts disputed in the last year", 1),
    ("disputed_share", "share of the open amount that is in dispute",
     "share", 0, 1, 0.2, "{0:.0%} of the open amount in dispute", 1),
    ("returned_share", "credit notes of the window over the amount invoiced in it",
     "share", 0, 1, 0.1, "{0:.0%} of sales credited", 1),
    ("n_part_payments", "payments in the window that left a part of their item open",
     "count", 0, 10, 2, "{0:.0f} part payments in the last year", 1),
    ("n_reversals", "payments taken back in the window",
     "count", 0, 5, 1, "{0:.0f} payments taken back", 1),
    ("days_since_payment", "days since the last payment, missing without one",
     "days", 0, 365, 45, "no payment for {0:.0f} days", 1),
)  # fmt: skip

FEATURES: dict[str, Feature] = {row[0]: Feature(*row) for row in _ROWS}
"""Numbers of a customer by name, in the order of their columns."""

ATTRIBUTES: dict[str, str] = {
    "segment": "the segment used for rates",
    "industry": "industry of the customer",
    "region": "region of the customer",
    "country": "country of the customer",
    "security": "kind of security held",
}
"""Texts of a customer by name, in the order of their columns; missing where not given."""

_SIGNAL_PARTS = {
    "_age_days": ("days since the date of the last known value of {0}", "days", "{0} is {{0:.0f}} days old"),
    "_change": ("{0} less its value a year before", "as given", "{0} changed by {{0:+.3g}} in a year"),
    "": ("last known value of {0}", "as given", "{0} is {{0:.3g}}"),
}


def feature_of(column: str) -> Feature:
    """Describe any numeric column of `make_features`, those of outside signals included.

    Raises
    ------
    KeyError
        If there is no such column.

    Examples
    --------
    >>> feature_of("signal_pmi").tell(48.2)
    'pmi is 48.2'
    >>> feature_of("n_late").risk
    1
    """
    if not column.startswith("signal_"):
        return FEATURES[column]
    name = column.removeprefix("signal_")
    ending = next(e for e in _SIGNAL_PARTS if name.endswith(e))
    meaning, unit, words = _SIGNAL_PARTS[ending]
    plain = name.removesuffix(ending).replace("_", " ").replace("{", "{{").replace("}", "}}")
    return Feature(column, meaning.format(plain), unit, -math.inf, math.inf, 1.0, words.format(plain), 0)
