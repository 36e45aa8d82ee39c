"""The features of an invoice at its issue: what each means, its unit and its bounds."""

from __future__ import annotations

import math

from arrisk.models.features.catalogue import Feature

__all__ = ["INVOICE_FEATURES"]

_ROWS: tuple[tuple[str, str, str, float, float, float, str, int], ...] = (
    # The invoice itself.
    ("amount", "amount of the invoice",
     "currency units", 0, math.inf, 1, "{0:,.0f} invoiced", 0),
    ("amount_ratio", "log ratio of its amount to the mean of the customer's earlier invoices",
     "log ratio", -3, 3, 1, "{1:.1f} times the customer's usual amount", 0),
    ("terms_days", "days from issue to the due date",
     "days", 0, 120, 20, "{0:.0f} days of terms", 0),
    ("issue_weekday", "weekday of issue, Monday is 0",
     "number", 0, 6, 2, "issued on weekday {0:.0f}", 0),
    ("issue_month_left", "days left of the month of issue",
     "days", 0, 30, 9, "issued {0:.0f} days before the end of the month", 0),
    ("due_weekday", "weekday of the due date",
     "number", 0, 6, 2, "due on weekday {0:.0f}", 0),
    ("due_month_left", "days left of the month of the due date",
     "days", 0, 30, 9, "due {0:.0f} days before the end of the month", 0),
    # The customer so far.
    ("n_before", "earlier invoices of the customer",
     "count", 0, 60, 15, "{0:.0f} invoices before", 0),
    ("months_customer", "months since its first invoice",
     "months", 0, 60, 12, "a customer for {0:.0f} months", -1),
    ("days_since_invoice", "days since its last invoice",
     "days", 0, 365, 45, "no invoice for {0:.0f} days", 0),
    ("days_since_payment", "days since its last payment",
     "days", 0, 365, 45, "no payment for {0:.0f} days", 1),
    ("dispute_rate", "share of its earlier invoices in dispute, then or before",
     "share", 0, 1, 0.15, "{0:.0%} of invoices disputed", 1),
    # How late it was so far.
    ("n_due", "its items whose point had passed: late_days after the due date",
     "count", 0, 60, 15, "{0:.0f} items due", 0),
    ("n_late", "those of them that were late, settled or still open",
     "count", 0, 30, 6, "{0:.0f} items late", 1),
    ("late_rate", "share late of the items whose point had passed, drawn towards that of the book so far",
     "share", 0, 1, 0.25, "{0:.0%} of items late", 1),
    ("late_amount_rate", "share late of the amounts of the same",
     "share", 0, 1, 0.25, "{0:.0%} of amounts late", 1),
    ("mean_days_late", "mean days past due of the same; an open item counts with its days so far",
     "days", -30, 120, 15, "{0:.0f} days late on average", 1),
    ("n_due_lately", "its items whose point passed in the last 180 days",
     "count", 0, 30, 8, "{0:.0f} items due in the last 180 days", 0),
    ("late_rate_lately", "share late of the same",
     "share", 0, 1, 0.25, "{0:.0%} of the last 180 days' items late", 1),
    ("mean_days_late_lately", "mean days past due of the same",
     "days", -30, 120, 15, "{0:.0f} days late on average in the last 180 days", 1),
    ("n_settled", "its items settled so far",
     "count", 0, 60, 15, "{0:.0f} items settled", 0),
    ("settled_late_rate", "share of them settled late",
     "share", 0, 1, 0.25, "{0:.0%} of settled items late", 1),
    ("mean_days_settled", "mean days past due of them",
     "days", -30, 120, 15, "settled {0:.0f} days late on average", 1),
    ("median_days_late", "median days past due of the last 10 items settled",
     "days", -30, 120, 15, "{0:.0f} days late as a rule", 1),
    ("last_days_late", "days past due of the last item settled",
     "days", -30, 120, 15, "{0:.0f} days late the last time", 1),
    ("late_lately", "share late of the last 5 items settled",
     "share", 0, 1, 0.3, "{0:.0%} of the last items late", 1),
    ("trend_days_late", "mean days past due of the last 5 items settled, less that of all",
     "days", -60, 60, 8, "lately {0:+.0f} days later than before", 1),
    ("slack_days", "terms of the invoice less the customer's mean days from issue to settlement",
     "days", -90, 90, 15, "{0:+.0f} days between its usual payment and the due date", -1),
    # What is open when the invoice is issued.
    ("n_open", "its items open",
     "count", 0, 30, 4, "{0:.0f} items open", 0),
    ("open_amount", "their amount",
     "currency units", 0, math.inf, 1, "{0:,.0f} open", 0),
    ("n_overdue", "its items open past their due date",
     "count", 0, 15, 2, "{0:.0f} items overdue", 1),
    ("overdue_amount", "their amount",
     "currency units", 0, math.inf, 1, "{0:,.0f} overdue", 1),
    ("overdue_share", "share of the open amount that is past due, 0 with nothing open",
     "share", 0, 1, 0.3, "{0:.0%} of the open amount overdue", 1),
    ("oldest_open_days", "days since the issue of its oldest open item, 0 with nothing open",
     "days", 0, 240, 30, "oldest open item {0:.0f} days old", 1),
    ("oldest_overdue_days", "days past due of its oldest open item, 0 with nothing overdue",
     "days", 0, 120, 15, "oldest open item {0:.0f} days overdue", 1),
    # The book.
    ("book_late_rate", "share late of all items of the book whose point had passed",
     "share", 0, 1, 0.1, "{0:.0%} of the book late", 1),
)  # fmt: skip

INVOICE_FEATURES: dict[str, Feature] = {row[0]: Feature(*row) for row in _ROWS}
"""Numbers of an invoice by name, in the order of their columns."""
