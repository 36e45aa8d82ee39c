"""New customers of a ledger: expert points first, behaviour as it comes to be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.scoring.blending import K_MONTHS, blend, blend_range, credibility_weight, over_horizon
from arrisk.models.scoring.expert import JUDGEMENT, ExpertCard
from arrisk.models.scoring.scaling import GRADES, grade_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["NewCustomers", "history_months", "score_new_customers"]

NEW_MONTHS = 6.0
MOST_SHOWN, LEAST_SHOWN = 15, 5
DAYS_PER_MONTH = 365.25 / 12
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
SHOWN = (
    "customer_id", "history", "expert_points", "expert_pd", "behaviour_pd", "weight",
    "pd", "pd_low", "pd_high", "grade", "answered", "reason",
)  # fmt: skip
FRACTIONS = ("expert_pd", "behaviour_pd", "weight", "pd", "pd_low", "pd_high", "answered")


@dataclass(frozen=True, slots=True)
class NewCustomers:
    """Probability of default of each customer from experts and behaviour; from `score_new_customers`.

    Parameters
    ----------
    table : DataFrame
        One row a customer: customer_id, history, expert_points, expert_pd, behaviour_pd (missing where there
        is none), weight (of behaviour), pd with pd_low and pd_high, grade, answered, in_default, reason; all
        probabilities within `horizon_days`.
    horizon_days : int
    k : float
        History at which expert and behaviour count alike.
    unit : str
        Of history and k.
    new : float
        A customer with less history is new.
    card : ExpertCard
    as_of : Timestamp or None
    """

    table: pd.DataFrame
    horizon_days: int
    k: float
    unit: str
    new: float
    card: ExpertCard
    as_of: pd.Timestamp | None = None

    @property
    def newcomers(self) -> pd.DataFrame:
        """The rows of new customers not in default, the worst first."""
        rows = self.table[(self.table["history"] < self.new) & ~self.table["in_default"]]
        return rows.sort_values(["pd", "customer_id"], ascending=[False, True], ignore_index=True)

    @property
    def youngest(self) -> pd.DataFrame:
        """The five customers not in default with the least history."""
        rows = self.table[~self.table["in_default"]]
        return rows.sort_values(["history", "customer_id"], ignore_index=True).head(LEAST_SHOWN)

    def finding(self) -> str:
        """How many are new, how they are graded, and on whose word."""
        rows = self.newcomers
        if rows.empty:
            least = self.table["history"].min()
            known = f"; the youngest has {least:.0f}" if len(self.table) else ""
            return f"No customer has less than {self.new:g} {self.unit} of history{known}"
        counts = rows["grade"].value_counts().reindex(list(GRADES), fill_value=0)
        told = ", ".join(f"{n} in {g}" for g, n in counts.items() if n)
        heard = rows["behaviour_pd"].notna().any()
        whose = f"behaviour counts {rows['weight'].mean():.0%}" if heard else "on expert points alone"
        many = "customers have" if len(rows) > 1 else "customer has"
        return f"{len(rows)} {many} less than {self.new:g} {self.unit} of history: {told}; {whose}"

    def _shown(self, top: int) -> pd.DataFrame:
        """The worst new customers, or the youngest where nobody is new."""
        rows = self.newcomers
        return rows.head(top) if len(rows) else self.youngest

    def to_table(self, name: str = "new_customers", top: int = MOST_SHOWN) -> Table:
        """The worst new customers, or the youngest: what was said of them, and how much behaviour counts."""
        shown = self._shown(top)[list(SHOWN)]
        note = (
            f"Probability of default within {self.horizon_days} days. weight: of behaviour, history over "
            f"history plus {self.k:g} {self.unit}; the range is the stated one of the experts, blended with "
            f"the interval of behaviour. answered: share of the expert points asked for. {JUDGEMENT}"
        )
        formats: dict[str, Format] = dict.fromkeys(FRACTIONS, "percent")  # type: ignore[arg-type]
        return Table(
            name, self.finding(), shown, note, formats | {"history": "days", "expert_points": "integer"}
        )

    def plot(self, ax: Axes | None = None, top: int = MOST_SHOWN) -> Axes:
        """Expert, behaviour and blend of the worst new customers, or the youngest."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        rows = self._shown(top).iloc[::-1]
        at = np.arange(len(rows))
        ax.hlines(
            at, 100 * rows["pd_low"], 100 * rows["pd_high"], color=BLUE, lw=5, alpha=0.25, label="range"
        )
        ax.plot(100 * rows["expert_pd"], at, "d", color=GREY, label="expert")
        ax.plot(100 * rows["behaviour_pd"], at, "|", color=ORANGE, ms=14, mew=2.5, label="behaviour")
        ax.plot(100 * rows["pd"], at, "o", color=BLUE, label="blended")
        names = rows[["customer_id", "weight"]].itertuples(index=False)
        ax.set_yticks(at, [f"{c} ({w:.0%})" for c, w in names])
        ax.set(xlim=(0, None), ylim=(-0.6, max(len(rows), 1) - 0.4))
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(f"probability of default within {self.horizon_days} days, %")
        ax.set_ylabel("customer (weight of behaviour)")
        ax.set_title(self.finding())
        if len(rows):
            ax.legend(loc="lower right")
        return ax if self.as_of is None else stamp(ax, self.as_of, f"k = {self.k:g} {self.unit}")

    def _repr_html_(self) -> str:
        t = self.to_table()
        return frame_html(t.frame, t.title, t.note, t.formats)


def score_new_customers(
    features: pd.DataFrame,
    card: ExpertCard,
    behaviour: pd.DataFrame | None,
    horizon_days: int,
    *,
    registry: pd.DataFrame | None = None,
    history: pd.Series | None = None,
    k: float = K_MONTHS,
    unit: str = "months",
    new: float = NEW_MONTHS,
    as_of: pd.Timestamp | None = None,
) -> NewCustomers:
    """Blend what the experts say of each customer with how it has behaved.

    Parameters
    ----------
    features : DataFrame
        From `make_features`: one row a customer, `customer_id`.
    card : ExpertCard
        The one in force on the day of the features.
    behaviour : DataFrame or None
        As `Scorecard.predict` gives it: `customer_id`, `pd`, `pd_low`, `pd_high` and, if known, `in_default`
        and `reason`. Without one, or where its `pd` is missing, the expert's stands.
    horizon_days : int
        The probabilities of `behaviour` are within so many days; those of the card are carried there at a
        constant hazard.
    registry : DataFrame, optional
        `customer_id` and columns that the card reads, also of customers that have not bought yet. Where it
        knows a value it goes before the features.
    history : Series, optional
        By customer_id: how much behaviour there is to see, see `history_months`. By default
        `months_customer` of the features; none for customers of the registry alone.
    k, unit : float, str
        History at which both count alike (see `estimate_k`), and its unit.
    new : float
        A customer with less history is new.
    as_of : Timestamp, optional
        For the picture.

    Raises
    ------
    ModelError
        If a customer appears twice, or a value cannot be used.

    Examples
    --------
    >>> features = pd.DataFrame({"customer_id": ["a", "b"], "months_customer": [4.0, 60.0]})
    >>> behaviour = pd.DataFrame({"customer_id": ["a", "b"], "pd": [0.2, 0.01], "pd_low": [0.1, 0.005],
    ...     "pd_high": [0.4, 0.02]})
    >>> registry = pd.DataFrame({"customer_id": ["a", "new"], "debt_ratio": [0.3, 0.95]})
    >>> card = ExpertCard.read("2025-12-31")
    >>> scored = score_new_customers(features, card, behaviour, 365, registry=registry)
    >>> scored.newcomers[["customer_id", "weight", "expert_pd", "pd", "grade"]].round(3)
      customer_id  weight  expert_pd     pd grade
    0         new    0.00      0.111  0.111     C
    1           a    0.25      0.048  0.070     B
    """
    known = _joined(features, registry)
    expert = card.score(known)
    days = card.link.horizon_days
    said = [over_horizon(expert[c], days, horizon_days) for c in ("pd", "pd_low", "pd_high")]
    seen = _behaviour(known["customer_id"], behaviour)
    months = _history(known, history)
    weight = np.where(seen["pd"].isna(), 0.0, credibility_weight(months, k))
    blended = blend(said[0], seen["pd"], months, k)
    ends = [
        blend_range((e, seen[c]), blended, said[0], seen["pd"], weight)
        for e, c in zip(said[1:], ("pd_low", "pd_high"), strict=True)
    ]
    table = pd.DataFrame(
        {
            "customer_id": known["customer_id"],
            "history": months,
            "expert_points": expert["points"],
            "expert_pd": said[0],
            "behaviour_pd": seen["pd"],
            "weight": weight,
            "pd": blended,
            "pd_low": np.minimum(ends[0], blended),
            "pd_high": np.maximum(ends[1], blended),
            "answered": expert["answered"],
            "in_default": seen["in_default"],
            "reason": _reasons(expert["reasons"], seen, weight),
        }
    )
    held = table["in_default"]
    table.loc[held, ["pd", "pd_low", "pd_high"]] = 1.0
    table.insert(9, "grade", grade_of(table["pd"], horizon_days))
    return NewCustomers(table, horizon_days, k, unit, new, card, as_of)


def history_months(snapshot: Snapshot) -> pd.Series:
    """Months since the first invoice of each customer that the ledger holds, by customer_id.

    Unlike the feature `months_customer` it does not count years before the ledger begins: behaviour in them
    cannot be seen.
    """
    items = snapshot.items
    first = items.loc[items["amount"] > 0].groupby("customer_id")["issue_date"].min()
    months: pd.Series = (snapshot.date - first).dt.days / DAYS_PER_MONTH
    return months.rename("history")


def _joined(features: pd.DataFrame, registry: pd.DataFrame | None) -> pd.DataFrame:
    for frame in (features, *([] if registry is None else [registry])):
        if "customer_id" not in frame.columns:
            raise ModelError("features and registry need the column customer_id")
        twice = frame["customer_id"][frame["customer_id"].duplicated()]
        if len(twice):
            raise ModelError(f"customer {twice.iloc[0]!r} appears twice; give one row a customer")
    if registry is None:
        return features.reset_index(drop=True)
    joined = features.merge(registry, on="customer_id", how="outer", suffixes=("", " of the registry"))
    for column in registry.columns.intersection(features.columns).drop("customer_id"):
        own = joined.pop(f"{column} of the registry")
        joined[column] = own.where(own.notna(), joined[column])
    return joined.sort_values("customer_id", ignore_index=True)


def _behaviour(customers: pd.Series, behaviour: pd.DataFrame | None) -> pd.DataFrame:
    """What behaviour says of each customer, in their order."""
    columns = ["pd", "pd_low", "pd_high", "in_default", "reason"]
    if behaviour is None:
        found = pd.DataFrame(index=customers, columns=columns)
    else:
        if behaviour["customer_id"].duplicated().any():
            raise ModelError("behaviour has a customer twice")
        found = behaviour.set_index("customer_id").reindex(index=customers, columns=columns)
    found = found.reset_index(drop=True)
    numbers = found[columns[:3]].astype(float)
    held = found["in_default"].astype("boolean").fillna(False).astype(bool)
    return numbers.assign(in_default=held, reason=found["reason"].astype("string"))


def _history(known: pd.DataFrame, history: pd.Series | None) -> pd.Series:
    given = known["customer_id"].map(history) if history is not None else known.get("months_customer")
    if given is None:
        raise ModelError("no history: give history=, or features with the column months_customer")
    return given.astype(float).fillna(0.0)


def _reasons(expert: pd.Series, seen: pd.DataFrame, weight: np.ndarray) -> list[str]:
    """Both voices; behaviour only where it has weight, or the customer is in default."""
    heard = ((weight > 0) | seen["in_default"]) & seen["reason"].notna()
    return [
        f"{said}; behaviour: {told}" if both else str(said)
        for said, told, both in zip(expert, seen["reason"], heard, strict=True)
    ]
