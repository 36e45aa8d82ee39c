"""How a term structure is shown: tables, and the picture of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.scoring.term_structure import TermStructure

__all__ = ["grades_table", "plot_terms", "terms_table"]

SHOWN = (30, 90, 180, 365)


def finding(terms: TermStructure) -> str:
    """How much of the risk of the horizon falls into its first month, beside an even spread."""
    first = min(30, terms.horizon_days)
    early = terms.weight([first])["weight"].iloc[0]
    even = first / terms.horizon_days
    return f"{early:.0%} of the {terms.horizon_days}-day risk falls into {first} days (evenly: {even:.0%})"


def terms_table(terms: TermStructure, name: str) -> Table:
    """One row a number of days: weight, that of a constant hazard, probability of the mean observation."""
    days = sorted({*SHOWN, terms.horizon_days})
    frame = terms.weight(days).rename(columns={"ci_low": "weight_low", "ci_high": "weight_high"})
    frame.insert(4, "even_weight", frame["days"] / terms.horizon_days)
    low, high = terms.limits([terms.mean_pd], days)
    frame["probability"] = terms.probability([terms.mean_pd], days)[0]
    frame["low"], frame["high"] = low[0], high[0]
    frame["extrapolated"] = frame["extrapolated"].map({True: "yes", False: ""})
    percent = ("probability", "low", "high")
    formats: dict[str, Format] = {"days": "integer", **dict.fromkeys(percent, "percent")}  # type: ignore[dict-item]
    formats |= dict.fromkeys(("weight", "weight_low", "weight_high", "even_weight"), "number")  # type: ignore[arg-type]
    note = (
        f"PD over t days = 1 - (1 - PD over {terms.horizon_days})^weight; probability of an observation with "
        f"the mean PD of {terms.mean_pd:.1%}; even_weight: of a constant hazard. {terms.level:.0%} limits by "
        f"customer, of the weight alone. {terms.curve.n_events} defaults after {terms.curve.n} observations "
        f"of {terms.errors.customers} customers; {terms.tail_rule}."
    )
    return Table(name, finding(terms), frame, note, formats)


def grades_table(terms: TermStructure, name: str) -> Table:
    """One row a grade and number of days: observed with limits, and expected."""
    frame = terms.by_grade
    share = ("observed", "ci_low", "ci_high", "expected")
    formats: dict[str, Format] = dict.fromkeys(share, "percent")  # type: ignore[arg-type]
    known = frame[frame["observed"].notna()]
    inside = known["expected"].between(known["ci_low"], known["ci_high"])
    title = (
        f"{int(inside.sum())} of {len(known)} observed default rates hold the expected one in their limits"
    )
    note = (
        "observed: Kaplan-Meier of the time to default, which uses no model; missing where nobody was "
        f"followed so long; {terms.level:.0%} limits by customer. expected: mean probability given."
    )
    return Table(name, title, frame, note, formats)


def plot_terms(terms: TermStructure, ax: Axes | None) -> Axes:
    """Weights by day with their band; dashed where extrapolated."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    days = np.arange(0, max(365, terms.horizon_days) + 1)
    shown = terms.weight(days)
    known = ~shown["extrapolated"].to_numpy(dtype=bool)
    (line,) = ax.step(days[known], shown["weight"][known], where="post", label="seen")
    ax.fill_between(
        days, shown["ci_low"], shown["ci_high"], step="post", alpha=0.18, color=line.get_color(), linewidth=0
    )
    if not known.all():
        ax.plot(days[~known], shown["weight"][~known], "--", color=line.get_color(), label="extrapolated")
    ax.plot(days, days / terms.horizon_days, ":", color="#666666", label="even hazard")
    ax.axvline(terms.horizon_days, color="#999999", linewidth=0.8)
    ax.set(xlabel="days ahead", ylim=(0, None), xlim=(0, days[-1]))
    ax.set_ylabel(f"hazard cumulated, that of {terms.horizon_days} days is 1")
    ax.set_title(finding(terms))
    ax.legend()
    return stamp(ax, terms.as_of, f"band: {terms.level:.0%}, by customer")
