"""How a provision is shown: the finding, its tables and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.models.loss_rates.replicates import too_young
from arrisk.models.provision.basis import Basis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.loss_rates import Amount
    from arrisk.models.provision.provision import Provision

__all__ = [
    "describe_basis",
    "describe_provision",
    "plot_provision",
    "show_conventions",
    "show_customers",
    "show_enhancements",
    "show_matrix",
    "show_provision",
    "show_tie",
]

BALANCES = ("gross", "assessed", "collected", "pooled", "secured")
LOSSES = ("provision_before", "relief", "assessed_loss", "provision", "reimbursement")
RATES = ("historical_rate", "rate", "ci_low", "ci_high")
STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "pool": ("pool", {"color": "#0072B2"}),
    "judged": ("judged by themselves", {"color": "#D55E00"}),
    "relief": ("borne by enhancements", {"color": "none", "edgecolor": "#666666", "hatch": "//"}),
    "bound": ("no rate: at most", {"color": "none", "edgecolor": "#CC79A7", "hatch": ".."}),
}


def describe_basis(basis: Basis) -> dict[str, str]:
    """Every choice of a basis in words, by its name."""
    frame = basis.describe().frame
    return dict(zip(frame["choice"], frame["as chosen"], strict=True))


def describe_provision(provision: Provision) -> str:
    """The finding in one sentence: an amount with its range, or the known part and the bound."""
    owed = money(float(provision.table["gross"].sum()), provision.currency)
    total = provision.total
    known = float(provision.table["assessed_loss"].sum())
    judged = f", {money(known)} of it judged customer by customer" if known else ""
    if total.value is None:
        sure = f"at least {money(total.low)}{judged}, " if total.low > 0 else ""
        young = too_young(provision.rates.counts.horizon)
        why = "Too few losses for a rate"
        why = f"No rate, {young}" if total.method.startswith(young) else why
        return f"{why}: {sure}at most {money(total.high, provision.currency)} of {owed} owed"
    saved = float(provision.table["relief"].sum())
    before = f" ({money(total.value + saved)} before enhancements)" if saved else ""
    spread = f"range {money(total.low)} to {money(total.high)}"
    return f"Provide {money(total.value, provision.currency)}{before} of {owed} owed ({spread}){judged}"


def show_provision(provision: Provision, name: str) -> Table:
    """From gross to net by segment and bucket, and the total; columns of nothing but zeros are left out."""
    frame = provision.table
    last = {c: round(float(frame[c].sum(skipna=False)), 2) for c in (*BALANCES, *LOSSES)}
    total = pd.DataFrame([{"segment": "total", "bucket": "", **dict.fromkeys(RATES, np.nan), **last}])
    shown = pd.concat([frame, total[list(frame.columns)]], ignore_index=True)
    if provision.basis.by is None:
        shown = shown.drop(columns="segment")
        shown.loc[len(shown) - 1, "bucket"] = "total"
    idle = [c for c in ("assessed", "collected", "secured", "assessed_loss", "reimbursement") if not last[c]]
    shown = shown.drop(columns=[*idle, *(["relief"] if "secured" in idle else [])])
    return Table(name, provision.finding(), shown, _note(provision), _formats(shown))


def show_matrix(provision: Provision, name: str) -> Table:
    """The matrix of IFRS 7 35N: gross carrying amount, loss rate, lifetime expected loss by bucket."""
    sums = provision.table.groupby("bucket", sort=False)[["gross", "provision"]].sum(min_count=1)
    missing = provision.table["provision"].isna().groupby(provision.table["bucket"], sort=False).any()
    sums.loc[missing, "provision"] = np.nan
    sums.loc["total"] = sums.sum(skipna=False).round(2)
    rate = (sums["provision"] / sums["gross"]).where(sums["gross"] > 0)
    frame = pd.DataFrame(
        {
            "bucket": sums.index,
            "gross_carrying_amount": sums["gross"].to_numpy(),
            "expected_loss_rate": rate.to_numpy(),
            "lifetime_expected_loss": sums["provision"].to_numpy(),
        }
    )
    note = (
        f"Amounts in {provision.currency}; days overdue. The rate is the expected loss over the gross amount "
        "after integral enhancements and with customers judged by themselves."
    )
    formats: dict[str, Format] = {
        "gross_carrying_amount": "money",
        "expected_loss_rate": "percent",
        "lifetime_expected_loss": "money",
    }
    return Table(name, provision.finding(), frame, note, formats)


def show_customers(provision: Provision, name: str) -> Table:
    """What each customer is provided for, largest first."""
    frame = provision.by_customer.sort_values(["provision", "exposure"], ascending=False, ignore_index=True)
    frame = frame.assign(assessed=np.where(frame["assessed"], "yes", "no"))
    title = f"{len(frame)} customers owe {money(float(frame['exposure'].sum()), provision.currency)}"
    note = "Pool rates are not opinions of a customer: the amounts are its share of what its bucket loses."
    formats: dict[str, Format] = dict.fromkeys(
        ("exposure", "secured", "provision_before", "relief", "provision", "reimbursement"), "money"
    )
    return Table(name, title, frame, note, formats)


def show_enhancements(provision: Provision, name: str) -> Table:
    """Every enhancement, what it covers and how it is treated for what reason; gross and net stand below."""
    frame = provision.secured.table
    before, after = provision.before, provision.total
    title = f"Expected loss {_amount(before)} before enhancements, {_amount(after)} after"
    apart = provision.reimbursement
    note = f"Amounts in {provision.currency}, in the order of application; each takes what those above leave."
    if (provision.secured.separate > 0).any():
        note += f" Not integral, and so not taken off: {_amount(apart)} of the loss would be paid, "
        note += f"{_amount(provision.recognised)} of it virtually certain and an asset in the books."
    formats: dict[str, Format] = {
        "customers": "integer",
        **dict.fromkeys(("exposure", "covered", "worth"), "money"),
    }
    return Table(name, title, frame, note, formats)


def show_tie(provision: Provision, name: str) -> Table:
    """From what is provided for to the open balance, to the cent."""
    frame = provision.tie.assign(amount=[f"{amount:,.2f}" for amount in provision.tie["amount"]])
    return Table(name, "Every cent of the open balance has its place", frame, f"In {provision.currency}.")


def show_conventions(provision: Provision, name: str) -> Table:
    """Every choice behind the figures, one a row."""
    frame = pd.DataFrame(list(provision.conventions.items()), columns=["choice", "as done here"])
    return Table(name, "Conventions: with the same choices another hand gets the same figures", frame)


def plot_provision(provision: Provision, ax: Axes | None = None) -> Axes:
    """Bars by bucket: the pool, customers judged by themselves, and what enhancements take off."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    sums = _stacks(provision)
    at, floor = np.arange(len(sums)), np.zeros(len(sums))
    for name, (label, style) in STACKS.items():
        if sums[name].any():
            there = sums[name].to_numpy(dtype=float) > 0
            ax.bar(at[there], sums.loc[there, name], bottom=floor[there], label=label, **style)
            floor = floor + sums[name].to_numpy(dtype=float)
    ax.set_xticks(at, list(sums.index))
    ax.set_ylim(0, 1.35 * max(float(floor.max()), 1e-9))
    ax.set(xlabel="days overdue", ylabel=f"expected loss, {provision.currency} thousand")
    ax.set_title(fill(provision.finding(), 70), fontsize=10)
    if floor.any():
        ax.legend(loc="upper center", ncols=2, fontsize=8)
    return stamp(ax, provision.as_of, provision.basis.framework or "no framework claimed")


def _stacks(provision: Provision) -> pd.DataFrame:
    """By bucket, thousands: what the picture stacks; where there is no rate, what is owed at the bound."""
    table = provision.table
    unknown = table["provision"].isna()
    parts = pd.DataFrame(
        {
            "bucket": table["bucket"],
            "pool": (table["provision_before"] - table["relief"]).fillna(0.0),
            "judged": table["assessed_loss"],
            "relief": table["relief"].fillna(0.0),
            "bound": ((table["pooled"] - table["secured"]) * table["ci_high"]).where(unknown, 0.0),
        }
    )
    sums: pd.DataFrame = parts.groupby("bucket", sort=False).sum() / 1e3
    return sums


def _note(provision: Provision) -> str:
    claimed = provision.basis.framework or "no accounting framework claimed: a management figure"
    return (
        f"Amounts in {provision.currency}; days overdue, day 0 is not due. {claimed}. Intervals of "
        f"{provision.total.level:.0%} are those of the rates, by customer; balances, individual assessments "
        "and enhancements are taken as given. Credits and unapplied cash are not netted."
    )


def _amount(amount: Amount) -> str:
    return money(amount.value) if amount.value is not None else f"at most {money(amount.high)}"


def _formats(frame: pd.DataFrame) -> dict[str, Format]:
    kinds: dict[str, Format] = {
        **dict.fromkeys((*BALANCES, *LOSSES), "money"),
        **dict.fromkeys(RATES, "percent"),
    }
    return {c: kinds[c] for c in frame.columns if c in kinds}
