"""What a sheet of a credit insurance may say: one key for each field of `PolicyTerms`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from arrisk.policy.insurance.steps import DEFAULT_ORDER, STEPS
from arrisk.policy.insurance.terms import PolicyTerms, PremiumBase
from arrisk.policy.offers.fields import Field

__all__ = ["INSURANCE_FIELDS", "make_terms"]

PREMIUM = (
    Field("premium_rate", "rate", "premium, as a fraction of the base", 0.0028, required=True, high=1.0,
          usual=(0.0001, 0.03)),
    Field("premium_base", "choice", "what the rate applies to: sales of a year; average balance, once; "
          "balance at the end of each month, twelve times a year; limits granted", "sales", required=True,
          choices=get_args(PremiumBase)),
    Field("minimum_premium", "money", "least premium of a year", 15_000.0),
    Field("fees", "money", "fixed fees of a year on top of the premium", 2_000.0),
    Field("limit_fee", "money", "fee of a year for each limit", 60.0),
    Field("bonus", "share", "part of the premium that comes back in a good year", 0.1, high=1.0),
    Field("bonus_ratio", "share", "a year is good when claims are at most this part of the premium", 0.2),
    Field("profit_share", "share", "part that comes back of what claims leave of a part of the premium", 0.2,
          given=False, high=1.0),
    Field("profit_share_ratio", "share", "that part of the premium", 0.6, given=False, usual=(0.1, 2.0)),
    Field("malus", "share", "added to the premium after a bad year, as a part of it", 0.25, given=False,
          usual=(0.01, 1.0)),
    Field("malus_ratio", "multiple", "a year is bad when claims exceed this multiple of the premium", 1.0,
          given=False, usual=(0.1, 10.0)),
)  # fmt: skip
COVER = (
    Field("insured_share", "share", "part of a covered loss that the insurer bears", 0.9, required=True,
          high=1.0, usual=(0.5, 1.0)),
    Field("buyer_limit", "money", "most that is covered of any buyer; left out: no limit", 500_000.0),
    Field("named_limits", "amounts", "limits granted by name, by customer id of the ledger; 0 is refused",
          {"C-00001": 250_000.0}, given=False),
    Field("discretionary_limit", "money", "most that is covered of a buyer without a named limit",
          50_000.0, given=False),
    Field("discretionary_share", "share", "part that the insurer bears for such a buyer; left out: the same",
          0.8, given=False, high=1.0, usual=(0.3, 1.0)),
    Field("discretionary_condition", "text", "what such a buyer must fulfil, in words",
          "paid in full and within 30 days of due for a year", given=False),
    Field("discretionary_buyers", "names", "customers who fulfil it; left out: all", ["C-00002"],
          given=False),
    Field("buyers", "count", "only so many of the largest balances are insured; left out: all", 20,
          given=False, low=1),
    Field("only_buyers", "names", "only these customers are insured; left out: all", ["C-00001"],
          given=False),
    Field("excluded_buyers", "names", "customers who are not insured", ["C-00003"], given=False),
    Field("disputes_excluded", "flag", "whether disputed amounts are outside", True),
    Field("related_excluded", "flag", "whether buyers of your own group are outside", True),
    Field("maximum_extension_days", "days", "a buyer overdue for longer is not covered", 90.0,
          usual=(15.0, 365.0)),
)  # fmt: skip
CLAIMS = (
    Field("non_qualifying_loss", "money", "a covered loss below it is not paid, one from it on in full",
          1_000.0),
    Field("threshold", "money", "taken off each loss; name it in the order", 500.0, given=False),
    Field("each_and_every", "money", "excess taken off each loss", 500.0),
    Field("aggregate_first_loss", "money", "losses of a year that you keep before anything is paid",
          25_000.0),
    Field("maximum_liability", "money", "most that is paid in a year, as an amount", 1_000_000.0,
          given=False),
    Field("maximum_liability_multiple", "multiple", "the same as a multiple of the premium paid", 30.0,
          usual=(1.0, 200.0)),
    Field("underlying_limit", "money", "limit of another policy that pays first; name this key in the "
          "order", 250_000.0, given=False),
    Field("underlying_limits", "amounts", "the same by name", {"C-00001": 250_000.0}, given=False),
    Field("waiting_days", "days", "from the claim until a late payment counts as a loss", 180.0,
          usual=(30.0, 365.0)),
    Field("payment_days", "days", "from then until the money comes", 30.0, usual=(1.0, 180.0)),
    Field("insolvent_share", "share", "part of the claims that are insolvencies, for which nobody waits", 0.5,
          given=False, high=1.0),
    Field("downturn_cut", "share", "part by which the insurer may cut limits in a downturn", 0.3,
          given=False, high=1.0),
    Field("downturn_share", "share", "part of the years that count as a downturn", 0.05, given=False,
          high=1.0, usual=(0.005, 0.3)),
    Field("downturn_buyers", "share", "part of the buyers whose limits are cut, the riskiest first", 1.0,
          given=False, high=1.0),
    Field("order", "words", "order in which the clauses apply to a loss; each set clause once",
          list(DEFAULT_ORDER), choices=tuple(STEPS)),
)  # fmt: skip

INSURANCE_FIELDS: tuple[Field, ...] = (*PREMIUM, *COVER, *CLAIMS)


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
