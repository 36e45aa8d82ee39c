"""The basis of a provision: every choice behind it, so that it can be made again on another day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pandas as pd

from arrisk.display import Table
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.framework import MANAGEMENT, Elections
from arrisk.models.provision.framework_rules import FrameworkName
from arrisk.models.provision.individual import Assessment

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.loss_rates.loss_rates import LossRates

__all__ = ["Basis", "FrameworkName", "Overlays"]


LATER = "later collections counted"


class Overlays(Protocol):
    """What looks forward: takes loss rates of a day to those that are used."""

    def in_force(self, as_of: pd.Timestamp) -> Sequence[object]:
        """Those that hold on a day; a framework asks whether there is one."""
        ...

    def apply(self, rates: LossRates, as_of: pd.Timestamp) -> tuple[LossRates, pd.DataFrame]:
        """The rates after all overlays in force on a day, and what each did; see `OverlayLog.apply`."""
        ...

    def finding(self) -> str:
        """What they are, in one sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Basis:
    """Every choice behind a provision but the data.

    Parameters
    ----------
    method : str
        How loss rates are made; see `fit_loss_rates`.
    conventions : mapping
        Choices of the method: window, buckets, averaging and so on.
    by : str, optional
        An attribute of customers that makes segments.
    level : float
        Coverage of the intervals.
    min_customers, min_losers : int
        Smallest segments that have rates of their own; see `fit_loss_rates`.
    credibility : {"buhlmann"}, optional
        How far the history of a segment counts against that of all; see `fit_loss_rates`.
    overlays : Overlays, optional
        Look forward from the historical rates.
    assessments : tuple of Assessment
        Customers that leave the pool.
    assessed_history : {"stays", "leaves"}
        Whether the past of the assessed customers stays in the rates of the pool. It stays by default: the
        customers of the past that failed were in the pool before anybody knew, and a pool without them
        forgets how customers fail.
    enhancements : tuple of Enhancement
        In the order in which they apply.
    framework : {"IFRS 9", "ASC 326", "CAS 22"}, optional
        Under which the provision is claimed to be made; None claims none: a management figure.
    elections : Elections
        What the accounts choose where the framework gives a choice.

    Examples
    --------
    >>> Basis(by="segment").describe().frame.set_index("choice").loc["segments", "as chosen"]
    'customers by segment'
    """

    method: str = "net_flow"
    conventions: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None
    level: float = 0.95
    min_customers: int = 0
    min_losers: int = 0
    credibility: Literal["buhlmann"] | None = None
    overlays: Overlays | None = None
    assessments: tuple[Assessment, ...] = ()
    assessed_history: Literal["stays", "leaves"] = "stays"
    enhancements: tuple[Enhancement, ...] = ()
    framework: FrameworkName | None = None
    elections: Elections = field(default_factory=Elections)

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ModelError(f"level is a probability between 0 and 1, got {self.level}")
        if self.assessed_history not in ("stays", "leaves"):
            raise ModelError(f"assessed_history is 'stays' or 'leaves', not {self.assessed_history!r}")

    def known_on(self, snapshot: Snapshot) -> Basis:
        """The basis as it stood on the day of a snapshot, for provisions of other days.

        Without assessments made later, and without those of customers that owe nothing on the day: what was
        judged of them was another debt.
        """
        if not self.assessments:
            return self
        items = snapshot.open_items
        owing = set(items.loc[items["open_amount"] > 0, "customer_id"].astype(str))
        settled = set(snapshot.items["customer_id"].astype(str)) - owing
        known = tuple(
            one
            for one in self.assessments
            if as_date(one.date) <= snapshot.date and str(one.customer_id) not in settled
        )
        return replace(self, assessments=known)

    def describe(self, name: str = "basis") -> Table:
        """Every choice, one a row."""
        frame = pd.DataFrame(list(_choices(self).items()), columns=["choice", "as chosen"])
        return Table(
            name, "Every choice behind the provision", frame, MANAGEMENT if not self.framework else ""
        )


def _choices(basis: Basis) -> dict[str, str]:
    stays = basis.assessed_history == "stays"
    return {
        "framework": basis.framework or MANAGEMENT,
        "method": basis.method,
        "conventions": _words(basis.conventions) or "those of the method",
        "segments": "all customers together" if basis.by is None else f"customers by {basis.by}",
        "smallest segment": f"{basis.min_customers} customers in each bucket, {basis.min_losers} with a loss",
        "credibility": basis.credibility or "none: the history of a segment counts in full",
        "coverage of intervals": f"{basis.level:.0%}",
        "overlays": "none" if basis.overlays is None else basis.overlays.finding(),
        "judged by themselves": f"{len(basis.assessments)} of the customers",
        "their past": "stays in the rates of the pool: failures of the past were in it before anybody knew"
        if stays
        else "leaves the rates of the pool with them",
        "enhancements": "; ".join(f"{e.name}: {e.describe()}" for e in basis.enhancements) or "none",
        **_elected(basis.elections),
    }


def _elected(chosen: Elections) -> dict[str, str]:
    yes = {True: "yes", False: "no"}
    return {
        "approach": chosen.approach,
        "horizon": chosen.horizon.replace("_", " "),
        "significant financing component": yes[chosen.significant_financing],
        "public business entity": {"public": "yes", "other": "no", None: "not stated"}[chosen.entity],
        "conditions assumed constant": yes[chosen.constant_conditions],
        LATER: yes[chosen.subsequent_collections],
        "default": f"{chosen.default_days} days overdue"
        + (f": {chosen.default_reason}" if chosen.default_reason else ""),
        "outlook": chosen.outlook or "not stated",
        "time value": chosen.time_value or "not stated",
    }


def _words(choices: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in choices.items())
