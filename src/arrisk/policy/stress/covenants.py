"""Covenants: what a lender watches, and how far a stressed year is from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError, StudyError
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.stress.balance_sheet import BalanceSheet

__all__ = ["RATIOS", "Covenant", "Stressed", "read_covenants"]

Floats = NDArray[np.float64]
LIQUIDITY = "minimum liquidity"
SECTION = "[[settings.stress.covenant]]"


@dataclass(frozen=True, slots=True, eq=False)
class Stressed:
    """What simulated years leave, one entry each, currency units.

    Parameters
    ----------
    loss : array
        Credit loss kept by the firm.
    lowest, last : array
        Change of cash against today at its lowest week's end, and at the end of the horizon.
    exposure : array of shape (draws, largest) or (draws,)
        Sum of the open receivables that have not failed.
    largest : array
        The largest of them, one debtor.
    """

    loss: Floats
    lowest: Floats
    last: Floats
    exposure: Floats
    largest: Floats


@dataclass(frozen=True, slots=True)
class Covenant:
    """One promise to a lender.

    Parameters
    ----------
    name : str
    ratio : str
        One of `RATIOS`.
    limit : float
        In the unit of the ratio.
    direction : {"at most", "at least"}
        By default as the ratio is usually held.
    advance : float
        Of a borrowing base: part of the receivables that may be drawn.

    Raises
    ------
    ModelError
        If the ratio or the direction is unknown.

    Examples
    --------
    >>> Covenant("leverage", "net debt to EBITDA", 3.5).direction
    'at most'
    """

    name: str
    ratio: str
    limit: float
    direction: Literal["at most", "at least", ""] = ""
    advance: float = 0.80

    def __post_init__(self) -> None:
        if self.ratio not in RATIOS:
            raise ModelError(f"ratio={self.ratio!r}; allowed: {', '.join(RATIOS)}")
        if not self.direction:
            object.__setattr__(self, "direction", RATIOS[self.ratio].direction)
        if self.direction not in ("at most", "at least"):
            raise ModelError(f"direction={self.direction!r}; allowed: at most, at least")

    @property
    def unit(self) -> str:
        """Of the ratio."""
        return RATIOS[self.ratio].unit

    def missing(self, sheet: BalanceSheet) -> tuple[str, ...]:
        """Figures of the balance sheet that it needs and that are not given."""
        return tuple(name for name in RATIOS[self.ratio].needs if name in sheet.missing)

    def value(self, sheet: BalanceSheet, stressed: Stressed) -> Floats:
        """The ratio in each year.

        Raises
        ------
        ModelError
            If a figure is missing.
        """
        gaps = self.missing(sheet)
        if gaps:
            raise ModelError(f"{self.name!r} needs {', '.join(gaps)}")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(RATIOS[self.ratio].compute(sheet, stressed, self.advance), dtype=float)

    def headroom(self, values: Floats) -> Floats:
        """Distance from the limit, positive while the promise is kept."""
        return self.limit - values if self.direction == "at most" else values - self.limit


@dataclass(frozen=True, slots=True)
class _Ratio:
    direction: Literal["at most", "at least"]
    unit: str
    needs: tuple[str, ...]
    compute: Callable[[BalanceSheet, Stressed, float], Floats]
    meaning: str


def _given(value: float | None) -> float:
    """A figure that `Covenant.missing` has found to be there."""
    assert value is not None
    return value


def _leverage(sheet: BalanceSheet, s: Stressed, advance: float) -> Floats:
    debt = _given(sheet.debt) - _given(sheet.cash) - sheet.near_cash - s.last
    earned = _given(sheet.ebitda) - s.loss
    # A firm that earns nothing has no multiple that a lender would accept.
    return np.where(earned > 0, debt / earned, np.where(debt > 0, np.inf, 0.0))


def _liquidity(sheet: BalanceSheet, s: Stressed, advance: float) -> Floats:
    return _given(sheet.liquidity) + s.lowest


def _cash_ratio(sheet: BalanceSheet, s: Stressed, advance: float) -> Floats:
    left = np.maximum(_given(sheet.cash) + sheet.near_cash + s.lowest, 0.0)
    return np.asarray(left / _given(sheet.current_liabilities), dtype=float)


def _largest(sheet: BalanceSheet, s: Stressed, advance: float) -> Floats:
    return np.where(s.exposure > 0, s.largest / s.exposure, 0.0)


def _base(sheet: BalanceSheet, s: Stressed, advance: float) -> Floats:
    return advance * s.exposure - sheet.line_drawn


RATIOS: Mapping[str, _Ratio] = {
    "net debt to EBITDA": _Ratio(
        "at most",
        "times",
        ("cash", "debt", "ebitda"),
        _leverage,
        "(debt - cash - near cash, less what receipts fall short at the end of the horizon) / "
        "(EBITDA - retained credit loss)",
    ),
    LIQUIDITY: _Ratio(
        "at least", "currency", ("cash",), _liquidity, "cash, near cash and undrawn line at the lowest week"
    ),
    "cash ratio": _Ratio(
        "at least",
        "fraction",
        ("cash", "current_liabilities"),
        _cash_ratio,
        "(cash + near cash at the lowest week, before drawing the line) / current liabilities",
    ),
    "largest debtor": _Ratio(
        "at most", "fraction", (), _largest, "largest debtor / receivables, of those that have not failed"
    ),
    "borrowing base": _Ratio(
        "at least", "currency", (), _base, "advance x receivables that have not failed - line drawn"
    ),
}
"""What lenders watch, by name."""


def read_covenants(rows: Sequence[Mapping[str, Any]]) -> tuple[Covenant, ...]:
    """Read the ``[[settings.stress.covenant]]`` tables of a study.

    Raises
    ------
    StudyError
        If a key or a ratio is unknown, or a value is missing.

    Examples
    --------
    >>> read_covenants([{"name": "cash", "ratio": "minimum liquidity", "limit": 100.0}])[0].direction
    'at least'
    """
    allowed = [f.name for f in fields(Covenant)]
    found = []
    for row in rows:
        for key in row:
            if key not in allowed:
                raise StudyError(f"{SECTION}: unknown key {key!r}{did_you_mean(key, allowed)}")
        try:
            found.append(Covenant(**row))
        except (TypeError, ModelError) as error:
            raise StudyError(f"{SECTION}: {error}") from None
    return tuple(found)
