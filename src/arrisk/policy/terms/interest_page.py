"""Late interest as a table, a picture and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.policy.terms.pictures import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.terms.interest_book import InterestBook

__all__ = ["describe_interest", "interest_table", "plot_interest"]

AMOUNTS = ("interest", "open_interest", "disputed", "last_year", "billed", "collected")


def describe_interest(book: InterestBook) -> str:
    """What could have been billed, what was, and what it is worth a year."""
    year, currency = book.total("last_year"), book.currency
    if book.table.empty:
        return "Nobody paid late enough to bear interest"
    if not book.stated:
        return (
            "The study states no reference rate: each percentage point of late interest comes to "
            f"{money(year, currency)} a year"
        )
    low, _, high = book.worth
    if book.recognised:
        whole = book.total("interest")
        share = book.total("collected") / whole if whole else 0.0
        return (
            f"Late interest of {money(whole, currency)} could have been billed; "
            f"{money(book.total('billed'), currency)} was, and {share:.0%} was collected"
        )
    return (
        f"Late interest of the last year comes to {money(year, currency)}, of which customers might pay "
        f"{money(low, currency)} to {money(high, currency)}"
    )


def interest_table(book: InterestBook, name: str, most: int) -> Table:
    """The largest customers, the others together, and the sum."""
    rows = book.table[["customer_id", "items", *AMOUNTS]]
    head, rest = rows.head(most), rows.iloc[most:]
    parts = [head]
    if len(rest):
        parts.append(_sum(rest, f"{len(rest):,} others"))
    parts.append(_sum(rows, "all"))
    frame = pd.concat(parts, ignore_index=True)
    for column in AMOUNTS:
        frame[column] = frame[column] / book.scale
    if not book.recognised:
        frame = frame.drop(columns=["billed", "collected"])
    formats: dict[str, Format] = {c: "money" for c in AMOUNTS if c in frame}
    return Table(name, describe_interest(book), frame, _note(book), formats)


def _sum(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    sums = {c: [int(rows[c].sum())] for c in ("items", *AMOUNTS)}
    return pd.DataFrame({"customer_id": [label], **sums})


def _note(book: InterestBook) -> str:
    share, last = book.collected_share, book.terms.rates.table.iloc[-1]
    rate = book.terms.rate_on(book.as_of)
    billed = (
        "No item of the ledger was recognised as billed interest. "
        if not book.recognised
        else f"{book.recognised:,} items were recognised as billed interest. "
    )
    return (
        f"{book.currency}. {book.terms.describe().capitalize()}: {rate:.2%} a year on {book.as_of:%Y-%m-%d}; "
        f"last reference rate {last['rate']:.2%} from {last['valid_from']:%Y-%m-%d} ({last['source']}). "
        "Every day after the due date bears interest on what was open when it began; each item is rounded "
        f"once. Open: on items not yet settled. {billed}Collected if billed: {share.value:.0%} "
        f"({share.low:.0%} to {share.high:.0%}; {share.source}). What billing does to sales and to the days "
        "taken is not in it."
    )


def plot_interest(book: InterestBook, ax: Axes | None = None) -> Axes:
    """Interest of the last year by customer, largest first."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    rows = book.table.sort_values("last_year", ascending=False, kind="stable").head(10)[::-1]
    ax.barh(rows["customer_id"].astype(str), rows["last_year"] / book.scale, color="#0072B2")
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    ax.set_xlabel(f"late interest of the last year, {book.currency}")
    ax.set_title(wrapped(describe_interest(book)))
    return stamp(ax, book.as_of, book.terms.describe())
