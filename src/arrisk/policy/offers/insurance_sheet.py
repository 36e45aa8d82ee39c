"""What a sheet of a credit insurance may say: one key for each field of `PolicyTerms`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrisk.policy.insurance.terms import DEFAULT_ORDER, STEPS, PolicyTerms
from arrisk.policy.offers.fields import Field

__all__ = ["INSURANCE_FIELDS", "make_terms"]

INSURANCE_FIELDS: tuple[Field, ...] = (
    Field("premium_rate", "rate", "premium, as a fraction of the base", 0.0028, required=True, high=1.0,
          usual=(0.0001, 0.03)),
    Field("premium_base", "choice", "what the rate applies to: insured sales of a year, or insured balances",
          "sales", required=True, choices=("sales", "balances")),
    Field("minimum_premium", "money", "least premium of a year", 15_000.0),
    Field("fees", "money", "fees of a year on top of the premium, such as for limits", 2_000.0),
    Field("insured_share", "share", "part of a covered loss that the insurer bears", 0.9, required=True,
          high=1.0, usual=(0.5, 1.0)),
    Field("buyer_limit", "money", "most that is covered per buyer; left out: no limit", 500_000.0),
    Field("buyers", "count", "only so many of the largest balances are insured; left out: all", 20,
          given=False, low=1),
    Field("non_qualifying_loss", "money", "a covered loss below it is not paid, one from it on is paid in "
          "full", 1_000.0),
    Field("threshold", "money", "taken off each loss before the share; name it in the order", 500.0,
          given=False),
    Field("each_and_every", "money", "excess taken off each loss", 500.0),
    Field("aggregate_first_loss", "money", "losses of a year that you keep before anything is paid",
          25_000.0),
    Field("maximum_liability", "money", "most that is paid in a year, as an amount", 1_000_000.0,
          given=False),
    Field("maximum_liability_multiple", "multiple", "most that is paid in a year, as a multiple of the "
          "premium", 30.0, usual=(1.0, 200.0)),
    Field("order", "words", "order in which the clauses apply to a loss; each set clause once",
          list(DEFAULT_ORDER), choices=tuple(STEPS)),
)  # fmt: skip


def make_terms(name: str, values: Mapping[str, Any]) -> PolicyTerms:
    """The policy of a sheet, from its values as read.

    Parameters
    ----------
    name : str
        What the policy is called in comparisons.
    values : mapping
        Keys of `INSURANCE_FIELDS`.
    """
    return PolicyTerms(name=name, **values)
