"""Fitting loss rates by a named method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.loss_rates import LossRates, estimate_rates
from arrisk.models.loss_rates.net_flow import count_net_flows

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["METHODS", "fit_loss_rates"]

METHODS: Mapping[str, Callable[..., LossCounts]] = {"net_flow": count_net_flows}
"""Counting function by method: it takes a snapshot and the method's own conventions by name."""


def fit_loss_rates(
    snapshot: Snapshot,
    method: str = "net_flow",
    by: str | None = None,
    level: float = 0.95,
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
    >>> rates.identified, rates.total.value, rates.total.high
    (False, None, 150.0)
    """
    if method not in METHODS:
        raise ModelError(f"method is one of {sorted(METHODS)}, not {method!r}")
    counts = METHODS[method](snapshot, by=by, **conventions)
    return estimate_rates(counts, snapshot.date, snapshot.currency, level)
