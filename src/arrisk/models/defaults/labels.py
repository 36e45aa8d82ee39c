"""Labels: who fell into default strictly after the day of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.past_due import days_of, invoice_defaults, settlements
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["make_invoice_labels", "make_labels", "purge_overlaps"]

ACTIVE_DAYS = 365


def make_labels(
    snapshot: Snapshot,
    at: str | pd.Timestamp,
    horizon_days: int,
    definition: DefaultDefinition | None = None,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Which customers, not in default on a day, fall into it within the horizon.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the whole window: its date is not before `at` + `horizon_days`.
    at : date
        Day of the features. The window is (at, at + horizon_days]: strictly after.
    horizon_days : int
        Positive.
    definition : DefaultDefinition, optional
    states : DataFrame, optional
        From `default_states` of the same snapshot and definition, when several days are labelled.

    Returns
    -------
    DataFrame
        `customer_id`, `default` (bool), `default_date`, `cause`, sorted; the customers invoiced in the year
        up to `at` and not in default at its end.

    Raises
    ------
    LookAheadError
        If the window is not over at the snapshot.
    ModelError
        If the horizon is not positive.
    """
    begin, end = _window(snapshot, at, horizon_days)
    items = snapshot.items
    if states is None:
        states = default_states(
            items, snapshot.events, snapshot.date, definition or DefaultDefinition(), snapshot.signals
        )
    issued = items["issue_date"]
    active = (items["amount"] > 0) & (issued <= begin) & (issued > begin - pd.Timedelta(days=ACTIVE_DAYS))
    before = states[states["date"] <= begin].groupby("customer_id")["in_default"].last()
    out = pd.DataFrame({"customer_id": np.sort(items.loc[active, "customer_id"].unique())})
    already = set(before.index[before])
    out = out[~out["customer_id"].isin(already)].reset_index(drop=True)
    within = states[(states["date"] > begin) & (states["date"] <= end) & states["in_default"]]
    first = within.groupby("customer_id")[["date", "cause"]].first().reindex(out["customer_id"])
    out["default"] = first["date"].notna().to_numpy()
    out["default_date"] = first["date"].to_numpy()
    out["cause"] = first["cause"].fillna("").to_numpy()
    return out


def make_invoice_labels(
    snapshot: Snapshot,
    at: str | pd.Timestamp,
    horizon_days: int,
    definition: DefaultDefinition | None = None,
) -> pd.DataFrame:
    """Which invoices, open on a day and not in default, default within the horizon.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the whole window: its date is not before `at` + `horizon_days`.
    at : date
        Day of the features. The window is (at, at + horizon_days]: strictly after.
    horizon_days : int
        Positive.
    definition : DefaultDefinition, optional
        Of an invoice, see `arrisk.models.defaults.past_due.invoice_defaults`.

    Returns
    -------
    DataFrame
        `invoice_id`, `customer_id`, `issue_date`, `due_date`, `amount`, `default` (bool), `default_date`,
        `cause`, sorted; the invoices that were in the books at the end of `at`, not settled and not in
        default by then.

    Raises
    ------
    LookAheadError
        If the window is not over at the snapshot.
    ModelError
        If the horizon is not positive.
    """
    begin, end = _window(snapshot, at, horizon_days)
    events = snapshot.events
    every = invoice_defaults(snapshot.items, events, end, definition or DefaultDefinition())
    moves = settlements(events[events["date"] <= begin], pd.Index(every["invoice_id"]))
    settled = np.bincount(moves["invoice"], moves["amount"], len(every))
    is_open = (every["amount"].to_numpy() - settled).round(6) > 0
    begun = every[["issue_date", "known_date"]].max(axis=1) <= begin
    out = every[begun & is_open & ~(every["default_date"] <= begin)].reset_index(drop=True)
    out["default"] = out["default_date"].notna()
    columns = ["invoice_id", "customer_id", "issue_date", "due_date", "amount"]
    return out[[*columns, "default", "default_date", "cause"]]


def purge_overlaps(observations: pd.DataFrame, horizon_days: int, gap_days: int = 0) -> pd.DataFrame:
    """Observations of which no two of one customer share a day of their label windows.

    Parameters
    ----------
    observations : DataFrame
        `customer_id` and `cutoff` (the day of the features) besides anything else.
    horizon_days : int
        The label window is (cutoff, cutoff + horizon_days].
    gap_days : int
        Days that must lie between the end of a window and the next day of observation.

    Returns
    -------
    DataFrame
        The rows kept, in their order: of each customer the earliest, then the first one that begins
        `gap_days` after its window at least, and so on. One default is then counted in one row.

    Raises
    ------
    ModelError
        If the horizon is not positive or the gap negative, or a customer comes twice on a day.

    Notes
    -----
    Rows are kept from the front, because who is observed late depends on what happened: a customer in default
    is not observed any more, so that its latest row would lie just before its default, and those of others
    months before nothing.

    This thins out one sample. Between the rows to train on and those to test on the same rule is
    ``cutoff + horizon_days + gap_days <= first day of the test``; see
    `arrisk.models.validation.folds.trained_before`.

    Examples
    --------
    >>> seen = pd.DataFrame({"customer_id": ["a", "a", "a", "b"],
    ...     "cutoff": pd.to_datetime(["2025-01-01", "2025-03-01", "2025-06-30", "2025-03-01"])})
    >>> purge_overlaps(seen, 59).index.tolist(), purge_overlaps(seen, 90).index.tolist()
    ([0, 1, 2, 3], [0, 2, 3])
    >>> purge_overlaps(seen, 90, gap_days=120).index.tolist()
    [0, 3]
    """
    if horizon_days <= 0 or gap_days < 0:
        raise ModelError(f"horizon_days = {horizon_days}, gap_days = {gap_days}: a window has a length")
    if observations.duplicated(["customer_id", "cutoff"]).any():
        raise ModelError("a customer is observed twice on one day")
    customer = pd.factorize(observations["customer_id"], use_na_sentinel=False)[0]
    day = days_of(observations["cutoff"])
    free = np.full(int(customer.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    kept = np.zeros(len(observations), dtype=bool)
    for cutoff in np.unique(day):
        rows = np.flatnonzero(day == cutoff)
        rows = rows[cutoff >= free[customer[rows]]]
        kept[rows], free[customer[rows]] = True, cutoff + horizon_days + gap_days
    out: pd.DataFrame = observations[kept]
    return out


def _window(
    snapshot: Snapshot, at: str | pd.Timestamp, horizon_days: int
) -> tuple[pd.Timestamp, pd.Timestamp]:
    begin, end = pd.Timestamp(at), pd.Timestamp(at) + pd.Timedelta(days=horizon_days)
    if horizon_days <= 0:
        raise ModelError(f"horizon_days = {horizon_days}: the window must lie after the day of the features")
    if end > snapshot.date:
        raise LookAheadError(
            f"the window ends {end:%Y-%m-%d}, after the snapshot of {snapshot.date:%Y-%m-%d}: "
            "who has no default so far is not yet a good one"
        )
    return begin, end
