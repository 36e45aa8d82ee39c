"""Insurance structures as tables: terms, one loss step by step, costs, kept losses, regret, limit cuts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, money
from arrisk.policy.insurance.claims import apply_terms
from arrisk.policy.insurance.forms import Programme
from arrisk.policy.insurance.premium import price_policy

if TYPE_CHECKING:
    from arrisk.policy.insurance.case import InsuranceCase
    from arrisk.policy.insurance.comparison import PolicyComparison
    from arrisk.policy.insurance.stability import StabilityMap
    from arrisk.policy.insurance.structures import Candidate
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["cuts_table", "regret_table", "retained_table", "structures_table", "terms_table", "trace_table"]

STEP_WORDS = {
    "covered": "balance_owed",
    "underlying_limit": "above_the_first_policy",
    "buyer_limit": "within_the_limit",
    "non_qualifying_loss": "if_large_enough",
    "threshold": "less_threshold",
    "insured_share": "insured_share",
    "each_and_every": "less_excess",
    "aggregate_first_loss": "less_first_loss",
    "maximum_liability": "within_the_maximum",
}
COSTS: dict[str, Format] = {
    "structure": "text",
    "premium": "money",
    "waiting_cost": "money",
    "expected_net_cost": "money",
    "retained_tvar_99": "money",
    "risk_adjusted_cost": "money",
    "saving": "money",
    "break_even_premium": "money",
    "break_even_rate_risk": "percent",
}
COST_NAMES = {
    "retained_tvar_99": "kept_in_worst_years",
    "risk_adjusted_cost": "cost_with_capital",
    "break_even_premium": "premium_that_breaks_even",
    "break_even_rate_risk": "as_a_rate",
}
RETAINED = ("expected", "95", "99", "99.5", "tvar_99")


def terms_table(case: InsuranceCase, name: str) -> Table:
    """The structures with their terms, in the order in which they apply to a loss."""
    rows = [_terms_row(case, candidate) for candidate in case.candidates]
    frame = pd.DataFrame(rows)
    sources = list(dict.fromkeys(c.source for c in case.candidates if not c.given))
    told = f" Worked out: {'; '.join(sources)}." if sources else ""
    note = (
        "Terms apply to a loss in the order of the columns from the limit of the buyer on; insurers differ "
        f"in the order. Recoveries are shared in proportion.{told}"
    )
    return Table(name, "The policies compared", frame, note)


def _terms_row(case: InsuranceCase, candidate: Candidate) -> dict[str, str]:
    first, priced = candidate.layers[0], _premiums(case, candidate)
    count = _insured(case, first)
    fixed = first.with_premium(priced[0])
    limit = _or_none(first.buyer_limit, case.currency)
    if first.only_buyers is not None and len(first.named_limits) == 1:
        limit = money(next(iter(first.named_limits.values())), case.currency)
    if isinstance(candidate.policy, Programme):
        limit = f"{limit}, then {_or_none(candidate.layers[1].buyer_limit, case.currency)}"
    return {
        "structure": candidate.name,
        "customers": f"{count:,}",
        "premium_a_year": money(sum(priced), case.currency),
        "premium_is": "given" if candidate.given else "worked out",
        "limit_of_the_buyer": limit,
        "least_loss": _or_none(first.non_qualifying_loss, case.currency),
        "insured_share": f"{first.insured_share:.0%}",
        "excess_of_each": _or_none(first.each_and_every, case.currency),
        "first_loss_of_the_year": _or_none(first.aggregate_first_loss, case.currency),
        "maximum_of_the_year": _or_none(fixed.maximum_liability, case.currency),
    }


def _premiums(case: InsuranceCase, candidate: Candidate) -> list[float]:
    book = case.model.portfolio
    return [price_policy(terms, book, case.sales, case.facts).total for terms in candidate.layers]


def _insured(case: InsuranceCase, terms: PolicyTerms) -> int:
    from arrisk.policy.insurance.buyer_limits import grant_cover

    if case.book.empty:
        return 0
    return int(grant_cover(terms, case.model.portfolio, case.facts).insured.sum())


def _or_none(value: float, currency: str) -> str:
    return "none" if math.isinf(value) or value == 0 else money(value, currency)


def trace_table(case: InsuranceCase, balance: float | None, name: str) -> Table:
    """A loss on the largest customer through every structure: what is left after each step, who pays what."""
    most = int(case.exposure.argmax())
    owed = float(case.exposure[most]) if balance is None else balance
    buyer = str(case.model.portfolio.name[most])
    rows = [_trace_row(case, candidate, owed, buyer) for candidate in case.candidates]
    frame = pd.DataFrame(rows)
    formats: dict[str, Format] = {str(column): "money" for column in frame if column != "structure"}
    title = f"A customer who owes {money(owed, case.currency)} is lost, the first of the year"
    note = (
        f"Amount left after each step, {case.currency}, before recoveries; they are shared in proportion. "
        "With a top-up the steps are those of the first policy."
    )
    return Table(name, title, frame, note, formats)


def _trace_row(case: InsuranceCase, candidate: Candidate, owed: float, buyer: str) -> dict[str, object]:
    paid = 0.0
    row: dict[str, object] = {"structure": candidate.name}
    for at, (terms, premium) in enumerate(zip(candidate.layers, _premiums(case, candidate), strict=True)):
        found = apply_terms([owed], terms.with_premium(premium), buyer=[buyer])
        if at == 0:
            row |= {STEP_WORDS[step]: float(amount[0]) for step, amount in found.after.items()}
        paid += float(found.indemnity[0])
    return row | {"the_insurer_pays": paid, "you_keep": owed - paid}


def structures_table(found: PolicyComparison, name: str) -> Table:
    """What each structure costs, and the premium at which it breaks even."""
    frame = found.summary[list(COSTS)].rename(columns=COST_NAMES)
    formats: dict[str, Format] = {COST_NAMES.get(c, c): kind for c, kind in COSTS.items()}
    errors = found.summary[["cost_error", "saving_error"]].max()
    at = f" at {found.basis}" if found.basis else ""
    note = (
        f"{found.currency} a year{at}; {found.weight.size:,} simulated years common to all. Expected net "
        "cost: premium, mean kept loss, waiting for claims. Worst years: mean of the worst 1%. Cost "
        f"with capital: with {found.cost_of_risk:.0%} a year (the cost of risk) on the capital for the worst "
        "years; "
        f"simulation error up to {money(errors['cost_error'])}, of a saving up to "
        f"{money(errors['saving_error'])}. The premium that breaks even is that at which the saving is "
        "nothing, fees included; as a rate of the premium base of the first policy."
    )
    title = f"{'What-if: what' if found.what_if else 'What'} each structure costs a year"
    return Table(name, title, frame, f"{note}{_assumed(found.what_if)}", formats)


def retained_table(found: PolicyComparison, name: str) -> Table:
    """Kept losses with simulation errors, and how often the maximum and the first loss matter."""
    wide = found.table.pivot_table(index="structure", columns="term", values=["estimate", "mc_error"])
    wide = wide.loc[found.summary["structure"]]
    frame = pd.DataFrame({"structure": wide.index})
    formats: dict[str, Format] = {}
    for level in RETAINED:
        label = {"expected": "mean", "tvar_99": "worst_1%"}.get(level, f"{level}%")
        frame[label] = wide[("estimate", f"retained_{level}")].to_numpy()
        frame[f"error_{label}"] = wide[("mc_error", f"retained_{level}")].to_numpy()
        formats |= {label: "money", f"error_{label}": "money"}
    frame["year_hits_maximum"] = found.summary["p_limit_binds"].to_numpy()
    frame["first_loss_not_used_up"] = found.summary["p_first_loss_unused"].to_numpy()
    formats |= {"year_hits_maximum": "percent", "first_loss_not_used_up": "percent"}
    note = (
        f"{found.currency}: loss of a year that is kept, not exceeded with the probability named; worst 1%: "
        "mean of these years. error: one standard error of the simulation."
    )
    title = f"{'What-if: losses' if found.what_if else 'Losses'} that are kept, and how often clauses matter"
    return Table(name, title, frame, f"{note.strip()}{_assumed(found.what_if)}", formats)


def regret_table(found: StabilityMap, name: str) -> Table:
    """Gain over self-insuring, cost and regret by structure."""
    frame = found.weights.copy()
    frame.insert(1, "gain_over_self_insuring", [found.mean_gain(s) for s in frame["structure"]])
    frame.insert(2, "simulation_error", frame.pop("gain_error"))
    frame["gain_when_limits_are_cut"] = [found.mean_gain(s, cut=True) for s in frame["structure"]]
    frame = frame.rename(columns={"p_best": "probability_cheapest"})
    formats: dict[str, Format] = {str(c): "money" for c in frame if c != "structure"}
    formats["probability_cheapest"] = "percent"
    note = (
        f"{found.currency} a year, capital included, over {found.weight.size:,} cases of level and "
        "correlation weighted by what the ledger leaves open. Regret: what a structure costs more than the "
        "cheapest of each case; the least expected regret is the least expected cost. Simulation "
        "error: one standard error of the gain, at most."
    )
    title = f"{'What-if: cost' if found.what_if else 'Cost'} and regret over what the ledger leaves open"
    return Table(name, title, frame, f"{note}{_assumed(found.what_if)}", formats)


def cuts_table(case: InsuranceCase, plain: PolicyComparison, cut: PolicyComparison, name: str) -> Table:
    """What it costs when the insurer cuts limits just in the bad years."""
    shown = (
        plain.summary[["structure", "retained_tvar_99", "risk_adjusted_cost"]].iloc[1:].reset_index(drop=True)
    )
    other = cut.summary.iloc[1:].reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "structure": shown["structure"],
            "kept_in_worst_years": shown["retained_tvar_99"],
            "when_limits_are_cut": other["retained_tvar_99"],
            "cost_of_the_cuts": other["risk_adjusted_cost"] - shown["risk_adjusted_cost"],
            "saving_that_is_left": other["saving"],
        }
    )
    formats: dict[str, Format] = {str(c): "money" for c in frame if c != "structure"}
    part, years = case.downturn
    note = (
        f"{case.currency} a year, capital included, at {case.basis}. An insurer may cut limits at any "
        "time, and does so when its claims rise: the option is its own, and it is used against the insured."
    )
    title = f"If the insurer cuts limits by {part:.0%} in the worst {years:.0%} of years"
    return Table(name, title, frame, f"{note}{_assumed(case.what_if)}", formats)


def _assumed(what_if: str) -> str:
    return f" What-if: {what_if}." if what_if else ""
