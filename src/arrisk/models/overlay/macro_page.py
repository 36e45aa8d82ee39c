"""How a macro link is shown: the finding, its doubt, tables and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.loss_rates import LossRates
    from arrisk.models.overlay.macro import MacroLink

__all__ = ["describe_link", "doubt_of", "plot_link", "show_fits", "show_sensitivity", "show_trial"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
CANNOT_SAY = "the data cannot say"


def doubt_of(link: MacroLink, fewest_events: int, fewest_periods: int) -> str:
    """Why the series may not move the rates; empty when it may."""
    seen = f"{link.events:g} defaults in {len(link.series)} {link.frequency}s"
    if link.fit is None:
        return f"{seen}: nothing to fit"
    if link.events < fewest_events:
        return f"{seen}; a slope needs at least {fewest_events} defaults"
    if link.independent < fewest_periods:
        return f"{seen}, worth {link.independent:.0f} independent ones; a slope needs {fewest_periods}"
    if link.fit.low <= 0 <= link.fit.high:
        return f"{seen}; no link at all fits them about as well, with {_lags(link)} tried"
    if link.gain <= 0:
        return f"{seen}; out of time the series foretells no better than none"
    return ""


def describe_link(link: MacroLink) -> str:
    """The finding in one sentence: what one standard deviation means, or that the data cannot say."""
    if link.fit is None:
        return f"Whether {link.name} moves defaults: {CANNOT_SAY} ({link.doubt}); no overlay"
    lower = link.sensitivity().iloc[0]
    low, high = _times(lower["low"]), _times(lower["high"])
    fall = f"fall by {link.values.std(ddof=1):.3g} (one standard deviation)"
    if link.doubt:
        return (
            f"Whether {link.name} moves defaults: {CANNOT_SAY} ({link.doubt}); a {fall} may mean {low} "
            f"to {high} times the rates: no overlay"
        )
    return (
        f"A {fall} of {link.name} from its mean means {_times(lower['factor'])} times the rates "
        f"({low} to {high})"
    )


def show_fits(link: MacroLink, name: str) -> Table:
    """One row a lag tried."""
    fits = link.fits.copy()
    fits["chosen"] = np.where(fits["lag"] == link.lag, "best", "")
    note = (
        f"Lag: {link.frequency}s by which {link.name} runs ahead. Slope: change of the log rate of defaults "
        f"by one point, {link.level:.0%} interval for this lag alone; p_adjusted: for {_lags(link)} tried. "
        f"{link.events:g} defaults in {len(link.series)} {link.frequency}s, worth {link.independent:.0f} "
        "independent ones. Out of time the series gains "
        f"{link.gain:+.2f} in log score over {len(link.trial)} {link.frequency}s."
    )
    columns = ("slope", "error", "ci_low", "ci_high", "p_value", "p_adjusted", "log_likelihood")
    formats: dict[str, Format] = dict.fromkeys(columns, "number")  # type: ignore[arg-type]
    return Table(name, link.finding(), fits, note, formats)


def show_sensitivity(link: MacroLink, rates: LossRates | None, name: str) -> Table:
    """What one standard deviation of the series means for the rates."""
    kind = "interval" if link.identified else "range that the data do not exclude, no overlay"
    note = (
        f"Factor on historical rates and its {link.level:.0%} {kind}; against the average rate of the "
        f"{len(link.series)} {link.frequency}s fitted, which is not quite the rate at the mean. Loss rates "
        "are taken to move as defaults do."
    )
    if rates is not None:
        note += f" Amounts in {rates.currency}; the interval of the rates themselves comes on top."
    formats: dict[str, Format] = dict.fromkeys(("value", "factor", "low", "high"), "number")  # type: ignore[arg-type]
    money: dict[str, Format] = dict.fromkeys(("amount", "amount_low", "amount_high"), "money")  # type: ignore[arg-type]
    return Table(name, link.finding(), link.sensitivity(rates), note, {**formats, **money})


def show_trial(link: MacroLink, name: str) -> Table:
    """Expected and seen out of time."""
    better = "better" if link.gain > 0 else "no better"
    title = f"Out of time {link.name} foretells defaults {better} than none ({link.gain:+.2f} in log score)"
    note = (
        "Defaults of each period expected from the periods before it, without the series and with it (given "
        "its true value); gain: log score with it less without."
    )
    formats: dict[str, Format] = dict.fromkeys(("without", "with", "gain"), "number")  # type: ignore[arg-type]
    return Table(name, title, link.trial, note, formats)


def plot_link(link: MacroLink, ax: Axes | None = None) -> Axes:
    """Default rate by period against the series at the best lag, with the fit and its range."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    rate = 100 * link.series["events"] / link.series["at_risk"]
    ax.set(ylabel=f"first defaults, % of customers at risk a {link.frequency}", title=_headline(link))
    if link.fit is None:
        ax.set(xlabel=link.name)
        return stamp(ax, link.as_of, "nothing to fit")
    seen = link.values
    ax.plot(seen, rate, "o", color=GREY, label=f"{link.frequency}s")
    grid = np.linspace(seen.min(), seen.max(), 60)
    found = link.predict(grid.tolist())
    mean = 100 * link.series["events"].sum() / link.series["at_risk"].sum()
    top = max(float(rate.max()), mean) * 1.4
    ax.plot(grid, mean * found["factor"], color=BLUE, label="fit")
    high = np.minimum(mean * found["high"], top)
    ax.fill_between(grid, mean * found["low"], high, color=BLUE, alpha=0.15, label=f"{link.level:.0%} range")
    ax.axhline(mean, color=ORANGE, linestyle="--", label="no link")
    ahead = f", {link.lag} {link.frequency}s before" if link.lag else ""
    ax.set(xlabel=f"{link.name}{ahead}", ylim=(0, top))
    ax.legend(loc="upper right")
    return stamp(ax, link.as_of, f"{_lags(link)} tried")


def _headline(link: MacroLink) -> str:
    """The finding as short as a picture needs it."""
    if link.identified:
        return link.finding().replace(", rates", ",\nrates")
    seen = f"{link.events:g} defaults in {len(link.series)} {link.frequency}s"
    return f"Whether {link.name} moves defaults: {CANNOT_SAY}\n({seen}; no overlay)"


def _lags(link: MacroLink) -> str:
    count = len([c for c in link.series if str(c).startswith("lag_")])
    return f"{count} {'lag' if count == 1 else 'lags'}"


def _times(factor: float) -> str:
    if np.isinf(factor):
        return "any number of"
    return f"{factor:.2f}"
