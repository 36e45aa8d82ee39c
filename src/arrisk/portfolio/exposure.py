"""What each customer could cost: open items and unbilled orders, less deposits, against its credit limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.balance_statements import customer_balances, customer_groups
from arrisk.ledger.book import Snapshot
from arrisk.portfolio.unbilled import DEPOSITS, Deposits, order_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CREDITS", "Credits", "Exposure", "group_names", "make_exposure", "money_unit", "utilisation"]

Credits = Literal["netted", "apart"]
CREDITS = {
    "netted": "credits and unapplied cash deducted",
    "apart": "credits and unapplied cash shown but not deducted",
}
PARTS = ["owed", "credits", "unapplied_cash", "open_amount", "unbilled_orders", "deposits", "exposure"]
SHOWN = 15
LARGE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Exposure of every customer and group on one date.

    Attributes
    ----------
    table : DataFrame
        customer_id, group_id (missing: none), owed, credits, unapplied_cash (both as deductions, zero or
        less), open_amount (their sum), unbilled_orders, deposits (a deduction, zero or less), exposure,
        credit_limit (NaN: none set; zero is a limit of zero), headroom (limit less exposure), utilisation (a
        fraction; infinite above a limit of zero). One row a customer, by customer_id; amounts in currency
        units, exact to the minor unit.
    groups : DataFrame
        group (its id, or the customer's where it has none), members, members_without_limit, and the columns
        of `table` from owed on. A group's limit is the sum of its members' limits.
    as_of : Timestamp
    currency : str
    credits, deposits : str
        The conventions used.
    open_balance : float
        Of the ledger; the open amounts sum to it exactly.
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    credits: Credits
    deposits: Deposits
    open_balance: float

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        return (
            f"Amounts in {self.currency}. Exposure: items owed and orders neither billed nor cancelled, less "
            f"deposits; {CREDITS[self.credits]}; {DEPOSITS[self.deposits]}. The limit is the last one valid "
            "from the date or before; zero is a limit, an empty cell means that none was set."
        )

    @property
    def above(self) -> pd.DataFrame:
        """Customers above their limit, the largest excess first, with `excess`."""
        over = self.table[self.table["exposure"] > self.table["credit_limit"]]
        over = over.assign(excess=-over["headroom"])
        return over.sort_values(["excess", "customer_id"], ascending=[False, True], ignore_index=True)

    @property
    def without_limit(self) -> pd.DataFrame:
        """Customers with exposure for whom no limit was set."""
        return self.table[self.table["credit_limit"].isna() & (self.table["exposure"] > 0)]

    def finding(self) -> str:
        """How many are above their limits, and by how much, in one sentence."""
        limited = int(self.table["credit_limit"].notna().sum())
        if not limited:
            return "No credit limit is set for any customer: nobody can be above it"
        excess = money(self.above["excess"].sum(), self.currency)
        names = f"{len(self.above)} of {limited} customers with a limit"
        return f"{names} are above it, by {excess} together"

    def to_table(self, name: str = "exposure", rows: int = SHOWN) -> Table:
        """The customers with the largest excess, then those with the largest exposure, ready to be shown."""
        order = np.lexsort((self.table["customer_id"], -self.table["exposure"], _rank(self.table)))
        frame = self.table.iloc[order].head(rows).drop(columns=["owed", "credits", "unapplied_cash"])
        note = f"{self.conventions} {len(self.without_limit)} customers with exposure have no limit."
        return Table(name, self.finding(), _shown(frame), note, FORMATS)

    def group_table(self, name: str = "exposure_groups", rows: int = 10) -> Table:
        """Groups of several customers, the largest exposure first."""
        frame = self.groups[self.groups["members"] > 1]
        frame = frame.sort_values(["exposure", "group"], ascending=[False, True]).head(rows)
        over = self.groups[(self.groups["members"] > 1) & (self.groups["headroom"] < 0)]
        title = f"{len(over)} of {int((self.groups['members'] > 1).sum())} groups are above their limits"
        if not (self.groups["members"] > 1).any():
            title = "No two customers belong to one group"
        note = (
            "A group's limit is the sum of its members' limits: room that one leaves another may use. A "
            "member without a limit adds its exposure and no limit."
        )
        return Table(name, title, _shown(frame.drop(columns=PARTS[:3])), note, FORMATS)

    def totals(self, name: str = "exposure_totals") -> Table:
        """From items owed to exposure, all customers together."""
        signs = ["items owed", "credits", "unapplied cash", "open balance", "unbilled orders", "deposits"]
        frame = pd.DataFrame({"part": [*signs, "exposure"], "amount": self.table[PARTS].sum().to_numpy()})
        return Table(name, "From items owed to exposure", frame, self.conventions, {"amount": "money"})

    def plot(self, ax: Axes | None = None, rows: int = SHOWN) -> Axes:
        """Exposure within and above the limit of the customers that stand out, in thousands."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        order = np.lexsort((self.table["customer_id"], -self.table["exposure"], _rank(self.table)))
        shown = self.table.iloc[order].head(rows).iloc[::-1]
        unit, word = money_unit(shown["exposure"].max())
        amount = shown["exposure"].clip(lower=0) / unit
        limit, unset = shown["credit_limit"] / unit, shown["credit_limit"].isna()
        place = np.arange(len(shown))
        inside = np.minimum(amount, limit.fillna(np.inf))
        ax.barh(place, inside, color=np.where(unset, "#999999", "#0072B2"))
        ax.barh(place, amount - inside, left=inside, color="#D55E00")
        ax.plot(limit, place, "|", color="black", markersize=11, markeredgewidth=2)
        names = [f"{c} (no limit)" if u else c for c, u in zip(shown["customer_id"], unset, strict=True)]
        ax.set_yticks(place, [name.replace("$", r"\$") for name in names])
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_title(self.finding())
        mark = "" if unset.all() else "; black mark: limit"
        ax.set_xlabel(f"exposure, {word}{self.currency}{mark}")
        ax.xaxis.set_major_formatter("{x:,.0f}")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


FORMATS: dict[str, Format] = {
    **dict.fromkeys((*PARTS, "credit_limit", "headroom"), "money"),  # type: ignore[arg-type]
    "utilisation": "percent",
}


def _rank(table: pd.DataFrame) -> np.ndarray:
    """Smallest headroom first among those above their limits; all others after them, alike."""
    return np.asarray(np.minimum(table["headroom"].fillna(0.0), 0.0), dtype=float)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.dropna(axis=1, how="all").reset_index(drop=True)


def make_exposure(
    snapshot: Snapshot, credits: Credits = "netted", deposits: Deposits = "on_orders"
) -> Exposure:
    """Exposure of every customer and group against its credit limit.

    Parameters
    ----------
    snapshot : Snapshot
    credits : {"netted", "apart"}
        Deduct credit items and unapplied cash from what is owed, or only show them.
    deposits : {"on_orders", "in_cash"}
        See `arrisk.portfolio.unbilled.order_steps`, which also says when an order counts as billed.

    Returns
    -------
    Exposure

    Raises
    ------
    LedgerError
        If a convention is unknown.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({
    ...     "invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...         "issue_date": ["2025-01-01"], "amount": [70.0]}),
    ...     "orders": pd.DataFrame({"order_id": ["o"], "customer_id": ["c"], "order_date": ["2025-01-05"],
    ...         "amount": [50.0], "deposit": [10.0]}),
    ...     "limits": pd.DataFrame({"customer_id": ["c"], "valid_from": ["2024-01-01"],
    ...         "credit_limit": [100.0]})}, currency="EUR")
    >>> row = make_exposure(ledger.as_of("2025-01-31")).table.iloc[0]
    >>> [float(row[c]) for c in ("open_amount", "unbilled_orders", "deposits", "exposure", "headroom")]
    [70.0, 50.0, -10.0, 110.0, -10.0]
    """
    if credits not in CREDITS:
        raise LedgerError(f"credits {credits!r}: allowed are {', '.join(map(repr, CREDITS))}")
    minor = _customer_parts(snapshot, deposits)
    deducted = minor["credits"] + minor["unapplied_cash"]
    minor["open_amount"] = minor["owed"] + deducted
    minor["exposure"] = minor["owed"] + minor["unbilled_orders"] + minor["deposits"]
    if credits == "netted":
        minor["exposure"] += deducted
    minor = minor[["group", "group_id", *PARTS]].join(_limits(snapshot)).sort_index().reset_index()
    return Exposure(
        _in_units(minor, snapshot.scale),
        _in_units(_by_group(minor), snapshot.scale),
        snapshot.date,
        snapshot.currency,
        credits,
        deposits,
        snapshot.open_balance,
    )


def utilisation(exposure: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Exposure over limit: a fraction, zero when nothing is owed, infinite above a limit of zero.

    Parameters
    ----------
    exposure, limit : arrays of one shape
        A missing limit gives a missing utilisation.

    Examples
    --------
    >>> utilisation(np.array([50.0, 50.0, -5.0, 50.0]), np.array([100.0, 0.0, 0.0, np.nan]))
    array([0.5, inf, 0. , nan])
    """
    owed = np.maximum(np.asarray(exposure, dtype=float), 0.0)
    limits = np.asarray(limit, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(owed > 0, owed / limits, 0.0)
    return np.where(np.isnan(limits), np.nan, shares)


def money_unit(largest: float) -> tuple[int, str]:
    """What a figure counts money in, and the word for it: thousands from ten thousand on.

    Examples
    --------
    >>> money_unit(250_000.0), money_unit(300.0)
    ((1000, 'thousand '), (1, ''))
    """
    return (1000, "thousand ") if largest >= LARGE else (1, "")


def group_names(snapshot: Snapshot, customer_ids: pd.Index) -> pd.Series:
    """The group of each customer: its group's id, or its own where it has none (index: customer_id).

    A group that is named as some customer outside it is told apart by " (group)".
    """
    given = snapshot.query(customer_groups()).set_index("customer_id")["group_id"].reindex(customer_ids)
    alone = customer_ids[given.isna().to_numpy()]
    groups = given.where(~given.isin(alone), given.astype(str) + " (group)")
    return groups.where(given.notna(), customer_ids.to_series())


def _customer_parts(snapshot: Snapshot, deposits: Deposits) -> pd.DataFrame:
    """Parts of the exposure in minor units, one row a customer known, ordered from or given a limit."""
    names = snapshot.query(customer_groups()).set_index("customer")
    found = snapshot.query(customer_balances()).set_index("customer").astype("int64")
    found.index = pd.Index(names["customer_id"].reindex(found.index), name="customer_id")
    orders = order_steps(snapshot, deposits).groupby("customer_id")[["unbilled", "deposits"]].sum()
    every = [snapshot.customers["customer_id"], snapshot.limits["customer_id"], orders.index.to_series()]
    index = pd.Index(pd.concat([found.index.to_series(), *every]).unique(), name="customer_id", dtype=object)
    parts = found.join(orders, how="outer").reindex(index).fillna(0).astype("int64")
    parts["deposits"] = -parts["deposits"]
    parts = parts.rename(columns={"unapplied": "unapplied_cash", "unbilled": "unbilled_orders"})
    groups = names.set_index("customer_id")["group_id"].reindex(index).astype(object)
    return parts.assign(group_id=groups.where(groups.notna(), None), group=group_names(snapshot, index))


def _limits(snapshot: Snapshot) -> pd.Series:
    """The limit in force by customer, in minor units; of two rows of one day the later row holds."""
    last = snapshot.limits.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    return (last["credit_limit"] * snapshot.scale).round()


def _by_group(minor: pd.DataFrame) -> pd.DataFrame:
    sums = minor.groupby("group")
    out = sums[PARTS].sum()
    out.insert(0, "members", sums.size())
    out.insert(1, "members_without_limit", minor["credit_limit"].isna().groupby(minor["group"]).sum())
    out["credit_limit"] = sums["credit_limit"].sum(min_count=1)
    return out.reset_index()


def _in_units(minor: pd.DataFrame, scale: int) -> pd.DataFrame:
    """Amounts in currency units with headroom and utilisation."""
    out = minor.drop(columns="group") if "group_id" in minor else minor.copy()
    headroom = out["credit_limit"] - out["exposure"]
    for column, values in [*((c, out[c]) for c in (*PARTS, "credit_limit")), ("headroom", headroom)]:
        out[column] = values.astype(float) / scale
    out["utilisation"] = utilisation(out["exposure"].to_numpy(), out["credit_limit"].to_numpy())
    return out
