"""Fitting loss rates by a named method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from arrisk.errors import ModelError
from arrisk.models.loss_rates.cohort import count_cohorts
from arrisk.models.loss_rates.competing import count_competing
from arrisk.models.loss_rates.credible_rates import make_credible
from arrisk.models.loss_rates.left_out import leave_customers_out
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.loss_rates import LossRates, estimate_rates
from arrisk.models.loss_rates.markov import count_chain
from arrisk.models.loss_rates.net_flow import count_net_flows
from arrisk.models.loss_rates.pooling import describe_merged, edges_with_enough, pool_segments
from arrisk.models.loss_rates.realised import count_realised
from arrisk.models.loss_rates.roll import count_rolls
from arrisk.models.loss_rates.vintage import count_vintages

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["METHODS", "fit_loss_rates"]

Credibility = Literal["buhlmann"]
METHODS: Mapping[str, Callable[..., LossCounts]] = {
    "net_flow": count_net_flows,
    "roll": count_rolls,
    "markov": count_chain,
    "cohort": count_cohorts,
    "vintage": count_vintages,
    "competing": count_competing,
    "realised": count_realised,
}
"""Counting function by method: it takes a snapshot and the method's own conventions by name."""


def fit_loss_rates(
    snapshot: Snapshot,
    method: str = "net_flow",
    by: str | None = None,
    level: float = 0.95,
    min_customers: int = 0,
    min_losers: int = 0,
    credibility: Credibility | None = None,
    leave_out: Sequence[str] = (),
    **conventions: Any,
) -> LossRates:
    """Loss rates by age of debt from the history of a ledger.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    method : str
        A key of `METHODS`.
    by : str, optional
        An attribute of customers that makes the segments.
    level : float
        Coverage of the intervals.
    min_customers, min_losers : int
        Customers that every bucket of a segment, and customers with a loss that every segment must have had:
        buckets too old for it are merged into the last (`edges_with_enough`), segments too small for it into
        one pool (`pool_segments`).
    credibility : {"buhlmann"}, optional
        Draw the rates of segments towards those of all customers as far as their own say little; see
        `make_credible`. A single segment stays as it is.
    leave_out : sequence of str
        Customers whose past does not count; what they owe does. See `leave_customers_out`.
    **conventions
        Choices of the method, as its counting function names them.

    Raises
    ------
    ModelError
        If the method or a convention is unknown, or the ledger is too young for it.

    Examples
    --------
    >>> import pandas as pd
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> rates = fit_loss_rates(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))
    >>> rates.identified, rates.total.value, rates.total.high <= 150
    (False, None, True)
    """
    if method not in METHODS:
        raise ModelError(f"method is one of {sorted(METHODS)}, not {method!r}")
    if credibility not in (None, *get_args(Credibility)):
        raise ModelError(f"credibility is None or one of {get_args(Credibility)}, not {credibility!r}")
    counts = METHODS[method](snapshot, by=by, **conventions)
    edges = edges_with_enough(counts, min_customers)
    if edges != counts.edges:
        words = describe_merged(counts.edges, edges, min_customers)
        counts = METHODS[method](snapshot, by=by, **{**conventions, "edges": edges})
        counts = replace(counts, conventions={**counts.conventions, "old buckets": words})
    counts = pool_segments(leave_customers_out(counts, leave_out), min_customers, min_losers)
    rates = estimate_rates(counts, snapshot.date, snapshot.currency, level)
    return make_credible(rates) if credibility and len(counts.segments) > 1 else rates
