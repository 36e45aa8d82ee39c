"""Scenarios on the book side by side: loss, cash, covenants, with and without insurance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError, StudyError
from arrisk.models.overlay.macro import fit_macro_link
from arrisk.policy.assumptions import Assumption, did_you_mean
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.stress import stress_page as page
from arrisk.policy.stress.balance_sheet import BalanceSheet, CashRatio, make_cash_ratio, read_balance_sheet
from arrisk.policy.stress.covenants import LIQUIDITY, Covenant, read_covenants
from arrisk.policy.stress.insured import insured_receivables
from arrisk.policy.stress.receipts import draw_receipts
from arrisk.policy.stress.runs import BASELINE, Book, Run, run_scenario
from arrisk.policy.stress.scenarios import MacroDownturn, Scenario, read_scenarios, usual_scenarios
from arrisk.policy.stress.stress_figures import cash_path, covenant_rows, scenario_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.cash.cash_forecast import CashForecast
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.insurance.terms import PolicyTerms
    from arrisk.policy.study import Study

__all__ = ["StressReport", "stress_book"]

Floats = NDArray[np.float64]
NOT_GIVEN = "not given"
SETTINGS = ("balance_sheet", "covenant", "scenario")


@dataclass(frozen=True, slots=True, eq=False)
class StressReport:
    """What scenarios do to losses, cash and covenants; made by `stress_book`.

    Parameters
    ----------
    table : DataFrame
        One row a scenario, "any year" first: scenario, failing (customers), owed; loss, loss_low, loss_high;
        insured, retained; missing, missing_low, missing_high (receipts within the horizon); lowest,
        lowest_low, lowest_high, lowest_week (liquidity at its lowest week's end, or its change since today);
        insured_in_time (paid by the insurer within the horizon); shortfall (expected money to be found to
        keep the minimum cash) and p_short (its chance), missing without a balance sheet. Currency units.
    headroom : DataFrame
        One row a covenant and scenario: covenant, ratio, unit, limit, direction, scenario, value, headroom,
        low, high (of the headroom), p_breach, missing (figures that are not given).
    paths : DataFrame
        One row a scenario and week: scenario, week, ending, expected, low, high.
    cash_ratio : CashRatio or None
        Without and with insured receivables; None without a balance sheet.
    sheet : BalanceSheet
    covenants : tuple of Covenant
    runs : mapping of str to Run
        The simulated years.
    book : Book
    model : LossModel
    as_of : Timestamp
    currency : str
    level : float
        Of the ranges.
    assumptions : tuple of Assumption
    scenarios : tuple of Scenario
    remarks : tuple of str
        What a macro series did to a scenario, or why it could not.
    """

    table: pd.DataFrame
    headroom: pd.DataFrame
    paths: pd.DataFrame
    cash_ratio: CashRatio | None
    sheet: BalanceSheet
    covenants: tuple[Covenant, ...]
    runs: Mapping[str, Run]
    book: Book
    model: LossModel
    as_of: pd.Timestamp
    currency: str
    level: float
    assumptions: tuple[Assumption, ...]
    scenarios: tuple[Scenario, ...]
    remarks: tuple[str, ...] = ()

    @property
    def identified(self) -> bool:
        """Whether the ledger shows enough losses to say how often customers fail."""
        return bool(self.model.identified)

    @property
    def what_if(self) -> str:
        """What is assumed because the ledger or the study does not say it; empty when nothing is."""
        told = [str(self.model.what_if)] if self.model.what_if else []
        if self.sheet.cash is None:
            told.append(
                "no balance sheet is given: cash is its change since today, and covenants on it are open"
            )
        return "; ".join(told)

    @property
    def floor(self) -> float:
        """What must always be left: the minimum cash, or a covenant on liquidity where that is higher."""
        limits = [c.limit for c in self.covenants if c.ratio == LIQUIDITY]
        return max([self.sheet.minimum_cash, *limits])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Size of the runs and what they rest on."""
        run = self.runs[BASELINE]
        return {
            "draws": run.events.draws,
            "receipt_draws": self.book.receipts.draws,
            "customers": len(self.book.portfolio),
            "effective_names": self.book.portfolio.effective_names,
            "rho": self.book.dependence.rho,
            "industry_rho": self.book.dependence.industry_rho,
            "expected_receipts": float(self.book.plan.sum()),
            "planned_payments": float(self.book.payments.sum()),
            "effective_draws": {n: float(1 / (r.weight**2).sum()) for n, r in self.runs.items()},
        }

    def value(self, scenario: str, column: str) -> float:
        """One figure of one scenario."""
        return float(self.table.loc[self.table["scenario"] == scenario, column].iloc[0])

    def finding(self) -> str:
        """The scenario that takes most, in one sentence."""
        return page.find_worst(self)

    def to_table(self, name: str = "stress") -> Table:
        """Loss and cash by scenario."""
        return page.loss_table(self, name)

    def headroom_table(self, name: str = "stress_headroom") -> Table:
        """Covenants before and after each scenario."""
        return page.headroom_table(self, name)

    def scenario_table(self, name: str = "stress_scenarios") -> Table:
        """What each scenario says: who fails, how bad the year is, how late payments are."""
        return page.scenario_table(self, name)

    def insurance_table(self, name: str = "stress_insurance") -> Table:
        """What the insurer bears of each loss, and what of it comes in time."""
        return page.insurance_table(self, name)

    def sheet_table(self, name: str = "stress_balance_sheet") -> Table:
        """Cash, lines and debts as the study gives them."""
        return self.sheet.to_table(self.currency, name)

    def cash_ratio_table(self, name: str = "cash_ratio") -> Table:
        """The cash ratio without and with insured receivables, or what is missing for it."""
        if self.cash_ratio is None:
            gap = "Without a balance sheet there is no cash ratio"
            return Table(name, gap, pd.DataFrame({"convention": [], "ratio": []}))
        return self.cash_ratio.to_table(name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Loss and missing receipts by scenario."""
        return page.plot_losses(self, ax)

    def plot_paths(self, ax: Axes | None = None) -> Axes:
        """Liquidity by week under each scenario."""
        return page.plot_paths(self, ax)

    def plot_headroom(self, ax: Axes | None = None) -> Axes:
        """Headroom of covenants before and after."""
        return page.plot_headroom(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.headroom_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def stress_book(
    study: Study,
    snapshot: Snapshot,
    model: LossModel,
    forecast: CashForecast,
    policy: PolicyTerms | None = None,
    scenarios: Sequence[Scenario] | None = None,
    draws: int = 4000,
    receipt_draws: int = 1000,
) -> StressReport:
    """Try scenarios on the book: what is lost, what cash is missing and when, and which promise breaks.

    Parameters
    ----------
    study : Study
        Gives ``[settings.stress]``: balance_sheet, covenant and scenario tables, all optional; and the
        assumptions `planned_payments`, `insured_advance` and `confidence_level`.
    snapshot : Snapshot
    model : LossModel
        Of `make_loss_model`.
    forecast : CashForecast
        Of the same day.
    policy : PolicyTerms, optional
        The policy in force; by default the receivables are not insured.
    scenarios : sequence of Scenario, optional
        By default those of the study, else `usual_scenarios`.
    draws : int
        Simulated years of each scenario.
    receipt_draws : int
        Draws of the receipts.

    Returns
    -------
    StressReport

    Raises
    ------
    LookAheadError
        If the forecast is of another day than the snapshot.
    StudyError
        If a setting is not allowed.

    Notes
    -----
    Credit losses are those of a year; cash is that of the weeks of the forecast. Payments are planned at a
    share of what is expected to come in, spread evenly over the weeks, and go on when a customer fails.
    """
    if forecast.as_of != snapshot.date:
        raise LookAheadError(f"forecast of {forecast.as_of:%Y-%m-%d} on a book of {snapshot.date:%Y-%m-%d}")
    settings = _settings(study)
    sheet = read_balance_sheet(settings.get("balance_sheet"))
    covenants = read_covenants(settings.get("covenant", ()))
    book = make_book(study, snapshot, model, forecast, policy, receipt_draws)
    if scenarios is None:
        scenarios = read_scenarios(settings.get("scenario", ())) or usual_scenarios(_biggest_industry(book))
    resolved = [_with_overlay(scenario, snapshot) for scenario in scenarios]
    runs = {BASELINE: run_scenario(book, None, draws)}
    runs |= {scenario.name: run_scenario(book, scenario, draws) for scenario, _ in resolved}
    level = given_or_typical(study, "confidence_level").value
    named = ("planned_payments", "insured_advance", "confidence_level", "cost_of_capital")
    return StressReport(
        table=pd.DataFrame([scenario_row(run, sheet, level) for run in runs.values()]),
        headroom=covenant_rows(runs, covenants, sheet, book, level),
        paths=pd.concat(
            [cash_path(run, sheet, level, snapshot.date) for run in runs.values()], ignore_index=True
        ),
        cash_ratio=_cash_ratio(study, book, sheet, snapshot.currency),
        sheet=sheet,
        covenants=covenants,
        runs=runs,
        book=book,
        model=model,
        as_of=snapshot.date,
        currency=snapshot.currency,
        level=level,
        assumptions=tuple(given_or_typical(study, name) for name in named),
        scenarios=tuple(scenario for scenario, _ in resolved),
        remarks=tuple(remark for _, remark in resolved if remark),
    )


def make_book(
    study: Study,
    snapshot: Snapshot,
    model: LossModel,
    forecast: CashForecast,
    policy: PolicyTerms | None = None,
    receipt_draws: int = 1000,
) -> Book:
    """Gather what scenarios are tried on: customers with groups, receipts, planned payments."""
    receipts = draw_receipts(forecast, receipt_draws, study.seed)
    customers = snapshot.customers.set_index("customer_id")
    share = given_or_typical(study, "planned_payments").value
    plan = receipts.weekly().mean(axis=0)
    return Book(
        portfolio=model.portfolio,
        dependence=model.dependence,
        debtor=_labels(customers, model.portfolio.name, "group_id"),
        sales=np.asarray(model.sales, dtype=float),
        receipts=receipts,
        trade=_industries(customers, receipts.names),
        payments=np.full(receipts.weeks, share * float(plan.mean())),
        policy=policy,
        seed=study.seed,
    )


def _with_overlay(scenario: Scenario, snapshot: Snapshot) -> tuple[Scenario, str]:
    """A scenario on a macro series with the multiple of the book's own link to it, and what was done."""
    if not isinstance(scenario, MacroDownturn) or scenario.indicator is None:
        return scenario, ""
    try:
        factor = fit_macro_link(snapshot, scenario.series).overlay(scenario.indicator).value
    except ModelError as error:
        return scenario, f"'{scenario.name}' stays without the macro series: {error}"
    at = f"{scenario.series} at {scenario.indicator:g}"
    told = f"'{scenario.name}': {at} is {factor:.2f} times the default rate"
    return replace(scenario, chance=None, pd_multiple=factor), told


def _settings(study: Study) -> Mapping[str, Any]:
    settings = study.settings.get("stress", {})
    for key in settings:
        if key not in SETTINGS:
            raise StudyError(f"[settings.stress]: unknown key {key!r}{did_you_mean(key, SETTINGS)}")
    return settings


def _labels(customers: pd.DataFrame, names: NDArray[Any], column: str) -> NDArray[np.object_]:
    """The group of each customer, or the customer itself."""
    group = customers[column].reindex(names) if column in customers else pd.Series(index=names, dtype=object)
    own = group.notna().to_numpy(dtype=bool)
    return np.where(own, group.astype(str).to_numpy(dtype=object), np.asarray(names, dtype=object))


def _industries(customers: pd.DataFrame, names: NDArray[Any]) -> NDArray[np.object_]:
    trade = customers["industry"].reindex(names)
    return np.where(trade.notna().to_numpy(dtype=bool), trade.astype(str).to_numpy(dtype=object), NOT_GIVEN)


def _biggest_industry(book: Book) -> str | None:
    """The industry that owes most; None when there is only one."""
    names = book.portfolio.industries
    if len(names) < 2:
        return None
    owed = np.bincount(book.portfolio.industry, weights=book.portfolio.exposure, minlength=len(names))
    return str(names[int(owed.argmax())])


def _cash_ratio(study: Study, book: Book, sheet: BalanceSheet, currency: str) -> CashRatio | None:
    if sheet.cash is None or not sheet.current_liabilities:
        return None
    insured = 0.0 if book.policy is None else insured_receivables(book.portfolio, book.policy)
    advance = given_or_typical(study, "insured_advance").value
    return make_cash_ratio(sheet.cash, sheet.near_cash, sheet.current_liabilities, insured, advance, currency)
