"""A small ledger and a scorecard whose grades and counts are given, for the terms of grades."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from arrisk.errors import LookAheadError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.validation.discrimination import Auc
from arrisk.policy.assumptions import Assumption
from arrisk.policy.study import Study, study_template
from tests.ledger.frames import event, invoice, ledger_of

START = pd.Timestamp("2022-01-01")
AS_OF = "2024-12-31"
VALUES = {"stop_margin": 0.3, "lgd": 0.6, "cost_of_capital": 0.08, "insured_share": 0.9, "risk_budget": 0.1}


def assume(name: str, value: float, low: float | None = None, high: float | None = None) -> Assumption:
    ends = (value if low is None else low, value if high is None else high)
    return Assumption(name, value, *ends, "fraction", "test")


def study_with(**values: float) -> Study:
    study = Study.from_toml(study_template("ledger", "arrisk", AS_OF, "EUR"), Path("study.toml"))
    given = {**VALUES, **values}
    return replace(study, assumptions=tuple(assume(n, v) for n, v in given.items()))


@dataclass(frozen=True)
class GivenCard:
    """A scorecard that knows the answer: grades by customer, past gradings and defaults by grade."""

    grade: dict[str, str]
    counts: dict[str, tuple[int, int]]
    in_default: tuple[str, ...] = ()
    identified: bool = True
    horizon_days: int = 180
    level: float = 0.95
    doubt: str = ""
    defaulters: int = 0
    upper_bound: float = 0.03
    as_of: pd.Timestamp = field(default_factory=lambda: pd.Timestamp(AS_OF))
    auc: Auc | None = field(default_factory=lambda: Auc(0.8, 0.7, 0.9, 0.95, "given"))
    definition: DefaultDefinition = field(default_factory=lambda: DefaultDefinition(days=90))
    observations: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"cutoff": [], "customer_id": [], "grade": []})
    )

    @property
    def grades(self) -> pd.DataFrame:
        rows = [(g, n, d) for g, (n, d) in self.counts.items()]
        return pd.DataFrame(rows, columns=["grade", "rows", "defaults"])

    def predict(self, snapshot) -> pd.DataFrame:
        if snapshot.date < self.as_of:
            raise LookAheadError("earlier than the fit")
        out = pd.DataFrame({"customer_id": list(self.grade)})
        out["grade"] = out["customer_id"].map(self.grade) if self.identified else pd.NA
        out["in_default"] = out["customer_id"].isin(self.in_default)
        return out


def day(number: int) -> str:
    return f"{START + pd.Timedelta(days=number):%Y-%m-%d}"


def sales_of(customer: str, amount: float, terms: int, late: int, last: int = 1094, unpaid_from: int = 10**6):
    """An invoice every 30 days, paid `late` days after it is due; from a day on none is."""
    invoices, events = [], []
    for issued in range(0, last + 1, 30):
        number = f"{customer}-{issued:04d}"
        invoices.append(invoice(number, day(issued), amount, day(issued + terms), customer_id=customer))
        paid = issued + terms + late
        if issued < unpaid_from and paid <= 1095:
            events.append(event(number, day(paid), amount))
    return invoices, events


def two_grades():
    """Customer a buys 100 on 30 days and pays on time, b 200 on 60 days and pays 12 days late."""
    one, two = sales_of("a", 100.0, 30, 0), sales_of("b", 200.0, 60, 12)
    return ledger_of(one[0] + two[0], one[1] + two[1])


def three_defaults():
    """Three stop paying with the invoice of day 360 and are billed two more; two are written off.

    The first unpaid due date is day 390, so the default is on day 480. All three owe 300 then. The third
    pays on day 520.
    """
    invoices, events = [], []
    for customer in "xyz":
        i, e = sales_of(customer, 100.0, 30, 0, last=420, unpaid_from=360)
        invoices, events = invoices + i, events + e
        for issued in (360, 390, 420):
            kind, when = ("payment", 520) if customer == "z" else ("write_off", 700)
            events.append(event(f"{customer}-{issued:04d}", day(when), 100.0, kind))
    events.append(event("x-0360", day(800), 60.0, "recovery"))
    good = sales_of("a", 100.0, 30, 0)
    return ledger_of(invoices + good[0], events + good[1])
