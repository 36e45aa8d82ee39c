"""What counts as the default of a customer: every element explicit, checked and printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrisk.errors import ModelError

__all__ = ["DefaultDefinition", "Level"]

Level = Literal["customer", "invoice"]
CENT = 0.005


@dataclass(frozen=True, slots=True)
class DefaultDefinition:
    """What counts as the default of a customer.

    Parameters
    ----------
    days : int
        A customer is in default from the end of the day on which what is at least so many days past due
        reaches the materiality, until it falls below again.
    materiality : float
        Currency units; smaller amounts are no default.
    share : float
        Nor are amounts below this fraction of all the customer owes on that day: one stuck invoice of a
        customer that pays the others is a dispute rather than a default.
    write_off : bool
        Whether a write-off of at least the materiality is a default too; it is never cured.
    insolvency : tuple of str
        Names of dated signals about a customer. From the day on which a value above zero is known the
        customer is in default, until a later value of zero or less is known.
    level : {"customer", "invoice"}
        Whether the materiality is reached by the sum of the customer's invoices, or by single ones: then
        only invoices that reach it alone count, past due and written off.
    probation : int
        Days without any of these before a default is over. A relapse within them is the same default.

    Raises
    ------
    ModelError
        If `days`, `materiality` or `probation` is negative, `share` is not a fraction, `level` is unknown, or
        `insolvency` is not a sequence of names.

    Examples
    --------
    >>> str(DefaultDefinition(days=90, materiality=500))
    '500 or more at least 90 days past due, or as much written off, or a signal of insolvency'
    >>> str(DefaultDefinition(30, 100, write_off=False, insolvency=(), level="invoice", probation=60))
    '100 or more of a single invoice at least 30 days past due; over after 60 days without'
    """

    days: int = 90
    materiality: float = 0.0
    share: float = 0.0
    write_off: bool = True
    insolvency: tuple[str, ...] = ("insolvency",)
    level: Level = "customer"
    probation: int = 0

    def __post_init__(self) -> None:
        if not (self.days >= 0 and self.materiality >= 0):
            raise ModelError(f"days and materiality may not be negative: {self.days}, {self.materiality}")
        if not 0.0 <= self.share <= 1.0:
            raise ModelError(f"share is a fraction between 0 and 1, got {self.share}")
        if self.level not in ("customer", "invoice"):
            raise ModelError(f"level {self.level!r}: allowed are 'customer' and 'invoice'")
        if not self.probation >= 0:
            raise ModelError(f"probation may not be negative: {self.probation}")
        if int(self.days) != self.days or int(self.probation) != self.probation:
            raise ModelError(f"days and probation are whole days, got {self.days} and {self.probation}")
        if isinstance(self.insolvency, str) or not all(isinstance(n, str) and n for n in self.insolvency):
            raise ModelError(
                f'insolvency is a tuple of names such as ("insolvency",), got {self.insolvency!r}'
            )
        # A list is accepted; a tuple keeps the definition hashable and equal to its like.
        object.__setattr__(self, "insolvency", tuple(self.insolvency))

    @property
    def least(self) -> float:
        """The smallest amount that counts: the materiality, and never less than half a cent."""
        return max(self.materiality, CENT)

    def __str__(self) -> str:
        amount = f"{self.materiality:,.0f} or more" if self.materiality > 0 else "anything"
        single = self.level == "invoice"
        of = " of a single invoice" if single else ""
        part = f" and {self.share:.0%} of what the customer owes" if self.share > 0 else ""
        written = f", or as much{' of one' * single} written off" if self.write_off else ""
        signal = f", or a signal of {' or '.join(self.insolvency)}" if self.insolvency else ""
        over = f"; over after {self.probation} days without" if self.probation else ""
        return f"{amount}{of}{part} at least {self.days} days past due{written}{signal}{over}"
