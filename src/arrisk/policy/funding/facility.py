"""One year of a way of funding as dated flows: the basis on which all ways are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.policy.funding.rates import effective_rate

__all__ = ["COMPONENTS", "Facility"]

MONTHS = 12
YEAR = 365
COMPONENTS = (
    "interest",
    "service fee",
    "credit protection",
    "line fee",
    "set-up",
    "discount given",
    "saved in the office",
)


@dataclass(frozen=True, slots=True)
class Facility:
    """What a way of funding brings and costs in a year.

    Parameters
    ----------
    cash : float
        Obtained at the start and owed, or forgone, at the end; currency units.
    most : float
        Cash that could be obtained.
    costs : dict of str to float
        Paid in a year by component (see `COMPONENTS`), currency units: in twelve equal parts at the ends of
        the months, what is set up at the start. A saving is negative.
    note : str
        How the cash and the costs come about, in words.
    """

    cash: float
    most: float
    costs: dict[str, float]
    note: str = ""

    @property
    def cost(self) -> float:
        """All that is paid in a year, losses apart."""
        return float(sum(self.costs.values()))

    @property
    def flows(self) -> pd.DataFrame:
        """day, component, amount: received positive, paid negative; equal dates for all ways of funding."""
        rows = [(0, "cash", self.cash)]
        for name, amount in self.costs.items():
            if amount == 0:
                continue
            if name == "set-up":
                rows.append((0, name, -amount))
            else:
                rows += [
                    (round(YEAR * month / MONTHS), name, -amount / MONTHS) for month in range(1, MONTHS + 1)
                ]
        rows.append((YEAR, "cash", -self.cash))
        return pd.DataFrame(rows, columns=["day", "component", "amount"])

    @property
    def rate(self) -> float:
        """Effective annual rate of the flows; not a number when no cash is obtained."""
        if self.cash <= 0:
            return float("nan")
        flows = self.flows
        return effective_rate(flows["day"], flows["amount"])

    @property
    def simple(self) -> float:
        """Cost of a year over the cash, without compounding; not a number when no cash is obtained."""
        return self.cost / self.cash if self.cash > 0 else float("nan")

    def check(self) -> float:
        """Sum of the flows of a year: the cost, with the opposite sign."""
        return float(np.sum(self.flows["amount"]))
