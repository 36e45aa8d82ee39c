"""What a stress test needs beside the ledger: cash, lines, debts; and the cash ratio in two conventions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.errors import ModelError, StudyError
from arrisk.policy.assumptions import did_you_mean

__all__ = ["BalanceSheet", "CashRatio", "make_cash_ratio", "read_balance_sheet"]

SECTION = "[settings.stress.balance_sheet]"
TEXTS = ("source",)


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """Figures of the balance sheet and of the lines, currency units; missing ones are None.

    Parameters
    ----------
    cash : float
        Cash at hand and at banks, free to use.
    near_cash : float
        Securities and deposits that are cash within days.
    credit_line, line_drawn : float
        Committed line, and what of it is drawn.
    current_liabilities : float
        Due within a year.
    debt : float
        Financial debt, with what is drawn of the line.
    ebitda : float
        Of the last twelve months, before the losses of a scenario.
    minimum_cash : float
        What must always be left: wages, tills, deposits that bind.
    source : str
        Who says so.

    Examples
    --------
    >>> BalanceSheet(cash=100.0, credit_line=50.0, line_drawn=20.0).liquidity
    130.0
    """

    cash: float | None = None
    near_cash: float = 0.0
    credit_line: float = 0.0
    line_drawn: float = 0.0
    current_liabilities: float | None = None
    debt: float | None = None
    ebitda: float | None = None
    minimum_cash: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        for name, value in self.amounts.items():
            if value is not None and not (math.isfinite(value) and (value >= 0 or name == "ebitda")):
                raise ModelError(f"{name} = {value!r}; allowed: a finite amount, not negative")
        if self.line_drawn > self.credit_line:
            raise ModelError(
                f"line_drawn = {self.line_drawn:,.0f} is above the credit line of {self.credit_line:,.0f}"
            )

    @property
    def amounts(self) -> dict[str, float | None]:
        """Every figure by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in TEXTS}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of figures that are not given."""
        return tuple(name for name, value in self.amounts.items() if value is None)

    @property
    def liquidity(self) -> float | None:
        """Cash, near cash and what is left of the line: the reserve of today."""
        if self.cash is None:
            return None
        return self.cash + self.near_cash + self.credit_line - self.line_drawn

    def to_table(self, currency: str, name: str = "stress_balance_sheet") -> Table:
        """The figures as given."""
        rows = [(key.replace("_", " "), value) for key, value in self.amounts.items()]
        frame = pd.DataFrame(rows, columns=["figure", "amount"]).astype({"amount": float})
        gaps = ", ".join(n.replace("_", " ") for n in self.missing)
        title = f"Not given: {gaps}" if gaps else "Cash, lines and debts beside the ledger"
        note = f"Amounts in {currency}. Source: {self.source or f'none: add {SECTION} to the study'}."
        return Table(name, title, frame, note, {"amount": "money"})


def read_balance_sheet(table: Mapping[str, Any] | None) -> BalanceSheet:
    """Read ``[settings.stress.balance_sheet]`` of a study; without one every figure is missing.

    Raises
    ------
    StudyError
        If a key is unknown, a value is no amount, or figures come without a source.

    Examples
    --------
    >>> read_balance_sheet({"cash": 10, "source": "treasury"}).missing
    ('current_liabilities', 'debt', 'ebitda')
    """
    given = dict(table or {})
    allowed = [f.name for f in fields(BalanceSheet)]
    for key, value in given.items():
        if key not in allowed:
            raise StudyError(f"{SECTION}: unknown key {key!r}{did_you_mean(key, allowed)}")
        if key not in TEXTS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise StudyError(f"{SECTION}: {key} = {value!r} is no amount")
    if given and not str(given.get("source", "")).strip():
        raise StudyError(f"{SECTION}: source is missing; a reader needs it to judge the figures")
    try:
        return BalanceSheet(**given)
    except ModelError as error:
        raise StudyError(f"{SECTION}: {error}") from None


@dataclass(frozen=True, slots=True)
class CashRatio:
    """Cash over current liabilities, without and with insured receivables; made by `make_cash_ratio`.

    Parameters
    ----------
    cash, near_cash, current_liabilities : float
        Currency units.
    insured : float
        Receivables that an insurer would pay: within the limit of each buyer, times the insured share.
    advance : float
        Part of them that a bank lends against at once.
    currency : str
    """

    cash: float
    near_cash: float
    current_liabilities: float
    insured: float
    advance: float
    currency: str = ""

    @property
    def plain(self) -> float:
        """(cash + near cash) / current liabilities: the convention."""
        return (self.cash + self.near_cash) / self.current_liabilities

    @property
    def with_insured(self) -> float:
        """(cash + near cash + advance x insured receivables) / current liabilities."""
        return self.plain + self.advance * self.insured / self.current_liabilities

    @property
    def table(self) -> pd.DataFrame:
        """convention, counted (currency units), ratio."""
        own, more = self.cash + self.near_cash, self.advance * self.insured
        rows = [
            ("cash and near cash", own, self.plain),
            ("and insured receivables at the advance", own + more, self.with_insured),
        ]
        return pd.DataFrame(rows, columns=["convention", "counted", "ratio"])

    def finding(self) -> str:
        """Both ratios in one sentence."""
        return (
            f"Cash covers {self.plain:.0%} of current liabilities; {self.with_insured:.0%} if "
            f"{money(self.advance * self.insured, self.currency)} of insured receivables are counted"
        )

    def to_table(self, name: str = "cash_ratio") -> Table:
        """Both conventions side by side."""
        note = (
            f"Amounts in {self.currency}; current liabilities {money(self.current_liabilities)}. Insured "
            f"receivables: {money(self.insured)} within limits times the insured share, of which a bank "
            f"advances {self.advance:.0%}. Accountants count the first line only: insured receivables are no "
            "cash until somebody lends against them."
        )
        formats: dict[str, Format] = {"counted": "money", "ratio": "percent"}
        return Table(name, self.finding(), self.table, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_cash_ratio(
    cash: float,
    near_cash: float,
    current_liabilities: float,
    insured: float,
    advance: float,
    currency: str = "",
) -> CashRatio:
    """The cash ratio in both conventions; nothing is counted that the caller does not name.

    Parameters
    ----------
    cash, near_cash, current_liabilities : float
        Currency units.
    insured : float
        Insured receivables: within buyers' limits, times the insured share.
    advance : float
        Part of them counted, in [0, 1].
    currency : str

    Raises
    ------
    ModelError
        If there are no current liabilities, or a figure is out of range.

    Examples
    --------
    >>> ratio = make_cash_ratio(20.0, 10.0, 100.0, insured=50.0, advance=0.8)
    >>> ratio.plain, ratio.with_insured
    (0.3, 0.7)
    """
    if not (current_liabilities > 0 and min(cash, near_cash, insured) >= 0 and 0 <= advance <= 1):
        raise ModelError(
            "a cash ratio needs current liabilities above 0, amounts that are not negative and an advance "
            f"between 0 and 1; got {current_liabilities}, {cash}, {near_cash}, {insured}, {advance}"
        )
    return CashRatio(cash, near_cash, current_liabilities, insured, advance, currency)
