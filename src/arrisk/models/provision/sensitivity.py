"""Which choices and inputs move a provision, one changed at a time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import ArriskError
from arrisk.models.loss_rates.comparison_page import NAMES
from arrisk.models.loss_rates.fit import METHODS
from arrisk.models.loss_rates.loss_rates import LossRates
from arrisk.models.loss_rates.segments import find_attributes
from arrisk.models.overlay.factors import scale_loss_rates
from arrisk.models.provision import sensitivity_page as page
from arrisk.models.provision.basis import Basis, Overlays
from arrisk.models.provision.provision import Provision, make_provision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["Case", "ProvisionSensitivity", "Scaled", "usual_cases", "vary_provision"]

STATED = "as stated"
OWN = ("snapshot", "by")
"""Parameters of a counting function that are no conventions."""
CONVENTIONS: tuple[tuple[str, Any, str, str], ...] = (
    ("averaging", "volume", "averaging", "months count by what they moved"),
    ("averaging", "simple", "averaging", "every month counts alike"),
    ("months", 12, "window", "12 months"),
    ("months", 24, "window", "24 months"),
    ("months", 36, "window", "36 months"),
    ("horizon", 24, "window", "past balances followed for 24 months"),
    ("not_due", "falling_due", "not due", "flow out of what falls due in the month"),
    ("not_due", "all", "not due", "flow out of the whole balance"),
    ("write_offs", "migrated", "write-offs", "go on ageing to the last bucket"),
    ("write_offs", "dropped", "write-offs", "leave the history"),
    ("unit", "item", "unit", "each item in its own bucket"),
    ("unit", "customer", "unit", "all a customer owes in its worst bucket"),
    ("development", "chain_ladder", "development", "losses grow by factors"),
    ("development", "additive", "development", "losses grow by shares of sales"),
    ("still_open", "lost", "still open", "all that is open after the seasoning is lost"),
    ("terminal_loss", 1.0, "terminal loss", "all that reaches the last bucket is lost"),
    ("tail_loss", 1.0, "terminal loss", "all that is open after the longest age is lost"),
    ("recovery_share", 0.0, "recovery share", "nothing comes back after a write-off"),
    ("recoveries", "known", "recoveries", "those known today"),
    ("recoveries", "developed", "recoveries", "those expected in the end"),
)
"""Parameter of a counting function, a value to try, and both in words."""
SHIFTS = {"all loss rates 10% lower": 0.9, "all loss rates 10% higher": 1.1}
FOLLOWS = ("realised",)
"""Methods whose rates look at the horizon; in the others it only says whose balance counts in a bound."""


@dataclass(frozen=True, slots=True)
class Case:
    """A basis that differs from the stated one in one thing.

    Parameters
    ----------
    what : str
        The group: what is changed.
    choice : str
        How, in plain words.
    basis : Basis
    """

    what: str
    choice: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Scaled:
    """Overlays, and after them all rates times a factor, at most 100%."""

    overlays: Overlays | None
    factor: float

    def in_force(self, as_of: pd.Timestamp) -> Sequence[object]:
        """Those of the overlays; the factor is a question, not an outlook."""
        return () if self.overlays is None else self.overlays.in_force(as_of)

    def apply(self, rates: LossRates, as_of: pd.Timestamp) -> tuple[LossRates, pd.DataFrame]:
        """The rates after both, and what the overlays did."""
        steps = pd.DataFrame()
        if self.overlays is not None:
            rates, steps = self.overlays.apply(rates, as_of)
        return scale_loss_rates(rates, self.factor, "to see what it moves", name="what if"), steps

    def finding(self) -> str:
        """What they are, in one sentence."""
        before = "" if self.overlays is None else f"{self.overlays.finding()}; then "
        return f"{before}all rates times {self.factor:g}"


@dataclass(frozen=True, slots=True, eq=False)
class ProvisionSensitivity:
    """The provision with one choice or input changed at a time; make one with `vary_provision`.

    Attributes
    ----------
    table : DataFrame
        what, choice, provision, low, high, change (against the stated amount), relative (the same as a
        fraction of it), remark. Currency units. The stated basis first, then by the size of the change; last
        what gives only a bound (provision missing, high the bound) or cannot be made (the remark says why).
    as_of : Timestamp
    currency : str
    level : float
        Of the intervals.
    basis : Basis
        As stated.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    level: float
    basis: Basis

    @property
    def identified(self) -> bool:
        """Whether the stated basis gives an amount."""
        return bool(self.table["provision"].notna().iloc[0])

    def finding(self) -> str:
        """How far conventions alone move the amount, and which most, in one sentence."""
        return page.describe_sensitivity(self)

    def to_table(self, name: str = "provision_sensitivity") -> Table:
        """The amounts by case."""
        return page.show_sensitivity(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Bars from the stated amount to that of each case, largest change on top."""
        return page.plot_sensitivity(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def vary_provision(
    snapshot: Snapshot, basis: Basis | None = None, cases: Sequence[Case] | None = None
) -> ProvisionSensitivity:
    """Make the provision again with one choice or input changed at a time.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    basis : Basis, optional
        As stated; by default as in `make_provision`.
    cases : sequence of Case, optional
        By default `usual_cases`.

    Raises
    ------
    ModelError
        If the provision cannot be made on the stated basis. A case that cannot says why in its row.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31")
    >>> harsh = Case("terminal loss", "all is lost", Basis(conventions={"terminal_loss": 1.0}))
    >>> vary_provision(snapshot, cases=[harsh]).finding()
    'Without losses no convention gives an amount'
    """
    basis = basis or Basis()
    stated = make_provision(snapshot, basis)
    tried = usual_cases(snapshot, basis) if cases is None else cases
    rows = [_row("basis", STATED, stated), *(_try(snapshot, case) for case in tried)]
    table = pd.DataFrame(rows, columns=["what", "choice", "provision", "low", "high", "remark"])
    first = table["provision"].iloc[0]
    table.insert(5, "change", (table["provision"] - first).round(2))
    table.insert(6, "relative", table["change"] / first if first else np.nan)
    size = table["change"].abs()
    size.iloc[0] = np.inf
    order = size.sort_values(ascending=False, kind="stable", na_position="last").index
    table = table.loc[order].reset_index(drop=True)
    return ProvisionSensitivity(table, snapshot.date, snapshot.currency, basis.level, basis)


def usual_cases(snapshot: Snapshot, basis: Basis | None = None) -> list[Case]:
    """What a reviewer would change, one at a time: only what differs from a basis and what its method takes.

    The other methods, with those of the conventions that they know; averaging, window, the treatment of what
    is not due and of write-offs, the unit, the terminal loss and recoveries; segments by attributes of
    customers, with credibility; all rates 10% lower and higher; no overlays, no customers judged by
    themselves, no enhancements where there are some.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["a"], "issue_date": ["2025-01-10"],
    ...     "due_date": ["2025-02-09"], "amount": [100.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31")
    >>> [case.choice for case in usual_cases(snapshot, Basis(method="realised")) if case.what != "method"]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['past balances followed for 24 months', 'those expected in the end',
     'all loss rates 10% lower', 'all loss rates 10% higher']
    """
    basis = basis or Basis()
    return [*_methods(basis), *_conventions(basis), *_segments(snapshot, basis), *_inputs(basis)]


def _methods(basis: Basis) -> Iterator[Case]:
    for method in METHODS:
        if method != basis.method:
            known = _choices(method)
            kept = {name: value for name, value in basis.conventions.items() if name in known}
            yield Case("method", NAMES[method], replace(basis, method=method, conventions=kept))


def _conventions(basis: Basis) -> Iterator[Case]:
    now = {**_choices(basis.method), **basis.conventions}
    for name, value, what, choice in CONVENTIONS:
        if name in now and now[name] != value:
            yield Case(what, choice, replace(basis, conventions={**basis.conventions, name: value}))


def _choices(method: str) -> Mapping[str, Any]:
    """Conventions of a method with their defaults."""
    known = inspect.signature(METHODS[method]).parameters
    idle = OWN if method in FOLLOWS else (*OWN, "horizon")
    return {name: one.default for name, one in known.items() if name not in idle}


def _segments(snapshot: Snapshot, basis: Basis) -> Iterator[Case]:
    if basis.by is not None:
        yield Case("segments", "all customers together", replace(basis, by=None, credibility=None))
        if basis.credibility is None:
            yield Case("segments", "drawn towards all by credibility", replace(basis, credibility="buhlmann"))
    for by in find_attributes(snapshot):
        if by != basis.by:
            yield Case("segments", f"customers by {by}", replace(basis, by=by, credibility="buhlmann"))


def _inputs(basis: Basis) -> Iterator[Case]:
    for words, factor in SHIFTS.items():
        yield Case("overlay", words, replace(basis, overlays=Scaled(basis.overlays, factor)))
    if basis.overlays is not None:
        yield Case("overlay", "none", replace(basis, overlays=None))
    if basis.assessments:
        yield Case("judgement", "no customer judged by itself", replace(basis, assessments=()))
        other: Literal["stays", "leaves"] = "leaves" if basis.assessed_history == "stays" else "stays"
        words = f"the past of judged customers {other} the pool's rates".replace("stays", "stays in")
        yield Case("judgement", words, replace(basis, assessed_history=other))
    if basis.enhancements:
        yield Case("enhancements", "none", replace(basis, enhancements=()))


def _try(snapshot: Snapshot, case: Case) -> tuple[Any, ...]:
    try:
        made = make_provision(snapshot, case.basis)
    except ArriskError as error:
        return case.what, case.choice, np.nan, np.nan, np.nan, f"cannot be made: {error}"
    return _row(case.what, case.choice, made)


def _row(what: str, choice: str, made: Provision) -> tuple[Any, ...]:
    total = made.total
    wanted, found = made.basis.conventions.get("months"), made.diagnostics.get("months")
    remark = "" if total.value is not None else "a bound: too few losses for a rate"
    if wanted is not None and found is not None and found < wanted:
        remark = f"the ledger holds {found} months" + (f"; {remark}" if remark else "")
    return what, choice, np.nan if total.value is None else total.value, total.low, total.high, remark
