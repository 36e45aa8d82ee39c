"""The provision of a day: historical rates, looked forward, on what is owed and not secured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.loss_rates import Amount, LossRates
from arrisk.models.provision import provision_page as page
from arrisk.models.provision.basis import LATER, Basis
from arrisk.models.provision.collected import collected_later
from arrisk.models.provision.enhancement import Secured, secured_by
from arrisk.models.provision.framework import check_basis, framework_table
from arrisk.models.provision.individual import Assessed, assess_customers
from arrisk.models.provision.open_book import OpenBook, read_open_book
from arrisk.models.provision.parts import Parts, make_parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["Provision", "make_provision"]


@dataclass(frozen=True, slots=True, eq=False)
class Provision:
    """What to set aside on a day, and every step to it; make one with `make_provision`.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    basis : Basis
    historical : LossRates
        From the ledger's own history, after pooling and credibility.
    rates : LossRates
        After overlays.
    table : DataFrame
        One row a segment and bucket. Of balances: gross (owed) = assessed (judged by themselves) + collected
        (after the day, where a framework lets it count) + pooled; secured (of pooled, by integral
        enhancements, in present worth). Of rates: historical_rate, rate (after overlays) with ci_low and
        ci_high. Of losses: provision_before (pooled x rate), relief (by integral enhancements),
        assessed_loss, provision (before - relief + assessed_loss), reimbursement (what enhancements that are
        not integral would pay; not taken off). Currency units, to the cent.
    total : Amount
        Sum of the provisions; the interval is that of the rates, with balances, individual assessments and
        enhancements as given. Where a segment has no rate `value` is None, what is known stands in `low`,
        and `high` is a bound.
    before : Amount
        The same without enhancements.
    reimbursement : Amount
        Sum of the reimbursements, on the same terms.
    recognised : Amount
        Of these, what is virtually certain and so an asset in the books; the rest is disclosed.
    by_customer : DataFrame
        customer_id, segment, exposure, assessed (bool), secured, provision_before, relief, provision,
        reimbursement; one row a customer that owes anything; each column sums to that of the table.
    net_rates : array of shape (customers, buckets)
        Provision over what is owed, of every customer of the counts, not rounded: the rate after
        enhancements, or that of the assessment; 0 where nothing is owed, NaN where no rate is known.
    assessed : Assessed
    secured : Secured
    tie : DataFrame
        line, amount: from what is owed to the open balance of the ledger.
    gate : DataFrame
        What the framework says of each option; see `check_basis`.
    overlay_steps : DataFrame
        What each overlay did; see `OverlayLog.apply`. Empty without overlays.
    conventions : dict of str to str
        Every choice that another hand needs to arrive at the same figures.
    diagnostics : dict
    """

    as_of: pd.Timestamp
    currency: str
    basis: Basis
    historical: LossRates
    rates: LossRates
    table: pd.DataFrame
    total: Amount
    before: Amount
    reimbursement: Amount
    recognised: Amount
    by_customer: pd.DataFrame
    net_rates: NDArray[np.float64]
    assessed: Assessed
    secured: Secured
    tie: pd.DataFrame
    gate: pd.DataFrame
    overlay_steps: pd.DataFrame
    conventions: dict[str, str]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether the total is an amount, and not only a bound."""
        return self.total.value is not None

    def finding(self) -> str:
        """The amount with its range and what it is made of, in one sentence."""
        return page.describe_provision(self)

    def to_table(self, name: str = "provision") -> Table:
        """Gross to net by segment and bucket, and the total."""
        return page.show_provision(self, name)

    def matrix_table(self, name: str = "provision_matrix") -> Table:
        """Gross carrying amount, expected loss rate and lifetime expected loss by bucket (IFRS 7 35N)."""
        return page.show_matrix(self, name)

    def customers_table(self, name: str = "provision_customers") -> Table:
        """What each customer is provided for, largest first."""
        return page.show_customers(self, name)

    def enhancements_table(self, name: str = "enhancements") -> Table:
        """Every enhancement: whom it covers, what it is worth, and how it is treated for what reason."""
        return page.show_enhancements(self, name)

    def assessed_table(self, name: str = "assessed_customers") -> Table:
        """Customers judged by themselves, by whom and why."""
        return self.assessed.to_table(name, self.currency)

    def tie_table(self, name: str = "provision_tie_out") -> Table:
        """How what is provided for ties to the open balance of the ledger."""
        return page.show_tie(self, name)

    def gate_table(self, name: str = "framework") -> Table:
        """What the accounting framework says of each option."""
        return framework_table(self.gate, name)

    def conventions_table(self, name: str = "provision_conventions") -> Table:
        """Every choice behind the figures."""
        return page.show_conventions(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Provision by bucket: what enhancements take off, the pool, and customers judged by themselves."""
        return page.plot_provision(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return f"Provision({self.as_of:%Y-%m-%d}, {self.finding()})"


def make_provision(
    snapshot: Snapshot, basis: Basis | None = None, later: Snapshot | None = None
) -> Provision:
    """The provision of the day of a snapshot on a stated basis.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    basis : Basis, optional
        By default the method's own choices, no overlay, nobody assessed by itself and no framework claimed.
    later : Snapshot, optional
        The same ledger on a later day, whose collections count; only on a basis that elects it under a
        framework that allows it.

    Raises
    ------
    LookAheadError
        If a later snapshot is given and the basis does not elect subsequent collections, or an assessment
        was made after the day.
    ModelError
        If the framework refuses the basis, the ledger is too young, or the parts do not tie.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> provision = make_provision(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))
    >>> provision.identified, provision.total.value, provision.by_customer["exposure"].tolist()
    (False, None, [100.0, 50.0])
    """
    basis = basis or Basis()
    gate = check_basis(basis, as_of=snapshot.date)
    historical = _historical(snapshot, basis)
    rates, steps = historical, pd.DataFrame()
    if basis.overlays is not None:
        rates, steps = basis.overlays.apply(historical, snapshot.date)
    book = read_open_book(snapshot, historical.counts)
    assessed = assess_customers(book, basis.assessments, snapshot.date)
    collected = collected_later(book, snapshot, later, basis, assessed.inside, historical.counts.edges)
    pooled = book.owed.copy()
    pooled[assessed.inside] = 0
    pooled -= collected
    _check_named_once(basis)
    secured = _secured(book, pooled, rates, basis, snapshot)
    parts = make_parts(book, pooled, collected, rates, historical, assessed, secured)
    words = {**rates.conventions, **page.describe_basis(basis)}
    if later is not None:
        words[LATER] = f"yes, by {later.date:%Y-%m-%d}; ages are those of {snapshot.date:%Y-%m-%d}"
    return _result(snapshot, basis, historical, rates, assessed, secured, parts, gate, steps, words)


def _historical(snapshot: Snapshot, basis: Basis) -> LossRates:
    leaving = [] if basis.assessed_history == "stays" else [one.customer_id for one in basis.assessments]
    return fit_loss_rates(
        snapshot,
        basis.method,
        basis.by,
        basis.level,
        basis.min_customers,
        basis.min_losers,
        basis.credibility,
        leaving,
        **basis.conventions,
    )


def _check_named_once(basis: Basis) -> None:
    """What secures a customer judged by itself belongs into its assessment, or it would count twice."""
    judged = {one.customer_id for one in basis.assessments}
    for one in basis.enhancements:
        if one.customer_id in judged:
            raise ModelError(
                f"{one.name!r} secures customer {one.customer_id!r}, who is judged by itself: state what it "
                "brings among the recoveries of the assessment, and take the enhancement out"
            )


def _secured(book: OpenBook, pooled: Any, rates: LossRates, basis: Basis, snapshot: Snapshot) -> Secured:
    names = pd.Series(book.segments).to_numpy(dtype=str)[book.segment]
    by_customer = rates.replicates.rates[book.segment]
    return secured_by(
        basis.enhancements,
        pooled.astype(float),
        by_customer,
        book.customers,
        names,
        snapshot.date,
        book.scale,
    )


def _result(
    snapshot: Snapshot,
    basis: Basis,
    historical: LossRates,
    rates: LossRates,
    assessed: Assessed,
    secured: Secured,
    parts: Parts,
    gate: pd.DataFrame,
    steps: pd.DataFrame,
    conventions: dict[str, str],
) -> Provision:
    facts = {**rates.diagnostics, "owing": len(parts.by_customer), "scale": snapshot.scale}
    return Provision(
        snapshot.date,
        snapshot.currency,
        basis,
        historical,
        rates,
        parts.table,
        parts.total,
        parts.before,
        parts.reimbursement,
        parts.recognised,
        parts.by_customer,
        parts.net_rates,
        assessed,
        secured,
        parts.tie,
        gate,
        steps,
        conventions,
        facts,
    )
