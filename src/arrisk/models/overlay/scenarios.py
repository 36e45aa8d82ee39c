"""Scenarios with probabilities: the expectation of the rates, not the rates of the expectation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_rates import LossRates
from arrisk.models.overlay.factors import Factor, change_by

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Scenario", "WeighedRates", "check_scenarios", "expect_over", "weigh_scenarios"]

Floats = NDArray[np.float64]
TOLERANCE = 1e-9
RESERVED = ("segment", "bucket", "historical", "expected", "shortcut")
"""Names that tables of scenarios use themselves."""
BLUE, ORANGE = "#0072B2", "#D55E00"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way the future may go.

    Parameters
    ----------
    name : str
    probability : float
        In (0, 1].
    factors : tuple of Factor
        What it does to the rates; empty leaves them as they are.

    Raises
    ------
    ModelError
        If the name is empty or taken, or the probability is none.
    """

    name: str
    probability: float
    factors: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name in RESERVED:
            raise ModelError(f"a scenario has a name of its own, not {self.name!r} or one of {RESERVED}")
        if not (math.isfinite(self.probability) and 0 < self.probability <= 1):
            raise ModelError(
                f"scenario {self.name!r}: a probability is above 0 and at most 1, got {self.probability:g}"
            )

    def __str__(self) -> str:
        done = " and ".join(map(str, self.factors)) or "rates as they are"
        return f"{self.name} ({self.probability:.6g}): {done}"


def check_scenarios(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios, after a look at whether they are one distribution.

    Raises
    ------
    ModelError
        If there is none, two have one name, or their probabilities do not sum to 1.

    Examples
    --------
    >>> check_scenarios([Scenario("base", 0.6), Scenario("bad", 0.3)])
    Traceback (most recent call last):
    arrisk.errors.ModelError: probabilities sum to 1, these (base 0.6, bad 0.3) to 0.9
    """
    if not scenarios:
        raise ModelError("there is no scenario")
    names = [scenario.name for scenario in scenarios]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"two scenarios are named {twice!r}")
    total = math.fsum(scenario.probability for scenario in scenarios)
    if abs(total - 1) > TOLERANCE:
        seen = ", ".join(f"{s.name} {s.probability:.6g}" for s in scenarios)
        raise ModelError(f"probabilities sum to 1, these ({seen}) to {total:.6g}")
    return tuple(scenarios)


def expect_over(
    scenarios: Sequence[Scenario], segments: Sequence[str], buckets: Sequence[str]
) -> Callable[[Floats], Floats]:
    """A function from rates to their expectation over scenarios, shape (..., segments, buckets).

    Each scenario changes and caps the rates first; then they are weighed. Weighing the factors first would
    forget the cap.

    Examples
    --------
    >>> both = [Scenario("base", 0.5), Scenario("bad", 0.5, (Factor(3.0),))]
    >>> expect_over(both, ["all"], ["late"])(np.array([[0.5]]))
    array([[0.75]])
    """
    steps = [
        (s.probability, change_by(s.factors, segments, buckets) if s.factors else None)
        for s in check_scenarios(scenarios)
    ]

    def change(rates: Floats) -> Floats:
        if len(steps) == 1 and steps[0][1] is not None:
            return steps[0][1](rates)
        parts = [chance * (rates if step is None else step(rates)) for chance, step in steps]
        return np.asarray(np.sum(parts, axis=0))

    return change


def rate_of_expectation(
    scenarios: Sequence[Scenario], segments: Sequence[str], buckets: Sequence[str]
) -> Callable[[Floats], Floats]:
    """The shortcut that forgets the cap: factors are weighed first, and only their mean is capped.

    Never below `expect_over` where factors raise rates, since a cap is concave (Jensen's inequality).

    Examples
    --------
    >>> both = [Scenario("base", 0.5), Scenario("bad", 0.5, (Factor(3.0),))]
    >>> rate_of_expectation(both, ["all"], ["late"])(np.array([[0.5]]))
    array([[1.]])
    """
    steps = [
        (s.probability, change_by(s.factors, segments, buckets, capped=False) if s.factors else None)
        for s in check_scenarios(scenarios)
    ]
    caps = np.ones((len(segments), len(buckets)))
    for factor in (factor for scenario in scenarios for factor in scenario.factors):
        caps = np.where(factor.covers(segments, buckets), np.minimum(caps, factor.cap), caps)

    def change(rates: Floats) -> Floats:
        parts = [chance * (rates if step is None else step(rates)) for chance, step in steps]
        return np.asarray(np.clip(np.sum(parts, axis=0), 0.0, np.maximum(caps, rates)))

    return change


@dataclass(frozen=True, slots=True, eq=False)
class WeighedRates:
    """Loss rates over scenarios; make them with `weigh_scenarios`.

    Attributes
    ----------
    historical : LossRates
        Before any scenario.
    scenarios : tuple of Scenario
    by_scenario : tuple of LossRates
        The rates if that scenario were certain.
    rates : LossRates
        The expectation of the rates: the ones to use.
    shortcut : LossRates
        The rates of the expected factors, to show what they would have said.
    """

    historical: LossRates
    scenarios: tuple[Scenario, ...]
    by_scenario: tuple[LossRates, ...]
    rates: LossRates
    shortcut: LossRates

    @property
    def table(self) -> pd.DataFrame:
        """One row a scenario, then "expected" and "shortcut": scenario, probability, what, amount, ci_low,
        ci_high (currency units; the amount is missing where rates are only bounds)."""
        rows = [
            (s.name, s.probability, " and ".join(map(str, s.factors)) or "rates as they are", r)
            for s, r in zip(self.scenarios, self.by_scenario, strict=True)
        ]
        rows += [
            ("expected", 1.0, "the rates of all scenarios by their probabilities", self.rates),
            ("shortcut", 1.0, "not used: the expected factors, capped once", self.shortcut),
        ]
        out = pd.DataFrame(
            [(*row, r.total.value, r.total.low, r.total.high) for *row, r in rows],
            columns=["scenario", "probability", "what", "amount", "ci_low", "ci_high"],
        )
        return out.astype({"amount": float})

    @property
    def rate_table(self) -> pd.DataFrame:
        """Rates by segment and bucket: historical, each scenario by its name, expected, shortcut."""
        out = self.historical.table[["segment", "bucket"]].copy()
        out["historical"] = self.historical.table["rate"]
        for scenario, rates in zip(self.scenarios, self.by_scenario, strict=True):
            out[scenario.name] = rates.table["rate"]
        return out.assign(expected=self.rates.table["rate"], shortcut=self.shortcut.table["rate"])

    def finding(self) -> str:
        """The expected amount, its spread over scenarios, and what the shortcut would have said."""
        total, currency = self.rates.total, self.rates.currency
        if total.value is None:
            return f"No rate to look forward from: {self.rates.finding()}"
        amounts = [r.total.value for r in self.by_scenario if r.total.value is not None]
        said = self.shortcut.total.value or 0.0
        gap = round(said - total.value, 2)
        other = "the same" if gap == 0 else f"{money(abs(gap))} {'more' if gap > 0 else 'less'}"
        return (
            f"Provide {money(total.value, currency)} over {len(self.scenarios)} scenarios "
            f"({money(min(amounts))} to {money(max(amounts))}); the factor of the mean would say {other}"
        )

    def to_table(self, name: str = "scenarios") -> Table:
        """Amount by scenario, the expected one and the shortcut."""
        formats: dict[str, Format] = dict.fromkeys(("amount", "ci_low", "ci_high"), "money")  # type: ignore[arg-type]
        note = (
            f"Amounts in {self.rates.currency} on what is owed at {self.rates.as_of:%Y-%m-%d}. "
            f"{self.rates.total.level:.0%} intervals, by customer; they take the scenarios and their "
            "probabilities as given. Each scenario's rates are capped before they are weighed."
        )
        return Table(name, self.finding(), self.table, note, {**formats, "probability": "percent"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Amount by scenario with its interval, and the expected one as a line."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        shown = self.table.iloc[: len(self.scenarios)]
        at = np.arange(len(shown))
        ax.vlines(at, shown["ci_low"], shown["ci_high"], color=BLUE, linewidth=2.5)
        ax.plot(at, shown["amount"], "o", color=BLUE)
        if self.rates.total.value is not None:
            ax.axhline(self.rates.total.value, color=ORANGE, label="expected")
            ax.legend(loc="upper left")
        names = [f"{s.name}\n{s.probability:.0%}" for s in self.scenarios]
        ax.set_xticks(at, names)
        ax.set(ylabel=f"provision, {self.rates.currency}", title=self.finding().replace("; ", ";\n"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter("{x:,.0f}")
        return stamp(ax, self.rates.as_of, f"{self.rates.total.level:.0%} intervals by customer")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def weigh_scenarios(
    rates: LossRates, scenarios: Sequence[Scenario], why: str, name: str = "scenarios"
) -> WeighedRates:
    """Loss rates as the expectation over scenarios, with each scenario's own and the shortcut's.

    Parameters
    ----------
    rates : LossRates
    scenarios : sequence of Scenario
        Their probabilities sum to 1.
    why : str
        Where they come from: it stands among the conventions of the result.
    name : str
        Under which the conventions keep it.

    Raises
    ------
    ModelError
        If they are no distribution, do not fit the rates, or there is no reason.
    """
    if not why.strip():
        raise ModelError("scenarios without a source are guesses without an owner: say why")
    given = check_scenarios(scenarios)
    names = rates.segments, rates.buckets
    single = tuple(
        rates.adjust(expect_over([Scenario(s.name, 1.0, s.factors)], *names), name, str(s)) for s in given
    )
    words = "; ".join(map(str, given))
    expected = rates.adjust(
        expect_over(given, *names), name, f"expectation of the rates over {words} ({why})"
    )
    shortcut = rates.adjust(rate_of_expectation(given, *names), name, f"rates of the mean factor of {words}")
    return WeighedRates(rates, given, single, expected, shortcut)
