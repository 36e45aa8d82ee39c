"""Terms of a credit-insurance policy, applied step by step in a stated order.

Insurers differ in the order of application, so the order is part of the policy and not of the program.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from arrisk.errors import ModelError
from arrisk.policy.insurance.clauses import Clause, list_clauses, without_clause
from arrisk.policy.insurance.steps import DEFAULT_ORDER, IDLE, STEPS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from arrisk.models.losses.cover import Cover
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.insurance.exclusions import BuyerFacts

__all__ = ["PolicyTerms", "PremiumBase"]

PremiumBase = Literal["sales", "balances", "monthly_balances", "limits"]
AMOUNTS = (
    *(step for step in STEPS if step != "insured_share"),
    "discretionary_limit",
    "premium_rate",
    "minimum_premium",
    "fees",
    "limit_fee",
    "waiting_days",
    "payment_days",
    "maximum_extension_days",
    "bonus_ratio",
    "profit_share_ratio",
    "malus",
    "malus_ratio",
)
SHARES = (
    "insured_share",
    "insolvent_share",
    "bonus",
    "profit_share",
    "downturn_cut",
    "downturn_share",
    "downturn_buyers",
)
NAMES = ("only_buyers", "excluded_buyers", "discretionary_buyers", "order")
NEEDED_STEPS: Mapping[str, tuple[str, object]] = {
    "named_limits": ("buyer_limit", {}),
    "discretionary_limit": ("buyer_limit", math.inf),
    "discretionary_buyers": ("buyer_limit", None),
    "downturn_cut": ("buyer_limit", 0.0),
    "underlying_limits": ("underlying_limit", {}),
    "discretionary_share": ("insured_share", None),
}


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """A policy: its parameters and the order in which they apply to a loss.

    Every field is a number, a text, a list of texts or a table of customer id to amount, so that a policy can
    stand in a text file. A list that is None means no restriction.

    Parameters
    ----------
    name : str
        What the structure is called.
    insured_share : float
        Fraction the insurer bears, in [0, 1].
    buyer_limit : float
        Most that is covered of any buyer, currency units.
    named_limits : mapping of customer id to float
        Limits that the insurer granted by name; 0 is a buyer that it refused.
    discretionary_limit : float
        Most that is covered of a buyer without a named limit.
    discretionary_share : float, optional
        Fraction the insurer bears for such a buyer; by default `insured_share`.
    discretionary_condition : str
        What such a buyer must fulfil, in words: "paid in full and within 30 days of due for a year".
    discretionary_buyers : tuple of str, optional
        Those who fulfil it; others without a named limit are not covered. By default all fulfil it.
    underlying_limit, underlying_limits : float, mapping of customer id to float
        Limit of another policy that pays first, of any buyer and by name (a top-up; `TOP_UP_ORDER`).
    non_qualifying_loss : float
        An amount below it is not paid at all; from it on, in full.
    threshold : float
        Subtracted from each loss (an alternative to the gate; not in the default order).
    each_and_every : float
        Excess subtracted from each loss.
    aggregate_first_loss : float
        Losses of the year that are kept before anything is paid.
    maximum_liability : float
        Most that is paid in the year.
    maximum_liability_multiple : float, optional
        The same as a multiple of the premium paid, fees apart; the lower counts when both are given.
    premium_rate : float
        Fraction of the premium base.
    premium_base : {"sales", "balances", "monthly_balances", "limits"}
        What the rate is applied to, for the insured buyers: sales of the year; the average balance, once a
        year; the balance declared at the end of each month, twelve times a year; the limits granted.
    minimum_premium, fees : float
        Least premium, and fixed fees on top, per year.
    limit_fee : float
        Fee for each limit a year (see `arrisk.policy.insurance.premium.count_limits`).
    waiting_days : float
        From the claim until a protracted default counts as a loss.
    payment_days : float
        From then until the money comes.
    insolvent_share : float
        Part of the claims that are insolvencies, for which nobody waits, in [0, 1].
    buyers : int, optional
        Only the so many largest balances are insured; by default all.
    only_buyers, excluded_buyers : tuple of str
        Only these customers are insured (by default all); these are not.
    disputes_excluded, related_excluded : bool
        Whether disputed amounts and buyers of the own group are outside; needs `BuyerFacts`.
    maximum_extension_days : float
        A buyer overdue for longer is not covered; needs `BuyerFacts`.
    bonus, bonus_ratio : float
        Fraction of the premium that comes back when claims are at most the ratio of the premium.
    profit_share, profit_share_ratio : float
        Fraction that comes back of what claims leave of the ratio times the premium.
    malus, malus_ratio : float
        Fraction of the premium added when claims exceed the ratio of the premium.
    downturn_cut : float
        Fraction by which the insurer cuts limits in a downturn, in [0, 1].
    downturn_share : float
        Part of the years that count as a downturn: those with the worst common factor.
    downturn_buyers : float
        Part of the buyers, the worst probabilities of default first, whose limits are cut.
    order : tuple of str
        Steps out of `STEPS`, first applied first. A step left out is not applied.

    Raises
    ------
    ModelError
        If a value is out of range, a step is unknown or repeated, or a set term is missing from the order.

    Examples
    --------
    >>> PolicyTerms("usual", insured_share=0.9, buyer_limit=500_000).order[0]
    'buyer_limit'
    """

    name: str = "policy"
    insured_share: float = 0.9
    buyer_limit: float = math.inf
    named_limits: Mapping[str, float] = field(default_factory=dict)
    discretionary_limit: float = math.inf
    discretionary_share: float | None = None
    discretionary_condition: str = ""
    discretionary_buyers: tuple[str, ...] | None = None
    underlying_limit: float = 0.0
    underlying_limits: Mapping[str, float] = field(default_factory=dict)
    non_qualifying_loss: float = 0.0
    threshold: float = 0.0
    each_and_every: float = 0.0
    aggregate_first_loss: float = 0.0
    maximum_liability: float = math.inf
    maximum_liability_multiple: float | None = None
    premium_rate: float = 0.0
    premium_base: PremiumBase = "sales"
    minimum_premium: float = 0.0
    fees: float = 0.0
    limit_fee: float = 0.0
    waiting_days: float = 0.0
    payment_days: float = 0.0
    insolvent_share: float = 0.0
    buyers: int | None = None
    only_buyers: tuple[str, ...] | None = None
    excluded_buyers: tuple[str, ...] = ()
    disputes_excluded: bool = True
    related_excluded: bool = True
    maximum_extension_days: float = math.inf
    bonus: float = 0.0
    bonus_ratio: float = 0.0
    profit_share: float = 0.0
    profit_share_ratio: float = 0.0
    malus: float = 0.0
    malus_ratio: float = math.inf
    downturn_cut: float = 0.0
    downturn_share: float = 0.05
    downturn_buyers: float = 1.0
    order: tuple[str, ...] = DEFAULT_ORDER

    def __post_init__(self) -> None:
        for name in NAMES:
            given = getattr(self, name)
            if isinstance(given, str):
                raise ModelError(f"{name} is a list of texts, got the text {given!r}")
            if given is not None:
                object.__setattr__(self, name, tuple(str(entry) for entry in given))
        _check_values(self)
        _check_order(self)

    def paid_premium(self, base: float) -> float:
        """Premium of a year, fees apart, for an insured base (see `premium_base`)."""
        return max(self.premium_rate * base, self.minimum_premium)

    def premium(self, base: float, limits: int = 0) -> float:
        """Premium of a year with its fees, for an insured base and a number of limits that cost a fee.

        Examples
        --------
        >>> PolicyTerms(premium_rate=0.003, fees=300, limit_fee=40).premium(1e6, limits=5)
        3500.0
        """
        return self.paid_premium(base) + self.fees + self.limit_fee * limits

    def with_premium(self, premium: float) -> PolicyTerms:
        """The same policy with its maximum liability as an amount, for a premium paid."""
        if self.maximum_liability_multiple is None:
            return self
        cap = min(self.maximum_liability, self.maximum_liability_multiple * premium)
        return replace(self, maximum_liability=cap, maximum_liability_multiple=None)

    def remaining(self, first_loss_used: float = 0.0, paid: float = 0.0) -> PolicyTerms:
        """The same policy later in its year: less first loss to be kept, less left to be paid.

        Examples
        --------
        >>> terms = PolicyTerms(aggregate_first_loss=2_000, maximum_liability=200_000)
        >>> left = terms.remaining(first_loss_used=1_500, paid=50_000)
        >>> left.aggregate_first_loss, left.maximum_liability
        (500.0, 150000.0)
        """
        if self.maximum_liability_multiple is not None:
            raise ModelError("the maximum liability is a multiple of a premium: call with_premium first")
        if not (first_loss_used >= 0 and paid >= 0):
            raise ModelError("what was used of the first loss and what was paid cannot be negative")
        return replace(
            self,
            aggregate_first_loss=max(float(self.aggregate_first_loss - first_loss_used), 0.0),
            maximum_liability=max(float(self.maximum_liability - paid), 0.0),
        )

    def clauses(self) -> tuple[Clause, ...]:
        """The clauses that are set, each with a stable name and its words.

        Examples
        --------
        >>> terms = PolicyTerms(buyer_limit=500_000, aggregate_first_loss=2_000)
        >>> [clause.name for clause in terms.clauses()][2:]
        ['buyer_limit', 'insured_share', 'aggregate_first_loss']
        """
        return list_clauses(self)

    def without(self, clause: str) -> PolicyTerms:
        """The same policy without one clause, named as in `clauses`.

        Examples
        --------
        >>> PolicyTerms(aggregate_first_loss=2_000).without("aggregate_first_loss").aggregate_first_loss
        0.0
        """
        return without_clause(self, clause)

    def explain(self, balance: float, buyer: str | None = None, currency: str = "") -> str:
        """One loss on its way through the policy, in words, a line a step.

        Examples
        --------
        >>> print(PolicyTerms(buyer_limit=500_000).explain(800_000, currency="EUR"))
        The customer owes EUR 800,000.
        The limit of the buyer is EUR 500,000: of the balance EUR 500,000 is covered.
        The insurer bears 90% of it: EUR 450,000.
        The insurer pays EUR 450,000, you keep EUR 350,000; what is recovered later is shared 56 to 44.
        """
        from arrisk.policy.insurance.explanation import explain_loss

        return explain_loss(balance, self, buyer, currency)

    def cover(
        self, portfolio: LossPortfolio, sales: ArrayLike | None = None, facts: BuyerFacts | None = None
    ) -> Cover:
        """The policy as the methods without simulation see it.

        Raises
        ------
        ModelError
            If a term has no place in such a method; it is named.
        """
        from arrisk.policy.insurance.analytic import policy_cover

        return policy_cover(self, portfolio, sales, facts)


def _check_values(terms: PolicyTerms) -> None:
    for name in AMOUNTS:
        if not getattr(terms, name) >= 0:
            raise ModelError(f"{name} cannot be negative, got {getattr(terms, name)}")
    for name in SHARES:
        if not 0 <= getattr(terms, name) <= 1:
            raise ModelError(f"{name} is a fraction between 0 and 1, got {getattr(terms, name)}")
    if terms.discretionary_share is not None and not 0 <= terms.discretionary_share <= 1:
        raise ModelError(
            f"discretionary_share is a fraction between 0 and 1, got {terms.discretionary_share}"
        )
    multiple = terms.maximum_liability_multiple
    if multiple is not None and not multiple >= 0:
        raise ModelError(f"maximum_liability_multiple cannot be negative, got {multiple}")
    if terms.buyers is not None and terms.buyers < 0:
        raise ModelError(f"buyers cannot be negative, got {terms.buyers}")
    for name in ("named_limits", "underlying_limits"):
        wrong = {buyer: limit for buyer, limit in getattr(terms, name).items() if not limit >= 0}
        if wrong:
            raise ModelError(f"{name} cannot be negative, got {wrong}")
    if terms.premium_base not in get_args(PremiumBase):
        allowed = ", ".join(repr(base) for base in get_args(PremiumBase))
        raise ModelError(f"premium_base = {terms.premium_base!r}: allowed are {allowed}")


def _check_order(terms: PolicyTerms) -> None:
    unknown = [step for step in terms.order if step not in STEPS]
    if unknown or len(set(terms.order)) != len(terms.order):
        raise ModelError(f"order {terms.order}: allowed, each once, are {', '.join(STEPS)}")
    for step, idle in IDLE.items():
        if step not in terms.order and getattr(terms, step) != idle:
            raise ModelError(f"{step} is set but is not in the order {terms.order}")
    if terms.maximum_liability_multiple is not None and "maximum_liability" not in terms.order:
        raise ModelError(
            f"maximum_liability_multiple is set but maximum_liability is not in the order {terms.order}"
        )
    for name, (step, plain) in NEEDED_STEPS.items():
        if step not in terms.order and getattr(terms, name) != plain:
            raise ModelError(f"{name} is set but {step} is not in the order {terms.order}")
