"""The movement of the allowance between days: opening, charge, write-offs, recoveries, exchange, closing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.provision import movement_page as page
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.item_shares import share_items
from arrisk.models.provision.provision import Provision, make_provision
from arrisk.portfolio.windows import year_before

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["LINES", "AllowanceMovement", "make_movement"]

Date = str | dt.date | pd.Timestamp
LINES = (
    "opening",
    "adoption",
    "charge: new items",
    "charge: items settled without loss",
    "charge: items measured again",
    "write-offs",
    "recoveries",
    "exchange differences",
    "closing",
)
"""Lines of a movement in their order; those between the ends add up to the difference of the ends."""
CHARGE = LINES[2:5]
MEASURES = ("open", "written_off", "recovered", "allowance")


@dataclass(frozen=True, slots=True, eq=False)
class AllowanceMovement:
    """The allowance from each day to the next; make one with `make_movement`.

    Attributes
    ----------
    table : DataFrame
        start, end, line (of `LINES`), amount (currency units, signed as it moves the allowance). Amounts are
        missing where a provision is a bound and not an amount.
    reconciliation : DataFrame
        start, end, charge (what balances the movement), item_by_item (the charge summed over single items),
        difference (rounding of the cells of a provision).
    provisions : tuple of Provision
        At each day, on the same basis.
    currency : str
    basis : Basis
    """

    table: pd.DataFrame
    reconciliation: pd.DataFrame
    provisions: tuple[Provision, ...]
    currency: str
    basis: Basis

    @property
    def as_of(self) -> pd.Timestamp:
        """The last day."""
        return self.provisions[-1].as_of

    @property
    def identified(self) -> bool:
        """Whether there is an amount at every day."""
        return all(made.total.value is not None for made in self.provisions)

    def finding(self) -> str:
        """What moved the allowance over the last period, in one sentence."""
        return page.describe_movement(self)

    def to_table(self, name: str = "allowance_movement") -> Table:
        """The movement, a column a period."""
        return page.show_movement(self, name)

    def reconciliation_table(self, name: str = "allowance_reconciliation") -> Table:
        """The charge that balances against the charge summed over items."""
        return page.show_reconciliation(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A waterfall of the last period."""
        return page.plot_movement(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_movement(
    snapshot: Snapshot,
    dates: Sequence[Date] | None = None,
    basis: Basis | None = None,
    reported_opening: float | None = None,
) -> AllowanceMovement:
    """The movement of the allowance between days, footing to the minor unit.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    dates : sequence of dates, optional
        At least two, increasing, none later than the snapshot; each provision is made with what was known on
        its day. By default a year before and the date of the snapshot.
    basis : Basis, optional
        The same at every day, but for assessments: each counts from the day it was made.
    reported_opening : float, optional
        The allowance in the books at the first day when it was made on another basis, for example before a
        standard was adopted; the difference becomes the line "adoption". By default there is none.

    Raises
    ------
    ModelError
        If dates are too few or not increasing, or the ledger then was too young for a provision.

    Notes
    -----
    Write-offs and recoveries are those known after the first day and by the second. The charge is what
    balances the movement; it is also summed over single items (closing share less opening share plus what was
    written off less what was recovered), and `reconciliation` holds both.

    Documents in other currencies are carried at the rate of their invoice's date and never revalued, so
    exchange rates do not move this allowance: their line is zero.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-04-30")
    >>> make_movement(snapshot, ["2025-03-31", "2025-04-30"]).identified
    False
    """
    basis = basis or Basis()
    days = _check_dates(snapshot, dates)
    states = [_state(snapshot.as_of(day), basis) for day in days]
    rows, checks = [], []
    for place, (old, new) in enumerate(pairwise(states)):
        lines, item_by_item = _period(old, new, snapshot.scale)
        opening = reported_opening if place == 0 and reported_opening is not None else lines["opening"]
        lines["adoption"] = round(lines["opening"] - opening, 2)
        lines["opening"] = opening
        ends = (old.provision.as_of, new.provision.as_of)
        rows += [(*ends, line, lines[line]) for line in LINES]
        charge = round(sum(lines[line] for line in CHARGE), 2)
        checks.append((*ends, charge, item_by_item, round(charge - item_by_item, 2)))
    table = pd.DataFrame(rows, columns=["start", "end", "line", "amount"])
    names = ["start", "end", "charge", "item_by_item", "difference"]
    made = tuple(state.provision for state in states)
    return AllowanceMovement(table, pd.DataFrame(checks, columns=names), made, snapshot.currency, basis)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """A day: its provision, the items with their shares of it, and recoveries that name no item."""

    provision: Provision
    items: pd.DataFrame
    loose: int


def _state(snapshot: Snapshot, basis: Basis) -> _State:
    provision = make_provision(snapshot, basis.known_on(snapshot))
    events = snapshot.events
    rows = (events["kind"] == "recovery") & events["invoice_id"].isna()
    loose = int(np.rint(events.loc[rows, "amount"].to_numpy(dtype=float) * snapshot.scale).sum())
    return _State(provision, share_items(snapshot, provision), loose)


def _check_dates(snapshot: Snapshot, dates: Sequence[Date] | None) -> list[pd.Timestamp]:
    days = [year_before(snapshot.date), snapshot.date] if dates is None else [as_date(day) for day in dates]
    if len(days) < 2 or any(a >= b for a, b in pairwise(days)):
        raise ModelError(f"a movement needs two or more increasing dates, got {[str(d)[:10] for d in days]}")
    if days[0] < snapshot.first_date:
        raise ModelError(
            f"nothing was known on {days[0]:%Y-%m-%d}: the ledger begins {snapshot.first_date:%Y-%m-%d}"
        )
    return days


def _period(old: _State, new: _State, scale: int) -> tuple[dict[str, float], float]:
    """Lines of one period in currency units, and the charge summed over items."""
    known = np.isin(new.items["item"].to_numpy(), old.items["item"].to_numpy())
    now = [new.items[c].to_numpy() for c in MEASURES]
    before = [_spread(old.items[c].to_numpy(), known) for c in MEASURES]
    still, lost, back, worth = (a - b for a, b in zip(now, before, strict=True))
    charge, loose = worth + lost - back, new.loose - old.loose
    settled = known & (now[0] == 0) & (still < 0) & (lost == 0)
    opening, closing = (_minor(state.provision, scale) for state in (old, new))
    written_off, recovered = int(lost.sum()), int(back.sum()) + loose
    whole = closing - opening + written_off - recovered
    parts = [float(np.rint(charge[rows].sum())) for rows in (~known, settled)]
    values = (opening, 0.0, *parts, whole - sum(parts), -written_off, recovered, 0.0, closing)
    lines = {line: round(value / scale, 2) + 0.0 for line, value in zip(LINES, values, strict=True)}
    return lines, round((float(charge.sum()) - loose) / scale, 2)


def _spread(values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Values of the items of the earlier day among those of the later one; 0 for the others."""
    out = np.zeros(known.size, dtype=values.dtype)
    out[known] = values
    return out


def _minor(provision: Provision, scale: int) -> float:
    value = provision.total.value
    return float("nan") if value is None else float(round(value * scale))
