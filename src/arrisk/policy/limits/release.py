"""One order above the limit: release it, or stop it, by expected value."""

from __future__ import annotations

from dataclasses import dataclass

from arrisk.display import money
from arrisk.errors import ModelError

__all__ = ["OrderDecision", "release_or_stop"]


@dataclass(frozen=True, slots=True)
class OrderDecision:
    """Whether to release an order, and why; made by `release_or_stop`.

    Parameters
    ----------
    release : float
        Expected value of releasing the order, currency units.
    stop : float
        Expected value of stopping it.
    break_even : float
        Probability of default while the money is out at which both are worth the same; above 1: always
        release.
    pd : float
        The probability used.
    currency : str
    """

    release: float
    stop: float
    break_even: float
    pd: float
    currency: str

    @property
    def verdict(self) -> str:
        """The action worth more: "release" or "stop"."""
        return "release" if self.release >= self.stop else "stop"

    @property
    def reason(self) -> str:
        """Both values and the probability that turns the answer, in one sentence."""
        worth = f"{money(self.release, self.currency)} released against {money(self.stop)} stopped"
        if self.break_even > 1:
            return f"{self.verdict}: worth {worth}; no chance of default turns it"
        turn = f"it turns at a chance of default of {self.break_even:.1%}, now {self.pd:.1%}"
        return f"{self.verdict}: worth {worth}; {turn}"

    def __repr__(self) -> str:
        return self.reason


def release_or_stop(
    amount: float,
    pd: float,
    *,
    margin: float,
    lgd: float,
    lost_orders: float = 1.0,
    cost_of_capital: float = 0.0,
    days: float = 0.0,
    paid_with_it: float = 0.0,
    currency: str = "",
) -> OrderDecision:
    """Expected value of releasing one order on account against stopping it.

    Parameters
    ----------
    amount : float
        Price of the order, currency units.
    pd : float
        Probability that the customer defaults before it has paid.
    margin : float
        Price less variable cost, over price.
    lgd : float
        Lost of a claim on a defaulter, fraction.
    lost_orders : float
        Chance that the stopped order is lost for good; otherwise it is paid in advance and earns its margin.
    cost_of_capital : float
        A year of 365 days, simple, on the cost of the order.
    days : float
        Until it is paid.
    paid_with_it : float
        Old debt that the customer pays only when the order is released, currency units (a stop may also be
        what makes a customer pay: then negative).
    currency : str

    Returns
    -------
    OrderDecision

    Raises
    ------
    ModelError
        If a share lies outside 0 to 1 or an amount is negative.

    Notes
    -----
    Released, the order is worth ``margin amount - pd lgd amount - cost of money + (1 - pd) paid_with_it``;
    stopped, ``(1 - lost_orders) margin amount``. With ``lost_orders = 1`` and no cost of money it is the rule
    that credit is granted when ``pd < margin / lgd`` (Brealey and Myers, Principles of Corporate Finance).

    Examples
    --------
    >>> release_or_stop(10_000, 0.05, margin=0.3, lgd=0.8, currency="EUR")
    release: worth EUR 2,600 released against 0 stopped; it turns at a chance of default of 37.5%, now 5.0%
    """
    shares = {"pd": pd, "margin": margin, "lgd": lgd, "lost_orders": lost_orders}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ModelError(f"{name} = {share!r}: a fraction from 0 to 1")
    if amount < 0 or days < 0 or cost_of_capital < 0:
        raise ModelError("amount, days and cost_of_capital are zero or more")
    waiting = (1 - margin) * amount * cost_of_capital * days / 365
    released = margin * amount - pd * lgd * amount - waiting + (1 - pd) * paid_with_it
    stopped = (1 - lost_orders) * margin * amount
    slope = lgd * amount + paid_with_it
    safe = margin * amount - waiting + paid_with_it - stopped
    turning = safe / slope if slope > 0 else float("inf")
    return OrderDecision(released, stopped, turning, pd, currency)
