"""Offers side by side on the same simulated years: what each costs, and which clause costs what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import OfferError
from arrisk.models.tail import weighted_quantile
from arrisk.policy.funding.funding_plan import UNSTATED, make_pool_book
from arrisk.policy.funding.settings import cash_wanted
from arrisk.policy.insurance.exclusions import read_buyer_facts
from arrisk.policy.insurance.retained import NO_INSURANCE
from arrisk.policy.loss_basis import make_loss_model
from arrisk.policy.offers import page, pictures
from arrisk.policy.offers.clause_costs import cost_clauses
from arrisk.policy.offers.differences import DIFFERENCE_COLUMNS, explain_difference
from arrisk.policy.offers.flips import find_flips
from arrisk.policy.offers.negotiation import find_asks
from arrisk.policy.offers.offer import Offer
from arrisk.policy.offers.years import CaseYears, Outcome, simulate_cases

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.study import Study

__all__ = ["OfferComparison", "compare_offers"]

FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]
YEARS = 12_000
FAR_TAIL = 0.995


@dataclass(frozen=True, slots=True)
class OfferComparison:
    """Offers compared; made by `compare_offers`.

    Parameters
    ----------
    offers : tuple of Offer
    ranking : DataFrame
        Cheapest first: offer, kind, valid_until, expired; cash (obtained) and rate (its effective annual
        cost); charges (premium, interest and fees, after bonus and malus; for cash that is wanted and not
        obtained the cost of capital), kept (mean loss kept, waiting included), money (both: what a year
        costs on average), retained_99.5 (loss kept in one year of 200), cost (with the charge on capital),
        behind (cost above that of the best); cost_error and behind_error (Monte Carlo); mean_regret,
        worst_regret, p_best over the cases. Currency units a year.
    cases : DataFrame
        scale, rho, weight, offer, cost, regret: one row a case and offer.
    clauses : DataFrame
        See `cost_clauses`; offer by offer, dearest clause first.
    bare : dict of str to float
        Cost of each offer without its clauses, at its rate.
    differences : DataFrame
        See `explain_difference`: the cheapest offer against each of the others.
    asks : DataFrame
        See `find_asks`: what to negotiate first.
    flips : DataFrame
        See `find_flips`: what would turn the ranking.
    as_of : Timestamp
    day : date
        On which offers count as expired.
    currency : str
    years : int
        Simulated years of all cases.
    wanted : float
        Cash wanted, currency units; 0 when no offer brings cash.
    what_if : str
        What is assumed because the ledger does not show it; empty when it shows enough losses.
    """

    offers: tuple[Offer, ...]
    ranking: pd.DataFrame
    cases: pd.DataFrame
    clauses: pd.DataFrame
    bare: dict[str, float]
    differences: pd.DataFrame
    asks: pd.DataFrame
    flips: pd.DataFrame
    as_of: pd.Timestamp
    day: dt.date
    currency: str
    years: int
    wanted: float = 0.0
    what_if: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """The ranking."""
        return self.ranking

    @property
    def best(self) -> str:
        """The cheapest that can still be had, no insurance included."""
        return str(self.ranking.loc[~self.ranking["expired"], "offer"].iloc[0])

    @property
    def diagnostics(self) -> dict[str, float]:
        """Size of the run."""
        return {
            "offers": float(len(self.offers)),
            "years": float(self.years),
            "cases": float(len(self.cases[["scale", "rho"]].drop_duplicates())),
            "worst_error": float(self.ranking["cost_error"].max()),
        }

    def finding(self) -> str:
        """The cheapest offer, how surely, and its dearest clause, in one sentence."""
        return page.describe_comparison(self)

    def to_table(self, name: str = "offers_ranking") -> Table:
        """The offers from the cheapest to the dearest, ready to be shown."""
        return page.ranking_table(self, name)

    def tables(self) -> tuple[Table, ...]:
        """Ranking, clauses, differences, what to negotiate, what would turn the ranking, and the terms."""
        return page.all_tables(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What each offer costs a year: without clauses, and each clause on top."""
        return pictures.plot_clauses(self, ax)

    def _repr_html_(self) -> str:
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in self.tables())


def compare_offers(
    study: Study,
    snapshot: Snapshot,
    offers: Iterable[Offer],
    loss_model: LossModel | None = None,
    related: Iterable[str] = (),
    day: dt.date | None = None,
    years: int = YEARS,
    seed: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> OfferComparison:
    """Compare offers, and no insurance, on the same simulated years of all cases of a loss model.

    Parameters
    ----------
    study : Study
        Needs `cost_of_capital`: the charge on capital for the worst 1% of years, and the cost of waiting.
    snapshot : Snapshot
    offers : iterable of Offer
        At least one; in the study's currency.
    loss_model : LossModel, optional
        By default fitted with the study's scorecard.
    related : iterable of str
        Customers of the own group, which insurers exclude; a ledger does not tell.
    day : date, optional
        On which offers count as expired: by default the as-of date.
    years : int
        Simulated, of all cases together, about.
    seed : int, optional
        That of the study by default.
    n_jobs : int
    progress : callable, optional
        Told what is being done, one text a step.

    Returns
    -------
    OfferComparison
        Ranked by cost over all cases, which is the order of expected regret, too. Offers that have expired
        are costed but are never the best.

    Raises
    ------
    OfferError
        If there is no offer, two have one name, or an offer is not in the study's currency.
    StudyError
        If the study gives no cost of capital.
    """
    given = tuple(offers)
    _check(given, study.currency)
    capital = study.assumption("cost_of_capital").value
    tell = progress or (lambda text: None)
    tell("reading the ledger's losses")
    model = loss_model or _fit(study, snapshot)
    facts = read_buyer_facts(snapshot, model.portfolio.name, related)
    tell(f"simulating {years:,} years of {len(model.cases)} cases")
    root = study.seed if seed is None else seed
    runs = simulate_cases(model, years, root, capital, facts, capital, n_jobs)
    if not all(offer.is_insurance for offer in given):
        runs = _with_funding(runs, study, snapshot, model)
    today = day or snapshot.date.date()
    ranking, cases = _rank(given, runs, model.cases, today)
    parts = _price_clauses(given, ranking, runs, study.currency, root, tell)
    drawn = runs.events.draws
    return OfferComparison(
        given, ranking, cases, *parts, snapshot.date, today, study.currency, drawn, runs.wanted, model.what_if
    )


def _check(offers: tuple[Offer, ...], currency: str) -> None:
    if not offers:
        raise OfferError("no offers to compare")
    labels = [offer.label for offer in offers]
    for offer in offers:
        where = f"{offer.path}: " if offer.path else ""
        if offer.currency != currency:
            raise OfferError(
                f"{where}the offer of {offer.provider} is in {offer.currency}, the study is in {currency}; "
                f"ask for a quote in {currency}, or state it in {currency} and name the rate under source"
            )
        if labels.count(offer.label) > 1 or offer.label == NO_INSURANCE:
            raise OfferError(f"{where}{offer.label!r}: provider and name together must differ")


def _fit(study: Study, snapshot: Snapshot) -> LossModel:
    from arrisk.models.scoring.fitting import fit_scorecard
    from arrisk.policy.default_counts import define_default

    card = None
    if study.get("default_days") is not None and study.get("materiality") is not None:
        card = fit_scorecard(snapshot, definition=define_default(study), seed=study.seed)
    return make_loss_model(study, card, snapshot)


def _with_funding(runs: CaseYears, study: Study, snapshot: Snapshot, model: LossModel) -> CaseYears:
    """The years with the book that is to be funded and the cash wanted."""
    book = make_pool_book(study, snapshot, model)
    return replace(runs, book=book, wanted=cash_wanted(study) or UNSTATED * book.pool.balance)


def _rank(
    offers: tuple[Offer, ...], years: CaseYears, cases: pd.DataFrame, day: dt.date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranking and cases of all offers and of no insurance."""
    rows, costs = [], []
    for offer in (None, *offers):
        found = years.outcome(None if offer is None else offer.terms)
        costs.append(years.charge(found))
        rows.append({**_head(offer, day), **_figures(found, costs[-1], years)})
    ranking, grid = pd.DataFrame(rows), np.stack([years.by_case(cost)[0] for cost in costs])
    valid = ~ranking["expired"].to_numpy()
    best = int(np.where(valid, ranking["cost"], np.inf).argmin())
    ranking["behind"] = [years.mean(cost - costs[best]) for cost in costs]
    ranking["behind_error"] = [years.error(cost - costs[best]) for cost in costs]
    regret = np.where(valid[:, None], grid - grid[valid].min(axis=0), np.nan)
    ranking["mean_regret"], ranking["worst_regret"] = regret @ years.weight, regret.max(axis=1)
    ranking["p_best"] = np.where(valid, (regret <= 0) @ years.weight, np.nan)
    used = cases.loc[cases["weight"] > 0, ["scale", "rho", "weight"]].reset_index(drop=True)
    parts = [
        used.assign(offer=name, cost=grid[k], regret=regret[k]) for k, name in enumerate(ranking["offer"])
    ]
    ordered = ranking.sort_values(["expired", "cost"], kind="stable", ignore_index=True)
    return ordered, pd.concat(parts, ignore_index=True)


def _head(offer: Offer | None, day: dt.date) -> dict[str, Any]:
    if offer is None:
        return {"offer": NO_INSURANCE, "kind": "", "valid_until": None, "expired": False}
    expired = offer.has_expired(day)
    return {"offer": offer.label, "kind": offer.kind, "valid_until": offer.valid_until, "expired": expired}


def _figures(found: Outcome, cost: FloatArray, years: CaseYears) -> dict[str, float]:
    money = years.mean(found.cost)
    return {
        "cash": found.cash,
        "rate": found.rate,
        "charges": found.charges,
        "kept": money - found.charges,
        "money": money,
        "retained_99.5": weighted_quantile(found.retained, FAR_TAIL, years.events.weight),
        "cost": years.mean(cost),
        "cost_error": years.error(cost),
    }


def _price_clauses(
    offers: tuple[Offer, ...],
    ranking: pd.DataFrame,
    years: CaseYears,
    currency: str,
    seed: int,
    tell: Progress,
) -> tuple[pd.DataFrame, dict[str, float], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Clauses, bare costs, differences, asks and flips."""
    policies: dict[str, Any] = {o.label: o.terms for o in offers}
    costs = dict(zip(ranking["offer"], ranking["cost"], strict=True))
    clauses, asks, flips, bare = [], [], [], {}
    for number, (name, terms) in enumerate(policies.items(), start=1):
        tell(f"costing the clauses of offer {number} of {len(policies)}")
        table = cost_clauses(terms, years, currency, seed=seed)
        clauses.append(table)
        bare[name] = costs[name] - float(table["share"].sum())
        asks.append(find_asks(terms, table, years, currency))
        others = ranking[(ranking["offer"] != name) & ~ranking["expired"]]
        rival = others.iloc[0]
        flips.append(find_flips(terms, table, years, float(rival["cost"]), str(rival["offer"]), currency))
    tell("explaining the differences between the offers")
    differences = _explain(ranking, policies, years, currency, seed)
    return _join(clauses), bare, differences, _join(asks), _join(flips)


def _join(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table under the other; what has no rows brings its columns only when it is alone."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def _explain(
    ranking: pd.DataFrame, policies: dict[str, Any], years: CaseYears, currency: str, seed: int
) -> pd.DataFrame:
    """The cheapest offer that can still be had against each of the others of its kind."""
    names = [n for n in ranking.loc[~ranking["expired"], "offer"] if n in policies]
    parts = [pd.DataFrame(columns=list(DIFFERENCE_COLUMNS))]
    for there in (n for n in names[1:] if type(policies[n]) is type(policies[names[0]])):
        parts.append(explain_difference(policies[there], policies[names[0]], years, currency, seed=seed))
    return _join(parts)
