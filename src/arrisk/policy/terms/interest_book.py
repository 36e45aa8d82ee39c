"""Late interest on a ledger: what could have been billed, what was billed and collected, what it is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.ledger.statements import OWED
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.terms.interest_page import describe_interest, interest_table, plot_interest
from arrisk.policy.terms.interest_settings import define_late_interest
from arrisk.policy.terms.late_interest import LateInterest, accrued, round_minor
from arrisk.policy.terms.reference_rates import ReferenceRates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.policy.study import Study

__all__ = ["InterestBook", "compute_interest", "make_late_interest"]

YEAR = 365
ONE_POINT = 0.01
IsInterest = Callable[[pd.DataFrame], "pd.Series[bool]"]
MOVES = (
    "SELECT item, event_day AS day, CAST(SUM(amount) AS BIGINT) AS amount FROM movements "
    f"WHERE item IS NOT NULL AND side = {OWED} GROUP BY item, event_day ORDER BY item, event_day"
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InterestBook:
    """Late interest by customer as of a day; made by `make_late_interest`.

    Parameters
    ----------
    table : DataFrame
        `customer_id`, `items` (that bore interest), and in whole minor units: `interest` (that could have
        been billed since the ledger begins), `open_interest` (of it on items still open), `disputed` (of it
        on items in dispute), `last_year` (accrued in the last 365 days), `billed`, `collected` (items
        recognised as interest). Largest `interest` first.
    items : DataFrame
        `invoice_id`, `customer_id`, `interest`, `last_year` (minor units).
    terms : LateInterest
    stated : bool
        Whether the study states a reference rate; without one a percentage point a year stands in for it.
    recognised : int or None
        Items recognised as interest; None when nothing was asked to recognise them.
    collected_share : Assumption
        Part of what is billed that customers pay.
    scale : int
        Minor units in a currency unit.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    items: pd.DataFrame
    terms: LateInterest
    stated: bool
    recognised: int | None
    collected_share: Assumption
    scale: int
    as_of: pd.Timestamp
    currency: str

    def total(self, column: str) -> float:
        """Sum of a column of `table`, currency units."""
        return int(self.table[column].sum()) / self.scale

    @property
    def worth(self) -> tuple[float, float, float]:
        """Collected in a year like the last if all of it were billed: low, value, high; currency units."""
        share, year = self.collected_share, self.total("last_year")
        return share.low * year, share.value * year, share.high * year

    @property
    def diagnostics(self) -> dict[str, float]:
        """Items, customers and the share of the ten largest customers."""
        interest = self.table["interest"]
        top = float(interest.head(10).sum() / interest.sum()) if interest.sum() else 0.0
        return {"items": float(len(self.items)), "customers": float(len(self.table)), "top_ten": top}

    def finding(self) -> str:
        """What could have been billed and what of it was collected, in one sentence."""
        return describe_interest(self)

    def to_table(self, name: str = "late_interest", most: int = 10) -> Table:
        """The customers with most late interest, and all together."""
        return interest_table(self, name, most)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Late interest of the largest late payers in the last year."""
        return plot_interest(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def make_late_interest(
    study: Study, snapshot: Snapshot, is_interest: IsInterest | None = None
) -> InterestBook:
    """Compute late interest as the study's terms have it (see `define_late_interest`).

    Parameters
    ----------
    study : Study
        Gives ``[settings.late_interest]`` and `interest_collected`.
    snapshot : Snapshot
    is_interest : callable, optional
        From `snapshot.items` to flags of the items that are interest that was billed.

    Returns
    -------
    InterestBook
        With one percentage point a year where the study states no reference rate.

    Raises
    ------
    ModelError
        If interest is asked for a day before the reference rates begin.
    """
    terms = define_late_interest(study)
    share = given_or_typical(study, "interest_collected")
    if terms is None:
        start = min(snapshot.first_date, snapshot.items["due_date"].min())
        rows = {"valid_from": [start], "rate": [0.0], "source": "none stated: a percentage point stands in"}
        terms = LateInterest(ReferenceRates(pd.DataFrame(rows)), points=ONE_POINT)
        return compute_interest(snapshot, terms, share, is_interest, stated=False)
    return compute_interest(snapshot, terms, share, is_interest)


def compute_interest(
    snapshot: Snapshot,
    terms: LateInterest,
    collected_share: Assumption,
    is_interest: IsInterest | None = None,
    stated: bool = True,
) -> InterestBook:
    """Interest of every item of a ledger on some terms.

    Notes
    -----
    Payments, credit notes, deductions and write-offs lower what bears interest on their own day, unapplied
    cash does not. Items without a due date, and those that are interest themselves, bear none. Each item is
    rounded once to the minor unit, so customers and the total are exact sums of items.
    """
    items = snapshot.items
    numbers = snapshot.item_numbers
    flags = np.zeros(len(items), dtype=bool) if is_interest is None else _flags(is_interest, items)
    bears = ((items["amount"] > 0) & items["due_date"].notna()).to_numpy(dtype=bool) & ~flags
    due = pd.to_datetime(items["due_date"]).to_numpy(dtype="datetime64[D]").astype(np.int64)[bears]
    moves = snapshot.query(MOVES).astype(np.int64)
    moves = moves[np.isin(moves["item"].to_numpy(), numbers[bears])].reset_index(drop=True)
    order = np.argsort(numbers[bears], kind="stable")
    place = np.searchsorted(numbers[bears][order], moves["item"].to_numpy())
    whole, year = (
        _rounded(accrued(terms, place, moves, due[order], snapshot.day, since))
        for since in (None, snapshot.day - YEAR + 1)
    )
    found = items[bears].iloc[order]
    found = found[["invoice_id", "customer_id", "open_amount", "disputed"]].reset_index(drop=True)
    found = found.assign(interest=whole, last_year=year)
    found = found[found["interest"] > 0].reset_index(drop=True)
    return InterestBook(
        table=_by_customer(found, items[flags], snapshot.scale),
        items=found[["invoice_id", "customer_id", "interest", "last_year"]],
        terms=terms,
        stated=stated,
        recognised=None if is_interest is None else int(flags.sum()),
        collected_share=collected_share,
        scale=snapshot.scale,
        as_of=snapshot.date,
        currency=snapshot.currency,
    )


def _rounded(amounts: list[Fraction]) -> np.ndarray:
    return np.array([round_minor(a) for a in amounts], dtype=np.int64)


def _flags(is_interest: IsInterest, items: pd.DataFrame) -> np.ndarray:
    flags = np.asarray(is_interest(items.copy()), dtype=bool)
    if flags.shape != (len(items),):
        raise ValueError(f"is_interest gave {flags.shape} flags for {len(items)} items")
    return flags


def _by_customer(found: pd.DataFrame, billed: pd.DataFrame, scale: int) -> pd.DataFrame:
    is_open = found["open_amount"] > 0
    rows = found.assign(
        open_interest=found["interest"].where(is_open, 0),
        contested=found["interest"].where(found["disputed"].astype(bool), 0),
    )
    sums = rows.groupby("customer_id").agg(
        items=("interest", "size"),
        interest=("interest", "sum"),
        open_interest=("open_interest", "sum"),
        disputed=("contested", "sum"),
        last_year=("last_year", "sum"),
    )
    for name, column in (("billed", "amount"), ("collected", "paid_amount")):
        minor = (billed[column] * scale).round().astype(np.int64).groupby(billed["customer_id"]).sum()
        sums = sums.reindex(sums.index.union(minor.index), fill_value=0)
        sums[name] = minor.reindex(sums.index, fill_value=0)
    sums = sums.rename_axis("customer_id").reset_index()
    return sums.sort_values(["interest", "customer_id"], ascending=[False, True], ignore_index=True)
