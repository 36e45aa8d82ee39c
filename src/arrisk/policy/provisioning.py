"""How much to provide: the amount on the stated basis, other ways to it, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arrisk.display import money
from arrisk.models.loss_rates.comparison import PATHS
from arrisk.models.loss_rates.comparison_page import NAMES
from arrisk.models.provision.provision import Provision
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation, Verdict

if TYPE_CHECKING:
    from arrisk.models.loss_rates.comparison import LossRateComparison
    from arrisk.models.provision.backtest import ProvisionBacktest
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["recommend_provision"]

QUESTION = "How much to provide?"
CURRENT = "current_provision_rate"
"""Assumption that states today's practice: a flat share of the open balance (optional)."""
MAIN_CHOICES = ("rates", "window", "averaging", "write-offs", "terminal loss", "recoveries")


def recommend_provision(
    study: Study,
    provision: Provision,
    comparison: LossRateComparison | None = None,
    backtest: ProvisionBacktest | None = None,
) -> Recommendation:
    """Recommend the amount to provide, with its interval and what would change it.

    Parameters
    ----------
    study : Study
        May give the assumption ``current_provision_rate`` (fraction of the open balance): today's flat
        practice is then kept if its amount lies inside the interval.
    provision : Provision
        On the study's basis.
    comparison : LossRateComparison, optional
        The other ways to the rates.
    backtest : ProvisionBacktest, optional
        Provisions of past days on the same basis.

    Returns
    -------
    Recommendation
        "The data cannot say", with an upper bound, when some of what is owed has no rate.
    """
    given = study.get(CURRENT)
    practice = None if given is None else round(given.value * _owed(provision), 2)
    options = tuple(_options(provision, given, practice, comparison))
    assumptions = () if given is None else (given,)
    total = provision.total
    if total.value is None:
        return _cannot_say(provision, options, assumptions)
    keep = practice is not None and total.low <= practice <= total.high
    verdict: Verdict = "keep" if keep else "adopt"
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer(provision, practice, keep),
        scope=_scope(provision),
        as_of=provision.as_of,
        options=options,
        expected_value=Estimate(
            total.value, total.low, total.high, total.level, f"{provision.currency} to set aside",
            total.method,
        ),
        flip=_flip(provision, practice),
        identified=True,
        design="a description of this ledger's own history, customers as the unit; a forecast only as far as "
        "the coming months resemble the window",
        experiment="Follow the largest balances over 90 days one by one for a quarter: their outcome is the "
        "loss share of the oldest bucket, which carries most of the uncertainty.",
        assumptions=assumptions,
        notes=_notes(provision, backtest),
    )  # fmt: skip


def _owed(provision: Provision) -> float:
    return float(provision.table["gross"].sum())


def _scope(provision: Provision) -> str:
    """What is provided for, and under which framework."""
    framework = provision.basis.framework or "a management figure, no accounting framework claimed"
    judged = float(provision.table["assessed"].sum())
    apart = f", {money(judged)} of it judged customer by customer" if judged else ""
    return f"open debit items of {money(_owed(provision), provision.currency)}{apart}; {framework}"


def _options(
    provision: Provision,
    given: Assumption | None,
    practice: float | None,
    comparison: LossRateComparison | None,
) -> list[Option]:
    currency, total = provision.currency, provision.total
    words = provision.conventions["rates"] if total.value is not None else f"a bound: {total.method}"
    options = [Option("the stated basis", total.value, total.low, total.high, currency, words)]
    if comparison is not None and total.value is not None:
        options += _other_ways(provision, comparison)
    if given is not None:
        note = f"{given.value:.2%} of the balance"
        options.append(Option("today's flat rate", practice, None, None, currency, note))
    return options


def _other_ways(provision: Provision, comparison: LossRateComparison) -> list[Option]:
    """The rates of the other methods on the same pool, with the same customers judged by themselves."""
    mine, table = provision.rates.counts, provision.table
    shape = (len(provision.rates.segments), mine.buckets)
    unsecured = (table["pooled"] - table["secured"]).to_numpy(dtype=float).reshape(shape)
    judged = float(table["assessed_loss"].sum())
    options = []
    for method, rates in comparison.fits.items():
        same = (rates.counts.segments, rates.counts.edges) == (mine.segments, mine.edges)
        if method == provision.basis.method or not same:
            continue
        found = rates.amount(unsecured)
        value = None if found.value is None else found.value + judged
        words = PATHS[method] if value is not None else f"a bound: {found.method}"
        options.append(
            Option(NAMES[method], value, found.low + judged, found.high + judged, provision.currency, words)
        )
    return options


def _answer(provision: Provision, practice: float | None, keep: bool) -> str:
    total = provision.total
    assert total.value is not None
    amount = money(total.value, provision.currency)
    spread = f"{money(total.low)} to {money(total.high)}"
    share = total.value / _owed(provision) if _owed(provision) > 0 else 0.0
    if practice is None:
        return f"Set aside {amount} ({spread}), {share:.1%} of what customers owe."
    now = money(practice, provision.currency)
    if keep:
        return (
            f"Keep today's {now}: the ledger's own rates give {amount} ({spread}), which does not exclude it."
        )
    way = "Raise" if practice < total.low else "Lower"
    return f"{way} the provision from {now} to {amount} ({spread}), {share:.1%} of what customers owe."


def _flip(provision: Provision, practice: float | None) -> Flip:
    """Where today's practice crosses the interval; without one, the debt whose loss leaves it."""
    total = provision.total
    assert total.value is not None
    if practice is None:
        return _single_loss(provision, total.high - total.value)
    nearer = total.low if abs(practice - total.low) < abs(practice - total.high) else total.high
    act = "leaves" if total.low <= practice <= total.high else "enters"
    sentence = (
        f"The verdict turns when today's practice {act} the interval at {money(nearer, provision.currency)} "
        f"(now {money(practice, provision.currency)})."
    )
    return Flip("provision by today's practice", practice, nearer, provision.currency, sentence)


def _single_loss(provision: Provision, room: float) -> Flip:
    """How large a debt, judged lost, takes the amount out of its interval, and how many are."""
    rows = provision.by_customer
    more = (rows["exposure"] - rows["provision"]).astype(float)
    enough = int((more > room).sum())
    largest = float(more.max()) if len(rows) else 0.0
    who = {0: "no customer owes that much", 1: "one customer does"}.get(enough, f"{enough} customers do")
    sentence = (
        f"If one customer that owes {money(room, provision.currency)} more than is set aside for it fails, "
        f"the amount leaves its interval and must be raised; {who}."
    )
    return Flip("largest debt not provided for", largest, room, provision.currency, sentence)


def _notes(provision: Provision, backtest: ProvisionBacktest | None) -> tuple[str, ...]:
    facts = provision.diagnostics
    notes = [f"{facts['losers']} of {facts['customers']} customers were written off in the window."]
    if backtest is not None:
        notes.append(f"The same basis on past days: {backtest.finding()}.")
    if provision.reimbursement.value:
        back = money(provision.reimbursement.value, provision.currency)
        notes.append(f"Enhancements that are not integral would pay {back}; it is not taken off.")
    return (*notes, _conventions(provision))


def _conventions(provision: Provision) -> str:
    known = provision.conventions
    words = "; ".join(f"{key}: {known[key]}" for key in MAIN_CHOICES if key in known)
    return f"Main conventions, all are in the working paper. {words}."


def _cannot_say(
    provision: Provision, options: tuple[Option, ...], assumptions: tuple[Assumption, ...]
) -> Recommendation:
    bound, owed = provision.total, money(_owed(provision), provision.currency)
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=f"{provision.finding()} ({bound.level:.0%} confidence).",
        scope=_scope(provision),
        as_of=provision.as_of,
        options=options,
        design="a rate needs losses of at least two customers",
        experiment="Add the write-offs of the last five years to the ledger, one row each with date and "
        "customer; a bookkeeper has them in the bad-debt account.",
        assumptions=assumptions,
        notes=(f"The bound on {owed}: {bound.method}.", _conventions(provision)),
    )
