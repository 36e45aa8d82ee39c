"""What followed alerts and ordinary days: default strictly after the day, within a horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition
    from arrisk.portfolio.signals.alerts import Alerts

__all__ = ["Outcomes", "default_entries", "follow_days", "read_outcomes"]

MIN_HISTORY_DAYS = 180


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Alerts and ordinary days of customers at risk, with what followed; made by `read_outcomes`.

    Attributes
    ----------
    start, last, as_of : Timestamp
        First day counted, last day whose horizon is over, and the day on which all is looked back from.
    horizon_days : int
    definition : DefaultDefinition
    days : DataFrame
        Every row of `Alerts.states` of a customer at risk (active and not in default at the end of the day)
        from `start` on, with `default_date` (missing when none within the horizon), `defaulted`, `lost` (of
        those, written off by the as-of date) and `judged` (the horizon is over).
    alerts : DataFrame
        The alerts among them: `date`, `customer_id`, `rule`, `exposure`, and the same outcomes.
    defaults : DataFrame
        `customer_id`, `date`, `lost`: entries into default with a full horizon of alerts before them.
    """

    start: pd.Timestamp
    last: pd.Timestamp
    as_of: pd.Timestamp
    horizon_days: int
    definition: DefaultDefinition
    days: pd.DataFrame
    alerts: pd.DataFrame
    defaults: pd.DataFrame

    @property
    def weeks(self) -> float:
        """Length of the time in which alerts are judged, in weeks."""
        return max((self.last - self.start).days, 0) / 7

    @property
    def defaulters(self) -> int:
        """Different customers that defaulted after some judged day."""
        return int(self.days.loc[self.days["judged"] & self.days["defaulted"], "customer_id"].nunique())


def read_outcomes(alerts: Alerts, snapshot: Snapshot, definition: DefaultDefinition) -> Outcomes:
    """Look up what followed each alert and each ordinary day.

    Parameters
    ----------
    alerts : Alerts
        Of the same snapshot.
    snapshot : Snapshot
    definition : DefaultDefinition

    Notes
    -----
    The window is (day, day + horizon] with the horizon of the rules. Days in the first 180 are left out, as
    a customer has no past to be compared with then; the last horizon cannot be judged yet. Defaults are
    looked for in the snapshot: a payment booked late is counted when it was made.
    """
    horizon_days = alerts.rules.horizon_days
    entries, spells = default_entries(snapshot, definition)
    start = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    last = snapshot.date - pd.Timedelta(days=horizon_days)
    states = alerts.states
    rows = states[(states["date"] >= start) & states["active"]]
    rows = rows[~_inside(rows, spells)].reset_index(drop=True)
    followed = rows.assign(**follow_days(rows, entries, horizon_days), judged=rows["date"] <= last)
    keys = ["date", "customer_id"]
    outcome = followed[[*keys, "default_date", "defaulted", "lost", "judged"]]
    dated = alerts.table.astype({"date": outcome["date"].dtype})
    full = entries["date"] >= start + pd.Timedelta(days=horizon_days)
    return Outcomes(
        start,
        last,
        snapshot.date,
        horizon_days,
        definition,
        followed,
        dated.merge(outcome, on=keys, how="inner"),
        entries[full].reset_index(drop=True),
    )


def default_entries(snapshot: Snapshot, definition: DefaultDefinition) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entries into default, and the spells in it.

    Returns
    -------
    (DataFrame, DataFrame)
        `customer_id`, `date`, `lost` (written off, as far as known, before leaving default); and
        `customer_id`, `begin`, `end` (day of leaving, missing when still in default).
    """
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    if states.empty:
        none = pd.Series([], dtype="datetime64[s]")
        entries = pd.DataFrame(
            {"customer_id": pd.Series([], dtype=object), "date": none, "lost": pd.Series([], dtype=bool)}
        )
        return entries, pd.DataFrame({"customer_id": entries["customer_id"], "begin": none, "end": none})
    inside = states["in_default"].astype(bool)
    before = inside.groupby(states["customer_id"]).shift(fill_value=False)
    spell = (inside & ~before).cumsum()
    held = states[inside].groupby(spell[inside])
    entries = pd.DataFrame(
        {
            "customer_id": held["customer_id"].first(),
            "date": held["date"].first(),
            "lost": held["cause"].agg(lambda causes: bool((causes == "written off").any())),
        }
    ).reset_index(drop=True)
    left = states[~inside & before].groupby(spell[~inside & before])["date"].first()
    end = left.reindex(held["date"].first().index).to_numpy()
    return entries, entries[["customer_id"]].assign(begin=entries["date"], end=end)


def follow_days(
    rows: pd.DataFrame, entries: pd.DataFrame, horizon_days: int
) -> dict[str, NDArray[np.generic] | pd.Series]:
    """The first entry into default strictly after each row's day, if within the horizon.

    Parameters
    ----------
    rows : DataFrame
        `date`, `customer_id`.
    entries : DataFrame
        From `default_entries`.
    horizon_days : int

    Returns
    -------
    dict
        `default_date`, `defaulted`, `lost`, each with one value a row.
    """
    order = np.argsort(rows["date"].to_numpy(), kind="stable")
    left = rows[["date", "customer_id"]].iloc[order].reset_index(drop=True)
    right = entries.rename(columns={"date": "default_date"}).sort_values("default_date", kind="stable")
    right = right.astype({"default_date": left["date"].dtype, "customer_id": left["customer_id"].dtype})
    found = pd.merge_asof(
        left,
        right,
        left_on="date",
        right_on="default_date",
        by="customer_id",
        direction="forward",
        allow_exact_matches=False,
        tolerance=pd.Timedelta(days=horizon_days),
    )
    back = np.argsort(order, kind="stable")
    date = found["default_date"].to_numpy()[back]
    lost = found["lost"].astype("boolean").fillna(False).to_numpy(dtype=bool)[back]
    return {"default_date": date, "defaulted": ~np.isnat(date), "lost": lost}


def _inside(rows: pd.DataFrame, spells: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a row's customer is in default at the end of its day."""
    order = np.argsort(rows["date"].to_numpy(), kind="stable")
    left = rows[["date", "customer_id"]].iloc[order].reset_index(drop=True)
    types = {"begin": left["date"].dtype, "end": left["date"].dtype, "customer_id": left["customer_id"].dtype}
    right = spells.astype(types).sort_values("begin", kind="stable")
    last = pd.merge_asof(left, right, left_on="date", right_on="begin", by="customer_id")
    inside = last["begin"].notna() & ~(last["end"] <= last["date"])
    return np.asarray(inside.to_numpy(dtype=bool)[np.argsort(order, kind="stable")])
