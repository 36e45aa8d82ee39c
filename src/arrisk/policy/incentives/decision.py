"""The decision about bonuses: does the scheme pay for itself, and can it tell people apart?"""

from __future__ import annotations

from dataclasses import dataclass

from arrisk.display import money
from arrisk.models.early_warning.ranking import COMBINED, AlertRanking
from arrisk.policy.incentives.bonus import BonusCase, bonus_shares, make_bonus_case, read_tiers
from arrisk.policy.incentives.measures import make_sales_sums
from arrisk.policy.incentives.scheme import Scheme, make_incentive_schemes
from arrisk.policy.incentives.scores import SalesScores, score_sales
from arrisk.policy.incentives.teams import TeamScore, score_finance, score_management
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation, Verdict
from arrisk.policy.study import Study
from arrisk.portfolio.early_booking import EarlyBooking, check_early_booking

__all__ = ["Incentives", "make_incentives", "recommend_incentives"]

QUESTION = "Does the sales bonus pay for itself, and can it tell people apart?"
EXPERIMENT = (
    "Begin the bonus in half of the departments, drawn at random, and compare the overdue share of both "
    "halves after two quarters."
)
NAME_THEM = "Write the salesperson on every invoice for a year; it costs a field in the export."
LEAST_APART = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Incentives:
    """All that the incentive schemes of a study say.

    Attributes
    ----------
    sales : SalesScores
    departments : SalesScores
        The same terms by department.
    finance, management : TeamScore
    bonus : BonusCase
    booking : EarlyBooking
    schemes : dict of name to Scheme
    """

    sales: SalesScores
    departments: SalesScores
    finance: TeamScore
    management: TeamScore
    bonus: BonusCase
    booking: EarlyBooking
    schemes: dict[str, Scheme]


def make_incentives(study: Study, ranking: AlertRanking | None = None) -> Incentives:
    """Score people and teams as the study's settings say.

    Parameters
    ----------
    study : Study
        ``[settings.incentives]`` may give weights for "sales", "finance" and "management", and `tiers`;
        `full_bonus`, `cost_of_capital` and `grace_days` are assumptions.
    ranking : AlertRanking, optional
        Back-test of early warning; the share of defaults that the alerts handled under the budget caught is
        the effectiveness of warning.

    Returns
    -------
    Incentives

    Raises
    ------
    StudyError
        If settings are not usable or an assumption is missing.
    """
    settings = dict(study.settings.get("incentives", {}))
    tiers = read_tiers(settings.pop("tiers", None))
    schemes = make_incentive_schemes(settings)
    snapshot, grace = study.snapshot(), round(study.assumption("grace_days").value)
    sums = make_sales_sums(snapshot, "salesperson", grace)
    sales = score_sales(snapshot, schemes["sales"], "salesperson", grace, sums, study.seed)
    warned = None
    if ranking is not None and ranking.identified:
        warned = float(ranking.row(COMBINED)["caught"])
    bonus = make_bonus_case(
        sales,
        sums,
        study.assumption("full_bonus").value,
        study.assumption("cost_of_capital").value,
        snapshot.currency,
        tiers,
    )
    return Incentives(
        sales,
        score_sales(snapshot, schemes["sales"], "department", grace, seed=study.seed),
        score_finance(snapshot, schemes["finance"], warned),
        score_management(snapshot, schemes["management"], grace),
        bonus,
        check_early_booking(snapshot),
        schemes,
    )


def recommend_incentives(study: Study, found: Incentives) -> Recommendation:
    """Pay the bonus, drop it, or leave pay as it is.

    Parameters
    ----------
    study : Study
    found : Incentives

    Returns
    -------
    Recommendation
        "adopt" when the financing saved surely exceeds the bonus and at least half of the pairs of people can
        be told apart; "reject" when it surely does not reach it; else "keep". "The data cannot say" without
        salespeople, a score, or a year before.
    """
    saved, sales = found.bonus.saved, found.sales
    if saved is None or not sales.table["score"].notna().any():
        return _cannot_say(study, found)
    low, high = saved.low - found.bonus.cost, saved.high - found.bonus.cost
    clear = sales.told_apart >= LEAST_APART * sales.pairs
    verdict: Verdict = "reject" if high < 0 else "adopt" if low > 0 and clear else "keep"
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer(verdict, found),
        scope=f"{len(sales.table)} salespeople, {found.bonus.customers} customers, the year up to the date",
        as_of=sales.as_of,
        options=_options(study, found),
        expected_value=Estimate(
            found.bonus.saved_value - found.bonus.cost,
            low,
            high,
            saved.level,
            f"{study.currency} per year",
            "financing saved against a year before less the bonus; delete-one-customer jackknife",
        ),
        flip=_flip(study, found),
        identified=False,
        design="comparison with a year before: what else changed since then is in the saving",
        experiment=EXPERIMENT,
        assumptions=tuple(study.assumption(n) for n in ("full_bonus", "cost_of_capital", "grace_days")),
        notes=(found.booking.finding, *_missing(found)),
    )


def _answer(verdict: Verdict, found: Incentives) -> str:
    sales, bonus = found.sales, found.bonus
    act = {
        "adopt": "Pay the bonus as scored",
        "reject": "Do not pay this bonus",
        "keep": "Leave pay as it is",
    }[verdict]
    apart = f"{sales.told_apart} of {sales.pairs} pairs of salespeople can be told apart"
    return f"{act}: {bonus.finding[0].lower()}{bonus.finding[1:]}; {apart}."


def _options(study: Study, found: Incentives) -> tuple[Option, ...]:
    bonus, unit = found.bonus, f"{study.currency} per year"
    full = study.assumption("full_bonus").value
    tiered = Option("bonus by tiers of the score", -bonus.cost, unit=unit, note="cost alone")
    equal = Option(
        "the same full bonus for all",
        -full * len(bonus.table),
        unit=unit,
        note="cost alone; needs no ranking",
    )
    none = Option("no bonus", 0.0, unit=unit)
    return tiered, equal, none


def _flip(study: Study, found: Incentives) -> Flip:
    bonus, full = found.bonus, study.assumption("full_bonus").value
    paid = float(bonus_shares(found.sales.table["score"].to_numpy(dtype=float), bonus.tiers)[0].sum())
    if not paid > 0:
        sentence = "Nobody reaches the first tier, so the bonus costs nothing."
        return Flip("full bonus of a salesperson", full, None, f"{study.currency} per year", sentence)
    surely = bonus.saved is not None and bonus.saved.low > 0
    base = bonus.saved.low if bonus.saved is not None and surely else max(bonus.saved_value, 0.0)
    turn = base / paid
    sentence = (
        f"If the whole saving came from it, the bonus {'surely' if surely else 'on the estimate'} pays for "
        f"itself below {money(turn, study.currency)} for a full bonus, now {money(full, study.currency)}."
    )
    if not surely:
        sentence += " No bonus, however small, surely does: the saving may be none."
    return Flip("full bonus of a salesperson", full, turn, f"{study.currency} per year", sentence)


def _missing(found: Incentives) -> tuple[str, ...]:
    return tuple(
        f"{term.replace('_', ' ').capitalize()} is left out of every sales score: {why}."
        for term, why in found.sales.left_out.items()
    )


def _cannot_say(study: Study, found: Incentives) -> Recommendation:
    nobody = found.sales.table.empty
    answer = found.sales.finding if nobody else f"{found.bonus.finding}."
    experiment = (
        "Write the salesperson on every invoice for a year; it costs a field in the export."
        if nobody
        else EXPERIMENT
    )
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=answer,
        scope="salespeople named on invoices",
        as_of=found.sales.as_of,
        experiment=experiment,
        notes=(found.management.finding + ".",),
    )
