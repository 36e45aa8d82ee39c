"""Recoveries grown to what they come to in the end, so that loss rates can be net of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.models.recovery.recovery_curve import RecoveryCurve, fit_recovery

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["develop_recoveries"]

Floats = NDArray[np.float64]


def develop_recoveries(
    snapshot: Snapshot, customers: NDArray[Any], curve: RecoveryCurve | None = None
) -> Floats:
    """Share of each customer's write-offs that is expected back in the end, not just so far.

    Loss rates net of the recoveries known on the as-of date take a write-off of last month for lost, and
    overstate the loss where money comes back late. Here what is known is kept, and what a write-off of that
    age still brings is added.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    customers : array of str, shape (customers,)
    curve : RecoveryCurve, optional
        Fitted on the same snapshot; by default that of all customers together, to 24 months and without a
        tail.

    Returns
    -------
    array of shape (customers,)
        Fractions; 0 without a write-off. Where no write-off is old enough for a curve, the known share.

    Examples
    --------
    >>> import pandas as pd
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2", "3"], "customer_id": ["a", "b", "c"],
    ...     "issue_date": "2024-01-10", "due_date": "2024-02-09", "amount": 100.0})
    >>> events = pd.DataFrame({"invoice_id": ["1", "2", "3", "1"], "kind": ["write_off"] * 3 + ["recovery"],
    ...     "date": ["2024-06-28", "2024-06-28", "2024-12-30", "2024-08-15"], "amount": [100.0] * 3 + [30]})
    >>> book = read_ledger({"invoices": invoices, "events": events}, currency="EUR").as_of("2024-12-31")
    >>> develop_recoveries(book, np.array(["a", "b", "c"])).round(3)
    array([0.3 , 0.  , 0.15])
    """
    found = fit_recovery(snapshot) if curve is None else curve
    w = found.write_offs
    written, back = w.by_customer(w.amount), w.by_customer(w.amount - w.outstanding)
    if found.identified:
        back = back + found.predict()["expected"].to_numpy(dtype=float)
    share = np.divide(back, written, out=np.zeros_like(written), where=written > 0)
    names = np.asarray(customers, dtype=str)
    place = np.searchsorted(w.customers, names)
    place = np.minimum(place, max(w.customers.size - 1, 0))
    if not w.customers.size:
        return np.zeros(names.size)
    return np.where(w.customers[place] == names, np.clip(share[place], 0.0, 1.0), 0.0)
