"""What a cash discount does to value added tax: three readings, each with its amounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DiscountedInvoice", "VatMode", "vat_with_discount"]

VatMode = Literal["included", "excluded", "mixed"]
WORDS: dict[str, str] = {
    "included": "the discount reduces price and tax when it is taken",
    "excluded": "the discount reduces the price alone, the tax stays as invoiced",
    "mixed": "the tax is on the discounted price from the start, taken or not",
}


@dataclass(frozen=True, slots=True)
class DiscountedInvoice:
    """Amounts of an invoice with a cash discount, as invoiced and when paid early (currency units).

    Parameters
    ----------
    invoiced, paid_early : float
        To pay without and with the discount, tax included.
    tax, tax_paid_early : float
        Tax in the two amounts.
    convention : str
        The reading and the rates in words.
    """

    invoiced: float
    paid_early: float
    tax: float
    tax_paid_early: float
    convention: str

    @property
    def discount(self) -> float:
        """What the customer saves by paying early, tax included."""
        return self.invoiced - self.paid_early

    @property
    def cost(self) -> float:
        """What the discount costs the seller: the tax saved is not his."""
        return self.discount - (self.tax - self.tax_paid_early)


def vat_with_discount(net: float, rate: float, vat: float, mode: VatMode) -> DiscountedInvoice:
    """Amounts invoiced and paid early under three readings of what a cash discount does to VAT.

    Parameters
    ----------
    net : float
        Price before VAT, currency units.
    rate, vat : float
        Discount and VAT, fractions; 0 <= rate < 1, vat not negative.
    mode : {"included", "excluded", "mixed"}
        The discount reduces the taxed amount when taken; it leaves the tax as invoiced; the tax is
        computed on the discounted price from the start.

    Raises
    ------
    ValueError
        If a rate is outside its range or the mode is unknown.

    Examples
    --------
    >>> invoice = vat_with_discount(100, 0.02, 0.21, "mixed")
    >>> round(invoice.invoiced, 2), round(invoice.paid_early, 2), round(invoice.cost, 2)
    (120.58, 118.58, 2.0)
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate = {rate!r}: a fraction from 0 up to, not including, 1")
    if vat < 0:
        raise ValueError(f"vat = {vat!r}: 0 or more, a fraction of the price")
    reduced = net * (1 - rate)
    taxes = {
        "included": (net * vat, reduced * vat),
        "excluded": (net * vat, net * vat),
        "mixed": (reduced * vat, reduced * vat),
    }
    if mode not in taxes:
        raise ValueError(f"mode = {mode!r}: allowed are {', '.join(taxes)}")
    tax, early = taxes[mode]
    convention = f"{100 * rate:g}% discount, {100 * vat:g}% VAT {mode}: {WORDS[mode]}"
    return DiscountedInvoice(net + tax, reduced + early, tax, early, convention)
