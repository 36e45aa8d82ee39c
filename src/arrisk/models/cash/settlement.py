"""What of a settled item is cash: what discounts and credit notes take, and which losses are credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.timing.day_counts import Floats, Ints

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["AGE_EDGES", "Settlement", "estimate_settlement"]

AGE_EDGES = (0, 10, 14, 30, 60, 90, 180)
PRIOR_ITEMS = 20.0
KINDS = ("not offered", "offered")


@dataclass(frozen=True, slots=True)
class Settlement:
    """Deductions from payments and the make-up of losses; made by `estimate_settlement`.

    Parameters
    ----------
    deducted : array of float, shape (2, classes)
        Share of the amount that discounts and credit notes take from an item that is paid in the end, by
        whether a cash discount was offered and by days from issue to the end (`AGE_EDGES`, each the last day
        of its class).
    credited : array of float, shape (classes,)
        Share of credit notes in the amount of items that are lost.
    """

    deducted: Floats
    credited: Floats

    @classmethod
    def none(cls) -> Settlement:
        """Every payment is in full, every loss a write-off."""
        return cls(np.zeros((2, len(AGE_EDGES) + 1)), np.zeros(len(AGE_EDGES) + 1))

    def split(
        self, minor: Ints, lost: NDArray[np.bool_], age: Ints, offered: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Cash, discounts and credits, write-offs of items that end; in sum their amounts.

        Parameters
        ----------
        minor, lost, age, offered : array, shape (n,)
            Amounts, whether lost, days from issue to the end, whether offered a discount (0 or 1).
        """
        place = np.searchsorted(AGE_EDGES, age, side="left")
        less = np.rint(minor * self.deducted[offered, place]).astype(np.int64)
        share = np.rint(minor * self.credited[place]).astype(np.int64)
        credits = np.where(lost, share, less)
        return np.where(lost, 0, minor - less), credits, np.where(lost, minor - share, 0)

    @property
    def table(self) -> pd.DataFrame:
        """Tidy shares: term, offered, from_day, to_day, estimate."""
        low, high = (0, *(e + 1 for e in AGE_EDGES)), (*AGE_EDGES, np.inf)
        rows = [
            ("deducted", KINDS[k], low[c], high[c], float(self.deducted[k, c]))
            for k in range(2)
            for c in range(len(low))
        ]
        rows += [("credited", "all", low[c], high[c], float(self.credited[c])) for c in range(len(low))]
        return pd.DataFrame(rows, columns=["term", "offered", "from_day", "to_day", "estimate"])


def estimate_settlement(snapshot: Snapshot) -> Settlement:
    """Deductions and the make-up of losses in the history of settled items.

    Notes
    -----
    Of an item that is paid in the end, discounts and credit notes over its amount, by class of days from
    issue to the end and by whether a cash discount was offered; small classes lean on all (20 items). The
    share of credits among losses likewise. Credit notes booked before the as-of date on items still open are
    part of their open amount already, so deductions are a little too high for items credited in part.
    """
    items = snapshot.items
    past = items[((items["close_kind"] != "open") & (items["amount"] > 0)).to_numpy()]
    age = (past["closed_date"] - past["issue_date"]).dt.days.to_numpy()
    place = np.searchsorted(AGE_EDGES, age, side="left")
    offered = past["discount_rate"].notna().to_numpy().astype(np.int64)
    amount = past["amount"].to_numpy(float)
    credit = past["credited_amount"].to_numpy(float)
    less = past["discount_amount"].to_numpy(float) + credit
    paid = (past["close_kind"] == "paid").to_numpy()
    deducted = np.vstack(
        [_shares(less, amount, place, paid & (offered == kind), paid) for kind in range(len(KINDS))]
    )
    return Settlement(deducted, _shares(credit, amount - past["paid_amount"], place, ~paid, ~paid))


def _shares(
    part: Floats, whole: Floats, place: Ints, chosen: NDArray[np.bool_], every: NDArray[np.bool_]
) -> Floats:
    """Share of the amounts by class, leaning on that of all."""
    size = len(AGE_EDGES) + 1
    total, weight = float(np.asarray(whole)[every].sum()), int(every.sum())
    overall = float(part[every].sum()) / total if total > 0 else 0.0
    mean = total / weight if weight else 1.0
    above = np.bincount(place[chosen], weights=part[chosen], minlength=size)
    below = np.bincount(place[chosen], weights=np.asarray(whole)[chosen], minlength=size)
    lean = PRIOR_ITEMS * max(mean, 1e-12)
    return np.asarray(np.clip((above + lean * overall) / (below + lean), 0.0, 1.0), dtype=float)
