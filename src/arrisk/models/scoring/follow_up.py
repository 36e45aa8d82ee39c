"""How long customers were followed after each observation, and whether a default ended that."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number
from arrisk.models.defaults.past_due import days_of

__all__ = ["follow_observations"]

NEVER = np.int64(np.iinfo(np.int64).max)


def follow_observations(observations: pd.DataFrame, states: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """Follow each observation to the customer's next default, or to the day up to which states are known.

    Parameters
    ----------
    observations : DataFrame
        `cutoff`, `customer_id`, `pd` and, if there are grades, `grade`. Customers in default at the end of
        the cutoff should not be in it: they cannot fall into it.
    states : DataFrame
        From `default_states` of a snapshot of `date`.
    date : Timestamp

    Returns
    -------
    DataFrame
        `customer_id`, `start` (the cutoff), `end` (day of default or `date`), `event` (default), `pd` and
        `grade`; what `fit_term_structure` takes. Observations on the last day are left out: nothing follows.

    Raises
    ------
    ModelError
        If a cutoff lies after `date`.

    Examples
    --------
    >>> seen = pd.DataFrame({"cutoff": pd.to_datetime(["2025-01-31", "2025-03-31"]),
    ...     "customer_id": ["a", "a"], "pd": [0.1, 0.2]})
    >>> states = pd.DataFrame({"customer_id": ["a", "a"], "in_default": [True, False],
    ...     "date": pd.to_datetime(["2025-02-28", "2025-03-15"]), "cause": ["overdue", ""]})
    >>> found = follow_observations(seen, states, pd.Timestamp("2025-12-31"))
    >>> found["event"].tolist(), [f"{day:%m-%d}" for day in found["end"]]
    ([True, False], ['02-28', '12-31'])
    """
    last = day_number(date)
    start = days_of(observations["cutoff"])
    if (start > last).any():
        raise ModelError(f"observations after {date:%Y-%m-%d} cannot be followed")
    first = _next_entry(observations["customer_id"], start, states)
    event = first <= last
    columns = ["pd", "grade"] if "grade" in observations else ["pd"]
    out = observations[["customer_id", "cutoff", *columns]].rename(columns={"cutoff": "start"})
    ended = np.where(event, first, last).astype("datetime64[D]").astype("datetime64[s]")
    out.insert(2, "end", pd.to_datetime(ended))
    out.insert(3, "event", event)
    followed: pd.DataFrame = out[start < last].reset_index(drop=True)
    return followed


def _next_entry(customers: pd.Series, start: NDArray[np.int64], states: pd.DataFrame) -> NDArray[np.int64]:
    """Day of the first entry into default strictly after each day of observation."""
    inside = states["in_default"].astype(bool)
    before = inside.groupby(states["customer_id"]).shift(fill_value=False).astype(bool)
    entries = states[inside & ~before]
    code = pd.factorize(pd.concat([customers, entries["customer_id"]], ignore_index=True))[0]
    mine, theirs = code[: len(start)], code[len(start) :]
    day = days_of(entries["date"])
    order = np.lexsort((day, theirs))
    theirs, day = theirs[order], day[order]
    # One number a customer and day, so that one search finds the next entry of the same customer.
    span = 1 + max(int(day.max(initial=0)), int(start.max(initial=0)))
    place = np.searchsorted(theirs * span + day, mine * span + start, side="right")
    found = np.append(theirs, -1)[place] == mine
    return np.where(found, np.append(day, NEVER)[place], NEVER)
