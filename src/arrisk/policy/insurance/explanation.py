"""One loss on its way through a policy, in words that a credit manager would use."""

from __future__ import annotations

import math
from dataclasses import replace

from arrisk.display import money
from arrisk.policy.insurance.claims import trace_loss
from arrisk.policy.insurance.steps import IDLE
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["explain_loss"]

CENT = 0.005


def explain_loss(balance: float, terms: PolicyTerms, buyer: str | None = None, currency: str = "") -> str:
    """Tell what happens to one loss, the first of its year, a line a step (see `PolicyTerms.explain`)."""
    fixed = replace(terms, maximum_liability_multiple=None)
    trace = trace_loss(balance, fixed, buyer)
    amounts = trace["amount"].tolist()
    lines = [f"The customer owes {_money(balance, currency)}."]
    if amounts[0] < balance:
        lines.append("The policy does not insure this customer.")
    rows = zip(trace["step"][1:], trace["term"][1:], amounts[:-1], amounts[1:], strict=True)
    for step, term, before, after in rows:
        if before <= 0:
            break
        if term != IDLE[step]:
            lines.append(_line(step, term, before, after, currency))
    if amounts[-1] > 0 and terms.maximum_liability_multiple is not None:
        lines.append(f"In a year it pays at most {terms.maximum_liability_multiple:g} times the premium.")
    lines.append(_outcome(balance, amounts[-1], currency))
    if amounts[-1] > 0:
        lines += _when(terms)
    return "\n".join(lines)


def _money(amount: float, currency: str) -> str:
    whole = abs(amount - round(amount)) < CENT
    return money(amount, currency, 0 if whole else 2)


def _line(step: str, term: float, before: float, after: float, currency: str) -> str:
    limit, left = _money(term, currency), _money(after, currency)
    if step == "buyer_limit" and term == 0:
        return "The insurer refused this buyer: nothing is covered."
    kept = after > 0
    words = {
        "underlying_limit": f"Another policy covers the first {limit}: {left} is left for this one.",
        "buyer_limit": f"The limit of the buyer is {limit}: of the balance {left} is covered.",
        "non_qualifying_loss": f"Losses from {limit} on count in full: {left}."
        if kept
        else f"A loss below {limit} does not count: nothing is paid.",
        "threshold": f"A threshold of {limit} is taken off: {left} is left.",
        "insured_share": f"The insurer bears {100 * term:.4g}% of it: {left}.",
        "each_and_every": f"The excess of each loss, {limit}, is taken off: {left} is left.",
        "aggregate_first_loss": f"You keep the first {limit} of the year: {left} is left.",
        "maximum_liability": f"The insurer pays at most {limit} a year: {left}.",
    }
    return words[step]


def _outcome(balance: float, paid: float, currency: str) -> str:
    if paid <= 0:
        return f"The insurer pays nothing, you keep {_money(balance, currency)}."
    ends = f"The insurer pays {_money(paid, currency)}, you keep {_money(balance - paid, currency)}"
    share = 100 * paid / balance
    if math.isclose(paid, balance):
        return f"{ends}; what is recovered later is the insurer's."
    return f"{ends}; what is recovered later is shared {share:.0f} to {100 - round(share):.0f}."


def _when(terms: PolicyTerms) -> list[str]:
    at_once = f"{terms.payment_days:g} days after the claim" if terms.payment_days else "at once"
    if terms.waiting_days == 0:
        return [f"The money comes {at_once}."] if terms.payment_days else []
    late = f"{terms.waiting_days + terms.payment_days:g} days after the claim"
    if terms.insolvent_share == 0:
        return [f"The money comes {late}."]
    return [f"The money comes {at_once} when the customer is insolvent, {late} when it merely does not pay."]
