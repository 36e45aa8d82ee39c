"""How a scorecard is shown: what drives it, its back-test by grade, the worst customers, the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp
from arrisk.models.features.catalogue import feature_of
from arrisk.models.scoring.over_time import score_drift
from arrisk.models.scoring.scorecard_rivals import compare_rivals
from arrisk.models.scoring.terms import BinnedTerm, CardTerm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = [
    "checks_table",
    "drift_table",
    "grades_table",
    "low_default_table",
    "plot_card",
    "ranked_table",
    "rivals_table",
    "term_structure_table",
    "terms_table",
]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
MOST_UNGRADED = 5
RATES = ("observed", "ci_low", "ci_high", "expected")


def _definition(card: Scorecard) -> str:
    return f"Default: {card.definition}, within {card.horizon_days} days."


def describe_card(card: Scorecard) -> str:
    """The finding in one sentence."""
    if card.auc is None:
        return f"No score: {card.doubt}"
    area = f"{card.auc.value:.2f} ({card.auc.low:.2f} to {card.auc.high:.2f})"
    return f"The score orders customers it has not seen with an area under the curve of {area}"


def terms_table(card: Scorecard, name: str) -> Table:
    """What a unit of each term does to the odds of default, with errors by customer."""
    if card.card is None:
        formats: dict[str, Format] = dict.fromkeys(("estimate", "ci_low", "ci_high"), "percent")
        return Table(name, describe_card(card), card.table, _definition(card), formats)
    table = card.table[card.table["term"] != "const"]
    frame = pd.DataFrame(
        {
            "term": [_unit(term) for term in card.card.terms],
            "odds_times": np.exp(table["estimate"].to_numpy()),
            "times_low": np.exp(table["ci_low"].to_numpy()),
            "times_high": np.exp(table["ci_high"].to_numpy()),
            "log_odds": table["estimate"].to_numpy(),
            "std_error": table["se"].to_numpy(),
        }
    ).round(6)
    how = card.fitting
    note = (
        f"{_definition(card)} {how['events']} defaults in {how['n']} rows of {how['clusters']} "
        f"customers on {card.observations['cutoff'].nunique()} past days; {how['penalty']}; terms "
        f"{how['coding']}. 95% intervals, errors clustered by customer. A factor above 1 raises the odds."
    )
    formats = dict.fromkeys(frame.columns[1:], "number")
    return Table(name, "What raises the odds of default", frame, note, formats)


def _unit(term: CardTerm) -> str:
    """A term in words, with the unit of its coefficient."""
    if isinstance(term, BinnedTerm):
        return f"{term.name.replace('_', ' ')}, each unit of its weight of evidence"
    return feature_of(term.name).each


def grades_table(card: Scorecard, name: str) -> Table:
    """Back-test by grade, best grade first; no rows without a fit."""
    formats: dict[str, Format] = {"yearly_limit": "percent", **dict.fromkeys(RATES, "percent")}  # type: ignore[dict-item]
    columns = ["grade", "yearly_limit", "rows", "customers", "defaults", *RATES]
    if card.card is None:
        return Table(
            name,
            f"No grades: {card.doubt}",
            _ungraded(card)[columns[:1] + columns[2:-1]],
            _definition(card),
            formats,
        )
    frame = card.grades.assign(yearly_limit=list(card.bounds.values()))[columns]
    note = (
        f"{_definition(card)} Each row is a customer on a past day, graded by a fit without that customer. "
        f"yearly_limit: highest probability of the grade, fixed beforehand; observed with its "
        f"{card.level:.0%} Jeffreys interval; expected: mean probability given."
    )
    return Table(name, "Back-test by grade", frame, note, formats)


def _ungraded(card: Scorecard) -> pd.DataFrame:
    """The default rate of all customers together and its bound, where no grade can be given."""
    seen = card.observations
    people = seen["customer_id"].nunique()
    rate = card.defaulters / people if people else np.nan
    row = ("none given", len(seen), people, int(seen["default"].sum()), rate, 0.0, card.upper_bound)
    columns = ["grade", "rows", "customers", "defaults", "observed", "ci_low", "ci_high"]
    return pd.DataFrame([row], columns=columns)


def _order_finding(card: Scorecard) -> str:
    used = card.grades[card.grades["rows"] > 0]
    if len(used) < 2:
        return f"All rows fall into grade {used['grade'].iloc[0]}: the grades do not separate"
    first, last = used.iloc[0], used.iloc[-1]
    return (
        f"{first['observed']:.0%} of grade {first['grade']} defaulted, {last['observed']:.0%} of grade "
        f"{last['grade']}"
    )


def checks_table(card: Scorecard, name: str) -> Table:
    """Ordering and calibration out of fold, or what the counts do not rule out."""
    columns = ["figure", "value", "ci_low", "ci_high", "how_to_read"]
    people = card.observations["customer_id"].nunique()
    counts = (f"customers that defaulted, of {people}", float(card.defaulters), np.nan, np.nan)
    if card.auc is None or card.calibration is None:
        rate = card.defaulters / people if people else np.nan
        bound = ("default rate", rate, 0.0, card.upper_bound, f"one-sided, {card.level:.0%}")
        rows = [(*counts, "fewer than 10 do not order customers"), bound]
        return Table(name, describe_card(card), pd.DataFrame(rows, columns=columns), _definition(card))
    ratio, limits = card.diagnostics["observed_over_expected"], card.calibration
    later = (np.nan,) * 3 if card.later is None else (card.later.value, card.later.low, card.later.high)
    told = "too few defaults to say" if card.later is None else "fitted on windows over before them"
    rows = [
        (*counts, "10 are the least, 50 are comfortable"),
        ("area under the curve", card.auc.value, card.auc.low, card.auc.high, "0.5 is chance, 1 is perfect"),
        ("the same on the last days of observation", *later, told),
        (
            "observed over expected defaults",
            ratio,
            limits.low,
            limits.high,
            "1 is right, above 1 too hopeful",
        ),
    ]
    note = f"{_definition(card)} Out of fold: {card.diagnostics['validation']}; {card.auc.method}."
    frame = pd.DataFrame(rows, columns=columns).round(6)
    return Table(name, describe_card(card), frame, note)


def rivals_table(card: Scorecard, seed: int, name: str) -> Table:
    """The score against each rival, or the reason why there is none."""
    if card.card is None:
        none = pd.DataFrame({"score": ["none given"], "why": [card.doubt]})
        return Table(name, "No score to compare with rivals", none, _definition(card))
    return compare_rivals(card, seed).rivals_table(name)


def drift_table(card: Scorecard, snapshot: Snapshot, name: str) -> Table:
    """What changed since the days of observation, or the reason why nothing can be compared."""
    if card.card is None:
        none = pd.DataFrame({"score": ["none given"], "why": [card.doubt]})
        return Table(name, "No score that could drift", none, _definition(card))
    return score_drift(card, snapshot).to_table(name)


def low_default_table(card: Scorecard, correlation: float, name: str) -> Table:
    """Bounds by grade, or by ageing where there are no grades."""
    if not len(card.observations):
        none = pd.DataFrame({"bound": ["none but 100%"], "why": [card.doubt]})
        return Table(name, "No customer was observed long enough to bound a rate", none, _definition(card))
    return card.low_default(correlation).to_table(name)


def term_structure_table(card: Scorecard, name: str) -> Table:
    """Defaults seen and expected over other horizons, or the reason why that is not known."""
    if card.terms is None:
        why = card.doubt or "too few observations come through the horizon"
        none = pd.DataFrame({"weights": ["none given"], "why": [why]})
        return Table(name, "It is not known when defaults come", none, _definition(card))
    return card.terms.grades_table(name)


def ranked_table(card: Scorecard, snapshot: Snapshot, top: int, name: str) -> Table:
    """The worst customers that are not in default, with what they owe and why they are graded so."""
    scored = card.predict(snapshot)
    owed = snapshot.open_items.groupby("customer_id")["open_amount"].sum()
    scored["open_amount"] = scored["customer_id"].map(owed).fillna(0.0).round(2)
    held = scored[scored["in_default"]]
    live = scored[~scored["in_default"]]
    order = ["pd", "open_amount"] if card.identified else ["open_amount"]
    top = top if card.identified else min(top, MOST_UNGRADED)
    shown = live.sort_values([*order, "customer_id"], ascending=[*(False for _ in order), True]).head(top)
    names = _names(snapshot)
    columns = {
        "customer": [names.get(c, c) for c in shown["customer_id"]],
        "grade": shown["grade"].astype(object).where(shown["grade"].notna(), "none"),
        "probability": shown["pd"],
        "low": shown["pd_low"],
        "high": shown["pd_high"],
        "open_amount": shown["open_amount"],
        "reason": shown["reason"] if card.identified else "cannot be told from the others",
    }
    title = f"The {len(shown)} worst of {len(live)} customers not in default"
    if not card.identified:
        title = f"Nobody can be graded; the {len(shown)} customers that owe most"
    kind = "interval" if card.identified else "bound, the same for all"
    note = (
        f"Probability of default within {card.horizon_days} days with its {card.level:.0%} {kind}; amounts "
        f"in {snapshot.currency}."
    )
    if len(held):
        note += (
            f" {len(held)} customers in default already, owing {held['open_amount'].sum():,.0f}, are not "
            "shown: they need collection, not a grade."
        )
    formats: dict[str, Format] = dict.fromkeys(("probability", "low", "high"), "percent")
    return Table(name, title, pd.DataFrame(columns), note, formats | {"open_amount": "money"})


def _names(snapshot: Snapshot) -> dict[str, str]:
    """Name of each customer where the ledger gives one."""
    customers = snapshot.customers
    if "name" not in customers.columns:
        return {}
    given = customers.loc[customers["name"].notna(), ["customer_id", "name"]]
    return dict(zip(given["customer_id"], given["name"], strict=True))


def plot_card(card: Scorecard, ax: Axes | None) -> Axes:
    """Observed against given default rates by grade, or the bound when there is no score."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    return _plot_bound(card, ax) if card.card is None else _plot_grades(card, ax)


def _plot_bound(card: Scorecard, ax: Axes) -> Axes:
    people = card.observations["customer_id"].nunique()
    rate = 100 * card.defaulters / people if people else np.nan
    bound = 100 * card.upper_bound
    ax.barh([0], [bound], height=0.35, color=BLUE, alpha=0.25, label=f"not ruled out ({card.level:.0%})")
    ax.plot([rate], [0], marker="o", ls="none", color=BLUE, clip_on=False, label="seen")
    ax.set(yticks=[], ylim=(-0.6, 0.9), xlim=(0, max(1.25 * bound, 1.0)))
    ax.set_xlabel(f"customers that default within {card.horizon_days} days, %")
    ax.set_title(f"{card.defaulters} of {people} customers defaulted: up to {bound:.1f}% cannot be ruled out")
    ax.margins(x=0.02)
    ax.legend(loc="upper left", ncols=2)
    return stamp(ax, card.as_of, "no score, a bound only")


def _plot_grades(card: Scorecard, ax: Axes) -> Axes:
    table = card.grades.dropna(subset=["observed"])
    where = np.arange(len(table))
    # Jeffreys' limits may both lie on one side of an observed rate of 0 or 1.
    miss = [(table["observed"] - table["ci_low"]).clip(0), (table["ci_high"] - table["observed"]).clip(0)]
    seen, given = 100 * table["observed"], 100 * table["expected"]
    bars = 100 * np.array(miss)
    ax.errorbar(where, seen, yerr=bars, fmt="o", capsize=5, color=BLUE, label="defaulted")
    ax.plot(where, given, marker="_", ms=26, mew=2.5, ls="none", color=ORANGE, label="expected")
    ticks = [
        f"grade {g}\n{d} of {n}"
        for g, d, n in zip(table["grade"], table["defaults"], table["rows"], strict=True)
    ]
    ax.set_xticks(where, ticks)
    ax.set(ylabel=f"defaults within {card.horizon_days} days, %", ylim=(0, None))
    ax.set_xlim(-0.6, len(table) - 0.4)
    ax.set_title(_order_finding(card))
    ax.legend(loc="upper left")
    return stamp(ax, card.as_of, f"bars: {card.level:.0%}; customers left out of the fit")
