"""How much to provide: the matrix, the second path, today's practice, and what would change the amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arrisk.display import money
from arrisk.models.provision.matrix import ProvisionAmount, ProvisionMatrix
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation, Verdict

if TYPE_CHECKING:
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["recommend_provision"]

QUESTION = "How much to provide?"
CURRENT = "current_provision_rate"
"""Assumption that states today's practice: a flat share of the open balance (optional)."""
MAIN_CHOICES = ("window", "averaging", "write-offs", "terminal loss", "recoveries", "balances")


def recommend_provision(study: Study, matrix: ProvisionMatrix) -> Recommendation:
    """Recommend the amount to provide, with its interval and what would change it.

    Parameters
    ----------
    study : Study
        May give the assumption ``current_provision_rate`` (fraction of the open balance): today's flat
        practice is then kept if its amount lies inside the interval.
    matrix : ProvisionMatrix
        From `fit_provision` on the study's snapshot.

    Returns
    -------
    Recommendation
        "The data cannot say", with an upper bound, when fewer than two customers were ever written off.
    """
    given = study.get(CURRENT)
    options = [
        _option("flow-rate matrix", matrix.total, matrix.currency, "month-end flows of the window, chained"),
        _option(
            "realised losses of past balances", matrix.realised_total, matrix.currency,
            matrix.conventions["realised path"],
        ),
    ]  # fmt: skip
    practice = None if given is None else round(given.value * _balance(matrix), 2)
    if given is not None:
        options.append(
            Option(
                "today's flat rate",
                practice,
                None,
                None,
                matrix.currency,
                f"{given.value:.2%} of the balance",
            )
        )
    assumptions = () if given is None else (given,)
    if matrix.total.value is None:
        return _cannot_say(matrix, tuple(options), assumptions)
    total = matrix.total
    keep = practice is not None and total.low <= practice <= total.high
    verdict: Verdict = "keep" if keep else "adopt"
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer(matrix, practice, keep),
        scope=f"open debit items of {money(_balance(matrix), matrix.currency)}, before overlays and security",
        as_of=matrix.as_of,
        options=tuple(options),
        expected_value=Estimate(
            float(matrix.total.value),
            total.low,
            total.high,
            total.level,
            f"{matrix.currency} to set aside",
            total.method,
        ),
        flip=_flip(matrix, practice),
        identified=True,
        design="a description of this ledger's month-end balances, customers as the unit; a forecast only "
        "as far as the coming months resemble the window",
        experiment="Follow the largest balances over 90 days one by one for a quarter: their outcome is the "
        "loss share of the last bucket, which carries most of the uncertainty.",
        assumptions=assumptions,
        notes=_notes(matrix),
    )


def _option(name: str, amount: ProvisionAmount, currency: str, words: str) -> Option:
    note = words if amount.value is not None else f"{amount.level:.0%} bound: {amount.method}"
    return Option(name, amount.value, amount.low, amount.high, currency, note)


def _balance(matrix: ProvisionMatrix) -> float:
    return float(matrix.table["balance"].sum())


def _answer(matrix: ProvisionMatrix, practice: float | None, keep: bool) -> str:
    total = matrix.total
    assert total.value is not None
    amount = money(total.value, matrix.currency)
    spread = f"{money(total.low)} to {money(total.high)}"
    share = total.value / _balance(matrix) if _balance(matrix) > 0 else 0.0
    if practice is None:
        return f"Set aside {amount} ({spread}), {share:.1%} of what customers owe."
    now = money(practice, matrix.currency)
    if keep:
        return (
            f"Keep today's {now}: the ledger's own rates give {amount} ({spread}), which does not exclude it."
        )
    way = "Raise" if practice < total.low else "Lower"
    return f"{way} the provision from {now} to {amount} ({spread}), {share:.1%} of what customers owe."


def _flip(matrix: ProvisionMatrix, practice: float | None) -> Flip:
    """Where today's practice crosses the interval; without one, the loss share that moves the amount out."""
    total = matrix.total
    assert total.value is not None
    if practice is not None:
        nearer = total.low if abs(practice - total.low) < abs(practice - total.high) else total.high
        inside = total.low <= practice <= total.high
        act = "leaves" if inside else "enters"
        sentence = (
            f"The verdict turns when today's practice {act} the interval at {money(nearer, matrix.currency)} "
            f"(now {money(practice, matrix.currency)})."
        )
        return Flip("provision by today's practice", practice, nearer, matrix.currency, sentence)
    last = float(matrix.diagnostics["terminal_loss"])
    edge = matrix.diagnostics["edges"][-1]
    name, unit = f"loss share of balances over {edge} days", "fraction of balance"
    turn = last * total.high / total.value if total.value > 0 else 1.0
    if turn >= 1:
        return _losses_flip(total.high / total.value if total.value > 0 else 1.0)
    sentence = (
        f"If more than {turn:.1%} of what passes {edge} days is lost (now {last:.1%}), the amount leaves its "
        "interval and must be raised."
    )
    return Flip(name, last, turn, unit, sentence)


def _losses_flip(times: float) -> Flip:
    """How much worse than the window losses must run, when no loss share of the last bucket suffices."""
    sentence = (
        f"If losses run {times - 1:.0%} above those of the window, the amount leaves its interval and must "
        "be raised."
    )
    return Flip("losses against those of the window", 1.0, times, "times", sentence)


def _notes(matrix: ProvisionMatrix) -> tuple[str, ...]:
    facts = matrix.diagnostics
    other = matrix.realised_total
    notes = [
        f"{facts['customers_with_losses']} of {facts['customers']} customers were written off in the window; "
        f"one of them carries {facts['largest_loser_share'] or 0:.0%} of the amount.",
    ]
    if other.value is not None:
        notes.append(
            f"The second path gives {money(other.value, matrix.currency)}: it follows past balances for "
            f"a fixed time, so it misses later write-offs ({facts['late_write_off_share']:.0%} of the amount "
            "came more than a year after the due date), and its balances are older."
        )
    return (*notes, _conventions(matrix))


def _conventions(matrix: ProvisionMatrix) -> str:
    words = "; ".join(f"{key}: {matrix.conventions[key]}" for key in MAIN_CHOICES)
    return f"Main conventions, all are in the working paper. {words}."


def _cannot_say(
    matrix: ProvisionMatrix, options: tuple[Option, ...], assumptions: tuple[Assumption, ...]
) -> Recommendation:
    losers, bound = matrix.diagnostics["customers_with_losses"], matrix.total
    seen = "No customer was" if losers == 0 else "Only one customer was"
    owed = money(_balance(matrix), matrix.currency)
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=f"{seen} written off in this ledger, so it gives no loss rate, only a bound: at most "
        f"{money(bound.high, matrix.currency)} of the {owed} that is owed ({bound.level:.0%} confidence).",
        scope=f"open debit items of {owed}",
        as_of=matrix.as_of,
        options=options,
        design="a rate needs losses of at least two customers",
        experiment="Add the write-offs of the last five years to the ledger, one row each with date and "
        "customer; a bookkeeper has them in the bad-debt account.",
        assumptions=assumptions,
        notes=(f"The bound: {bound.method}; customers are taken as alike.", _conventions(matrix)),
    )
