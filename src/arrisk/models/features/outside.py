"""What is known of a customer besides its own ledger rows: attributes, ratios and dated outside signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.features.catalogue import ATTRIBUTES
from arrisk.models.features.known_items import float_days

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["attributes", "outside_signals"]

Floats = NDArray[np.float64]
YEAR_DAYS = 365
# Whom a row may concern, the most specific first; a row about nobody in particular concerns all.
SCOPES = (("customer_id",), ("industry", "region"), ("industry",), ("region",), ())


def attributes(snapshot: Snapshot, names: NDArray[Any]) -> pd.DataFrame:
    """Texts of `ATTRIBUTES` for each customer, missing where not given."""
    table = snapshot.customers.set_index("customer_id").reindex(names)
    texts = {name: _texts(table, name) for name in ATTRIBUTES}
    return pd.DataFrame(texts, index=pd.RangeIndex(len(names)), dtype=object)


def outside_signals(snapshot: Snapshot, names: NDArray[Any]) -> dict[str, Floats]:
    """Last known value of each signal, its age, and its change against a year before.

    A row concerns a customer by its number, by its industry and region, by one of them, or, when it names
    nobody, always; the most specific rows that concern the customer count, the others do not.

    Returns
    -------
    dict of name to array, shape (customers,)
        ``signal_<name>``, ``signal_<name>_age_days`` (since the date of the value), ``signal_<name>_change``;
        missing without a value, or without one a year before. A ratio of a customer is such a signal too.
    """
    signals = snapshot.signals
    signals = signals[signals["value"].notna()]
    whose = attributes(snapshot, names)[["industry", "region"]].assign(customer_id=names)
    out: dict[str, Floats] = {}
    for name in sorted(signals["signal"].unique()):
        mine = signals[(signals["signal"] == name).to_numpy(dtype=bool)]
        value, day = _concerning(mine, whose, np.inf)
        past, _ = _concerning(mine, whose, snapshot.day - YEAR_DAYS)
        out[f"signal_{name}"] = value
        out[f"signal_{name}_age_days"] = snapshot.day - day
        out[f"signal_{name}_change"] = value - past
    return out


def _concerning(signals: pd.DataFrame, whose: pd.DataFrame, last_day: float) -> tuple[Floats, Floats]:
    """Value and day of the latest row that concerns each customer, among those dated by `last_day`."""
    value, day = np.full(len(whose), np.nan), np.full(len(whose), np.nan)
    dates = float_days(signals["date"])
    level = _scope(signals)
    for number, scope in enumerate(SCOPES):
        seen = (level == number) & (dates <= last_day)
        rows = signals[seen].assign(day=dates[seen])
        if rows.empty:
            continue
        # The value decides between rows of one day, so that the order of rows does not.
        last = rows.sort_values(["day", "value"]).drop_duplicates([*scope] or ["signal"], keep="last")
        found = _joined(last, whose, list(scope))
        fill = np.isnan(day) & np.isfinite(found[1])
        value[fill], day[fill] = found[0][fill], found[1][fill]
    return value, day


def _scope(signals: pd.DataFrame) -> NDArray[np.int64]:
    """Place in `SCOPES` of each row."""
    one, industry, region = (
        signals[c].notna().to_numpy(dtype=bool) for c in ("customer_id", "industry", "region")
    )
    return np.select([one, industry & region, industry, region], [0, 1, 2, 3], default=4)


def _joined(last: pd.DataFrame, whose: pd.DataFrame, keys: list[str]) -> tuple[Floats, Floats]:
    if not keys:
        only = last.iloc[-1]
        return np.full(len(whose), float(only["value"])), np.full(len(whose), float(only["day"]))
    found = whose[keys].merge(last[[*keys, "value", "day"]], on=keys, how="left")
    return found["value"].to_numpy(dtype=float), found["day"].to_numpy(dtype=float)


def _texts(table: pd.DataFrame, name: str) -> NDArray[Any]:
    if name not in table.columns:
        return np.full(len(table), None, dtype=object)
    values = table[name].to_numpy(dtype=object)
    values = values.copy()
    values[pd.isna(values)] = None
    return values
