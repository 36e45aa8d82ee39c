"""Whether to keep pursuing write-offs on a contingent fee: what is left of what still comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.recovery.recovery_curve import RecoveryCurve

__all__ = ["Pursuit", "value_pursuit"]

FORMATS: dict[str, Format] = dict.fromkeys(("outstanding", "expected", "present_value", "net_value"), "money")


@dataclass(frozen=True, slots=True, eq=False)
class Pursuit:
    """What pursuing written-off customers on a contingent fee is worth.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    fee_share, anyway, cost : float
        As given to `value_pursuit`.
    table : DataFrame
        customer_id, outstanding, expected, present_value (of it), net_value (after fee, cost and what would
        come anyway), pursue (whether that is more than nothing); the most valuable first.
    net_value, low, high : float
        Sum over the customers worth pursuing, and its range as far as the recovery curve has one.
    break_even_fee : float
        Largest fee, a share of what is recovered, at which pursuing those customers together pays; where none
        is worth it, that of the best; 0 if there is none.
    """

    as_of: pd.Timestamp
    currency: str
    fee_share: float
    anyway: float
    cost: float
    table: pd.DataFrame
    net_value: float
    low: float
    high: float
    break_even_fee: float

    def finding(self) -> str:
        """Whom to pursue, what it brings, and up to which fee, in one sentence."""
        chosen, all_of_them = int(self.table["pursue"].sum()), len(self.table)
        fee = f"a fee of {self.fee_share:.0%}"
        if not chosen:
            return f"At {fee} no written-off customer of {all_of_them} is worth pursuing"
        ends = f"{money(self.low)} to {money(self.high)}"
        people = f"{chosen} of {all_of_them} written-off customers"
        worth = f"{money(self.net_value, self.currency)} (range {ends})"
        return f"Pursue {people}: worth {worth} at {fee}; pays up to {self.break_even_fee:.0%}"

    def to_table(self, name: str = "pursuit") -> Table:
        """Customers in the order of what pursuing them is worth."""
        note = (
            f"Amounts in {self.currency}. Net value: present value of the expected further recoveries, less "
            f"a fee of {self.fee_share:.0%} of them, less {self.anyway:.0%} that would come anyway, less "
            f"{money(self.cost)} a customer. Recoveries as under past effort; after its "
            "end the curve expects nothing but the tail it was given."
        )
        return Table(name, self.finding(), self.table, note, FORMATS)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def value_pursuit(curve: RecoveryCurve, fee_share: float, anyway: float = 0.0, cost: float = 0.0) -> Pursuit:
    """Value of pursuing each written-off customer on a contingent fee.

    Parameters
    ----------
    curve : RecoveryCurve
        With a discount rate its present values count, without one the amounts.
    fee_share : float
        Kept by the agency of what is recovered, a fraction in [0, 1].
    anyway : float
        Fraction of the expected recoveries that would come without pursuing. The ledger does not tell: it
        knows recoveries under the effort that was made.
    cost : float
        Fixed, for each customer pursued, currency units.

    Returns
    -------
    Pursuit

    Raises
    ------
    ModelError
        If there is no curve, or an argument is out of range.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> from arrisk.models.recovery.recovery_curve import fit_recovery
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2", "3"], "customer_id": ["a", "b", "c"],
    ...     "issue_date": "2024-01-10", "due_date": "2024-02-09", "amount": 100.0})
    >>> events = pd.DataFrame({"invoice_id": ["1", "2", "3", "1"], "kind": ["write_off"] * 3 + ["recovery"],
    ...     "date": ["2024-06-28", "2024-06-28", "2024-12-31", "2024-08-15"], "amount": [100.0] * 3 + [30]})
    >>> book = read_ledger({"invoices": invoices, "events": events}, currency="EUR").as_of("2024-12-31")
    >>> found = value_pursuit(fit_recovery(book), fee_share=0.3, cost=5)
    >>> round(found.net_value, 2), round(found.break_even_fee, 3)
    (5.5, 0.667)
    """
    for name, value in (("fee_share", fee_share), ("anyway", anyway)):
        if not 0 <= value <= 1:
            raise ModelError(f"{name} is a fraction between 0 and 1, got {value}")
    if cost < 0:
        raise ModelError(f"the cost of a customer is at least 0, got {cost}")
    found = curve.predict()
    worth = found["expected"] if curve.discount_rate is None else found["present_value"]
    net = worth * (1.0 - fee_share - anyway) - cost
    names = ["customer_id", "outstanding", "expected", "present_value"]
    table = found[names].assign(net_value=net, pursue=net > 0)
    table = table.sort_values("net_value", ascending=False, kind="stable", ignore_index=True)
    chosen = table["pursue"].to_numpy(dtype=bool)
    gross, spent = float(worth[net > 0].sum()), cost * int(chosen.sum())
    low, high = sorted(gross * end * (1.0 - fee_share - anyway) - spent for end in _range(curve))
    value, fee = float(net[net > 0].sum()), _break_even(worth.to_numpy(dtype=float), net > 0, anyway, cost)
    return Pursuit(curve.as_of, curve.currency, fee_share, anyway, cost, table, value, low, high, fee)


def _break_even(worth: NDArray[np.float64], chosen: pd.Series, anyway: float, cost: float) -> float:
    """Fee that leaves nothing of the customers pursued, or of the best where none is."""
    taken = worth[chosen.to_numpy(dtype=bool)] if chosen.any() else worth[worth == worth.max(initial=0.0)][:1]
    gross = float(taken.sum())
    return max(1.0 - anyway - cost * taken.size / gross, 0.0) if gross > 0 else 0.0


def _range(curve: RecoveryCurve) -> tuple[float, float]:
    """Ends of the range of further recoveries, relative to what is expected."""
    ahead = curve.ahead
    if not ahead.value:
        return 1.0, 1.0
    return ahead.low / ahead.value, ahead.high / ahead.value
