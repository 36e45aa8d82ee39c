"""What each customer owes and buys: the amounts that a year of defaults puts at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number
from arrisk.models.losses.exposure_at_default import month_end_balances
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.utilisation import last_month_ends

if TYPE_CHECKING:
    from collections.abc import Collection

    from arrisk.ledger.book import Snapshot

__all__ = ["EXPOSURES", "ExposureBasis", "OpenBook", "read_open_book"]

ExposureBasis = Literal["today", "usual", "peak", "grown"]
EXPOSURES: dict[str, str] = {
    "today": "open balance on the day, net of credits and unapplied cash",
    "usual": "mean of the last 12 month-end balances, net of credits and unapplied cash",
    "peak": "highest of the last 12 month-end balances, net of credits and unapplied cash",
    "grown": "open balance on the day, times what lost customers owed in the end over what they owed before",
}
YEAR = 365
MONTHS = 12
NO_INDUSTRY = "not given"
ONE_INDUSTRY = "all"


@dataclass(frozen=True, slots=True, eq=False)
class OpenBook:
    """The book by customer.

    Parameters
    ----------
    customers : DataFrame
        customer_id, balance (open today, net), exposure (on the basis asked for), sales (invoiced in the last
        year less credit items, not below 0), industry, in_default, included; currency units, sorted by
        customer. Included is who is not in default and has an exposure above 0.
    basis : {"today", "usual", "peak", "grown"}
    parts : DataFrame
        part, customers, balance: those included, in default, with nothing at risk (net credits among them),
        and all; the balances add up to the open balance of the ledger exactly.
    """

    customers: pd.DataFrame
    basis: ExposureBasis
    parts: pd.DataFrame

    @property
    def included(self) -> pd.DataFrame:
        """The customers at risk."""
        return self.customers[self.customers["included"]].reset_index(drop=True)

    @property
    def in_default(self) -> float:
        """Owed by customers in default, currency units."""
        return float(self.parts["balance"].iloc[1])


def read_open_book(
    snapshot: Snapshot,
    in_default: Collection[str] = (),
    basis: ExposureBasis = "today",
    growth: float = 1.0,
) -> OpenBook:
    """Read what each customer owes and buys.

    Parameters
    ----------
    snapshot : Snapshot
    in_default : collection of str
        Customers left out.
    basis : {"today", "usual", "peak", "grown"}
        The balance that a default within the year is taken to meet: that of the day, the mean or the highest
        of the last 12 month ends, or that of the day times `growth`.
    growth : float
        Used with "grown" alone, such as `read_exposure_growth` gives.

    Returns
    -------
    OpenBook

    Raises
    ------
    ModelError
        If the basis is unknown.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1", "2"], "customer_id": ["a", "b"], "issue_date": "2025-01-02",
    ...     "amount": [70.0, 30.0]})}, currency="EUR")
    >>> book = read_open_book(ledger.as_of("2025-01-31"), in_default=["b"])
    >>> book.parts["balance"].tolist(), book.included["customer_id"].tolist()
    ([70.0, 30.0, 0.0, 100.0], ['a'])
    """
    if basis not in get_args(ExposureBasis):
        raise ModelError(f"exposure {basis!r}: allowed are {', '.join(map(repr, EXPOSURES))}")
    owed = make_exposure(snapshot).table.set_index("customer_id")["open_amount"]
    names = pd.Index(sorted(map(str, owed.index)), name="customer_id")
    balance = owed.reindex(names).to_numpy(dtype=float)
    exposure = _month_ends(snapshot, names, basis) if basis in ("usual", "peak") else balance
    exposure = exposure * growth if basis == "grown" else exposure
    table = pd.DataFrame(
        {
            "customer_id": names.to_numpy(dtype=str),
            "balance": balance,
            "exposure": np.maximum(exposure, 0.0),
            "sales": _sales(snapshot, names),
            "industry": _industries(snapshot, names),
            "in_default": names.isin(list(in_default)),
        }
    )
    table["included"] = ~table["in_default"] & (table["exposure"] > 0)
    return OpenBook(table, basis, _parts(table, snapshot.scale))


def _month_ends(snapshot: Snapshot, names: pd.Index, basis: ExposureBasis) -> np.ndarray:
    """Mean or highest balance at the month ends since a customer's first movement, at most the last 12."""
    first = day_number(snapshot.first_date)
    balance, known = month_end_balances(snapshot, names, last_month_ends(snapshot.date, MONTHS, first))
    if basis == "peak":
        return np.asarray(balance.max(axis=1))
    return np.asarray((balance * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _sales(snapshot: Snapshot, names: pd.Index) -> np.ndarray:
    items = snapshot.items
    recent = items[items["issue_date"] > snapshot.date - pd.Timedelta(days=YEAR)]
    sold = recent.groupby("customer_id")["amount"].sum().clip(lower=0.0)
    return sold.reindex(names).fillna(0.0).to_numpy(dtype=float)


def _industries(snapshot: Snapshot, names: pd.Index) -> np.ndarray:
    table = snapshot.customers
    if "industry" not in table or table["industry"].isna().all():
        return np.full(len(names), ONE_INDUSTRY)
    given = table.drop_duplicates("customer_id").set_index("customer_id")["industry"].reindex(names)
    return np.where(given.isna(), NO_INDUSTRY, given.astype(str)).astype(str)


def _parts(table: pd.DataFrame, scale: int) -> pd.DataFrame:
    """Balances of those included, in default and without anything at risk: summed in minor units."""
    minor = (table["balance"] * scale).round().astype("int64")
    inside, ill = table["included"], table["in_default"]
    masks = {"included": inside, "in default": ill, "nothing at risk": ~(inside | ill), "all": inside | True}
    rows = [(part, int(mask.sum()), int(minor[mask].sum()) / scale) for part, mask in masks.items()]
    return pd.DataFrame(rows, columns=["part", "customers", "balance"])
