"""Customers at risk and lost, period by period: what correlation and level are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import read_default_experience
from arrisk.models.defaults.labels import make_labels
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Counted", "count_losses"]

Counted = Literal["lost", "default"]
YEAR = 365
NOT_GIVEN = "not given"
EVERYBODY = "all"


def count_losses(
    snapshot: Snapshot,
    definition: DefaultDefinition | None = None,
    of: Counted = "lost",
    days: int = YEAR,
    by: str | None = None,
    wait: int | None = None,
) -> pd.DataFrame:
    """Count customers at risk at the start of each period and those lost, or in default, within it.

    Parameters
    ----------
    snapshot : Snapshot
        Periods are counted back from its date; what was known later plays no part.
    definition : DefaultDefinition, optional
        When a customer counts as defaulted.
    of : {"lost", "default"}
        Defaults that ended in a write-off by now, or all defaults: more of them, but most of these pay late.
    days : int
        Length of a period. Shorter ones are more in number; that their common factors are independent is then
        the harder to believe.
    by : str, optional
        An attribute of customers, such as "industry": one row a period and value.
    wait : int, optional
        Days that a period must be over to be counted. By default 0 for "default" and a year for "lost",
        because write-offs take time; 0 again when no period is as old.

    Returns
    -------
    DataFrame
        start, end, group, trials, events; whole periods after the first movement known.

    Raises
    ------
    ModelError
        If the event is unknown or a length not positive.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1", "2"], "customer_id": ["a", "b"], "issue_date": ["2023-12-10", "2023-12-10"],
    ...     "due_date": ["2024-01-09", "2024-01-09"], "amount": [100.0, 50.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1"], "date": ["2024-01-09"], "kind": ["payment"],
    ...     "amount": [100.0]})}, currency="EUR")
    >>> count_losses(ledger.as_of("2024-12-31"), of="default")[["trials", "events"]].to_numpy().tolist()
    [[2, 1]]
    """
    if of not in get_args(Counted):
        raise ModelError(f"of = {of!r}: allowed are {', '.join(map(repr, get_args(Counted)))}")
    if days <= 0 or (wait or 0) < 0:
        raise ModelError(f"days = {days}, wait = {wait}: a period has a length, and a wait is not negative")
    rule = definition or DefaultDefinition()
    states = default_states(snapshot.items, snapshot.events, snapshot.date, rule, snapshot.signals)
    losses = read_default_experience(snapshot, rule).losses if of == "lost" else None
    groups = _groups(snapshot, by)
    found = []
    for start, end in _periods(
        snapshot, days, YEAR if of == "lost" and wait is None else wait or 0, wait is None
    ):
        seen = make_labels(snapshot, start, days, rule, states)
        hit = seen["default"].to_numpy(dtype=bool)
        if losses is not None:
            inside = losses[(losses["default_date"] > start) & (losses["default_date"] <= end)]
            hit = seen["customer_id"].isin(inside["customer_id"]).to_numpy(dtype=bool)
        found.append(_count(seen["customer_id"], hit, groups).assign(start=start, end=end))
    columns = ["start", "end", "group", "trials", "events"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _periods(
    snapshot: Snapshot, days: int, wait: int, relax: bool
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Whole periods from the first movement to the wait, in step with the as-of day; all when none is old."""
    length, found = pd.Timedelta(days=days), []
    end = snapshot.date
    while end - length >= snapshot.first_date:
        found.append((end - length, end))
        end -= length
    old = [pair for pair in found if pair[1] <= snapshot.date - pd.Timedelta(days=wait)]
    return (found if relax and not old else old)[::-1]


def _groups(snapshot: Snapshot, by: str | None) -> pd.Series | None:
    if by is None:
        return None
    table = snapshot.customers.drop_duplicates("customer_id").set_index("customer_id")
    if by not in table:
        raise ModelError(
            f"customers have no attribute {by!r}; there are {', '.join(map(str, table.columns))}"
        )
    return table[by].astype(object).where(table[by].notna(), NOT_GIVEN)


def _count(customers: pd.Series, hit: np.ndarray, groups: pd.Series | None) -> pd.DataFrame:
    """group, trials, events of one period."""
    if groups is None:
        return pd.DataFrame({"group": [EVERYBODY], "trials": [len(customers)], "events": [int(hit.sum())]})
    names = customers.map(groups).fillna(NOT_GIVEN).astype(str)
    counted = pd.DataFrame({"group": names.to_numpy(), "events": hit.astype(int)}).groupby("group")["events"]
    return counted.agg(trials="size", events="sum").reset_index()
