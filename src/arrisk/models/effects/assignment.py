"""How a discount was offered: by a rule that the ledger shows, or to customers picked by hand.

Only what was known at the issue of an invoice is looked at: its day, its amount, its customer and the offer
on it. When and how much was paid plays no part, so the choice of a design cannot lean on the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import frame_html
from arrisk.errors import ModelError
from arrisk.models.effects import assignment_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.display import Table
    from arrisk.ledger.book import Snapshot

__all__ = ["KINDS", "OfferRules", "find_offer_rules"]

KINDS = {
    "rule": "given by a rule, with a time before it",
    "always": "given by a rule from the first day, so there is nothing before it",
    "picked": "customers picked by hand",
    "unclear": "neither date and amount nor the customer tells which invoices were offered",
    "none": "never offered",
}
COMPLIANCE = 0.95
TOLD = 0.80  # of the offers; a rule that holds for the last day alone would otherwise pass
FEWEST_OFFERS, FEWEST_BEFORE = 10, 60
MOST_LEVELS = 30
TAIL = 0.02
ROUNDS = 10
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OfferRules:
    """How offers were given, by group of customers; make one with `find_offer_rules`.

    Parameters
    ----------
    table : DataFrame
        A row a group: group, kind (of `KINDS`), start (first day of the offer, NaT without one), threshold
        (smallest amount offered, 0 without one), rate, window (days), invoices, customers, offered,
        offered_customers, kept (share of invoices within the rule that were offered), spared (share of
        the others that were not), reason.
    members : DataFrame
        A row a customer: customer_id, group, picked (offered although no rule says so).
    invoices : DataFrame
        What it was found from: customer_id, group, issue_date, billed, offered.
    by : str
        Attribute of customers that makes the groups.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    members: pd.DataFrame
    invoices: pd.DataFrame
    by: str
    as_of: pd.Timestamp
    currency: str

    @property
    def ruled(self) -> pd.DataFrame:
        """The groups whose offers follow a rule that has a time before it."""
        return self.table[self.table["kind"] == "rule"]

    @property
    def exists(self) -> bool:
        """Whether anything was offered."""
        return bool((self.table["offered"] > 0).any())

    def treat(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Mark invoices by what the rules say of them, whatever was really offered.

        Parameters
        ----------
        rows : DataFrame
            With `customer_id`, `issue_date`, `billed`.

        Returns
        -------
        DataFrame
            The rows with `group`, `picked`, `comparable` (of a customer whose offers are all by a rule with a
            time before it, or who has none), `in_reach` (large enough for the offer of a group with a rule),
            `start` (its first day, NaT out of reach) and `ruled` (in reach and not before the start).
        """
        known = self.members.set_index("customer_id")
        facts = self.ruled.set_index("group")
        group = rows["customer_id"].map(known["group"])
        reach = rows["billed"].to_numpy(dtype=float) >= group.map(facts["threshold"]).to_numpy(dtype=float)
        picked = rows["customer_id"].map(known["picked"]).fillna(False).astype(bool)
        in_reach = pd.Series(reach, index=rows.index) & ~picked
        plain = self.table.loc[self.table["kind"].isin(["rule", "none"]), "group"]
        start = pd.to_datetime(group.map(facts["start"])).where(in_reach)
        ruled = in_reach & (rows["issue_date"] >= start)
        marks = {"group": group, "picked": picked, "comparable": group.isin(plain) & ~picked}
        return rows.assign(**marks, in_reach=in_reach, start=start, ruled=ruled)

    def finding(self) -> str:
        """Who was offered what, in one sentence."""
        return assignment_page.describe_rules(self)

    def to_table(self, name: str = "offer_rules") -> Table:
        """How offers were given, a row a group."""
        return assignment_page.show_rules(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Every invoice by day and amount, offered ones in colour."""
        return assignment_page.plot_rules(self, ax)

    def __repr__(self) -> str:
        return f"OfferRules, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def find_offer_rules(snapshot: Snapshot, *, by: str | None = None) -> OfferRules:
    """Find by what rule a discount was offered, group by group.

    A rule is a first day and a smallest amount within a group. Both are set so that the fewest invoices
    contradict them. It counts as a rule when 95% of the invoices within it were offered, 95% of those
    outside were not, and 80% of the offers lie within it; where instead some customers of a group were
    offered and others never, these were picked by hand.

    Parameters
    ----------
    snapshot : Snapshot
    by : str, optional
        Attribute of customers that makes the groups; by default the one (of at most 30 values) that leaves
        the fewest invoices unexplained, the segment where others do no better.

    Returns
    -------
    OfferRules

    Raises
    ------
    ModelError
        If the snapshot holds no invoice, or customers have no such attribute.
    """
    items = snapshot.items
    items = items[items["amount"] > 0]
    if items.empty:
        raise ModelError("the snapshot holds no invoice with a positive amount")
    customers = snapshot.customers
    if by is not None and by not in customers.columns:
        raise ModelError(f"customers have no attribute {by!r}; there are {', '.join(customers.columns)}")
    rate = pd.to_numeric(items["discount_rate"]).astype(float).fillna(0.0)
    frame = items[["customer_id", "issue_date"]].assign(
        billed=items["amount"].astype(float),
        offered=rate > 0,
        rate=rate,
        window=pd.to_numeric(items["discount_days"]).astype(float),
    )
    found = [_find(frame, customers, name) for name in ([by] if by else _candidates(frame, customers))]
    _, name, table, grouped = min(found, key=lambda f: f[0])
    picked = _picked(table, grouped)
    members = grouped.drop_duplicates("customer_id")[["customer_id", "group"]].reset_index(drop=True)
    members["picked"] = members["customer_id"].isin(picked)
    shown = ["customer_id", "group", "issue_date", "billed", "offered"]
    invoices = grouped[shown].reset_index(drop=True)
    return OfferRules(table, members, invoices, name, snapshot.date, snapshot.currency)


def _candidates(frame: pd.DataFrame, customers: pd.DataFrame) -> list[str]:
    """Attributes that could make groups: the segment first, then any text with few values."""
    if not frame["offered"].any():
        return ["segment"]
    texts = [
        c
        for c in customers.columns
        if c not in ("customer_id", "name", "segment")
        and not pd.api.types.is_numeric_dtype(customers[c])
        and not pd.api.types.is_datetime64_any_dtype(customers[c])
        and 2 <= customers[c].nunique() <= MOST_LEVELS
    ]
    return ["segment", *texts]


def _find(
    frame: pd.DataFrame, customers: pd.DataFrame, by: str
) -> tuple[int, str, pd.DataFrame, pd.DataFrame]:
    """Rules by one attribute, and how many invoices they leave unexplained."""
    label = frame["customer_id"].map(customers.set_index("customer_id")[by])
    grouped = frame.assign(group=label.fillna(f"no {by}").astype(str))
    rows = [_judge(str(name), rows) for name, rows in grouped.groupby("group", sort=True)]
    table = pd.DataFrame([row for _, row in rows])
    table["start"] = pd.to_datetime(table["start"])
    return sum(wrong for wrong, _ in rows), by, table, grouped


def _judge(name: str, rows: pd.DataFrame) -> tuple[int, dict[str, object]]:
    """The rule of one group and the number of invoices that contradict it."""
    offered = rows["offered"].to_numpy(dtype=bool)
    facts: dict[str, object] = {
        "group": name, "kind": "none", "start": pd.NaT, "threshold": 0.0, "rate": np.nan, "window": np.nan,
        "invoices": len(rows), "customers": rows["customer_id"].nunique(), "offered": int(offered.sum()),
        "offered_customers": rows.loc[offered, "customer_id"].nunique(), "kept": np.nan, "spared": np.nan,
        "reason": "no invoice was offered a discount",
    }  # fmt: skip
    if not offered.any():
        return 0, facts
    terms = rows.loc[offered].value_counts(["rate", "window"], dropna=False).reset_index().iloc[0]
    start, edge = _fit_rule(rows)
    inside = _inside(rows, start, edge)
    kept, spared = _share(offered[inside]), _share(~offered[~inside])
    facts |= {"start": start, "threshold": edge, "rate": terms["rate"], "window": terms["window"]}
    facts |= {"kept": kept, "spared": spared}
    wrong = int((inside != offered).sum())
    before = (start - rows["issue_date"].min()).days
    if facts["offered"] < FEWEST_OFFERS:  # type: ignore[operator]
        kind, why = "unclear", f"fewer than {FEWEST_OFFERS} offers"
    elif _holds(offered, inside):
        kind = "rule" if before >= FEWEST_BEFORE or edge > 0 else "always"
        exceptions = 0.0 if np.isnan(spared) else 1 - spared
        why = f"{kept:.1%} of the invoices within the rule were offered, {exceptions:.1%} of the others"
        why = why if kind == "rule" else KINDS["always"]
    else:
        facts |= _by_hand(rows)
        kind, why = str(facts["kind"]), str(facts["reason"])
    return (int(offered.sum()) if kind == "picked" else wrong), facts | {"kind": kind, "reason": why}


def _inside(rows: pd.DataFrame, start: pd.Timestamp, edge: float) -> Flags:
    return np.asarray((rows["issue_date"] >= start) & (rows["billed"] >= edge), dtype=bool)


def _holds(offered: Flags, inside: Flags) -> bool:
    """Whether a rule tells who was offered: few exceptions on either side, and few offers outside."""
    kept, spared = _share(offered[inside]), _share(~offered[~inside])
    return kept >= COMPLIANCE and not spared < COMPLIANCE and _share(inside[offered]) >= TOLD


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _fit_rule(rows: pd.DataFrame) -> tuple[pd.Timestamp, float]:
    """First day and smallest amount that the fewest invoices contradict, found in turns."""
    offered = rows["offered"].to_numpy(dtype=bool)
    day = rows["issue_date"].to_numpy(dtype="datetime64[D]").astype(np.int64).astype(float)
    amount = rows["billed"].to_numpy(dtype=float)
    start, edge = (float(np.quantile(x[offered], TAIL, method="lower")) for x in (day, amount))
    for _ in range(ROUNDS):
        last = (start, edge)
        start = _cut(day[amount >= edge], offered[amount >= edge], start)
        edge = _cut(amount[day >= start], offered[day >= start], edge)
        if (start, edge) == last:
            break
    return _round_day(day, offered, amount >= edge, start), _round_amount(amount[day >= start], edge)


def _cut(x: Floats, offered: Flags, now: float) -> float:
    """Value from which on `offered` holds with the fewest exceptions; the present one on a tie."""
    values, place = np.unique(x, return_inverse=True)
    yes = np.bincount(place, weights=offered, minlength=len(values))
    no = np.bincount(place, weights=~offered, minlength=len(values))
    wrong = np.concatenate([[0.0], np.cumsum(yes)[:-1]]) + np.cumsum(no[::-1])[::-1]
    best = wrong.min()
    same = values[wrong == best]
    return float(now if now in same else same[0])


def _round_day(day: Floats, offered: Flags, large: Flags, start: float) -> pd.Timestamp:
    """The first of a month where it tells the same invoices apart, else the first day offered."""
    first = pd.Timestamp(int(start), unit="D")
    earlier = day[large & (day < start)]
    month = first.replace(day=1)
    since = (month - pd.Timestamp("1970-01-01")).days
    return month if len(earlier) and earlier.max() < since else first


def _round_amount(amount: Floats, edge: float) -> float:
    """The roundest amount that tells the same invoices apart; 0 when none is smaller."""
    smaller = amount[amount < edge]
    if not len(smaller):
        return 0.0
    low = float(smaller.max())
    for digits in range(int(np.floor(np.log10(edge))) + 1, -3, -1):
        step = 10.0**digits
        rounded = np.floor(edge / step) * step
        half = np.floor(edge / (step / 2)) * (step / 2)
        for candidate in (rounded, half):
            if low < candidate <= edge:
                return float(candidate)
    return edge


def _by_hand(rows: pd.DataFrame) -> dict[str, object]:
    """Whether a group's offers went to chosen customers, who from some day on had them nearly always."""
    names = rows.loc[rows["offered"], "customer_id"].unique()
    theirs, count = rows[rows["customer_id"].isin(names)], rows["customer_id"].nunique()
    start, edge = _fit_rule(theirs)
    offered, inside = theirs["offered"].to_numpy(dtype=bool), _inside(theirs, start, edge)
    kept, spared = _share(offered[inside]), _share(~offered[~inside])
    if len(names) < count and _holds(offered, inside):
        why = f"{len(names)} of {count} customers were offered it, the others never"
        found = {"kind": "picked", "reason": why, "start": start, "threshold": edge}
        return {**found, "kept": kept, "spared": spared}
    first = rows.loc[rows["offered"], "issue_date"].min()
    return {"kind": "unclear", "reason": KINDS["unclear"], "start": first, "threshold": 0.0}


def _picked(table: pd.DataFrame, grouped: pd.DataFrame) -> list[str]:
    """Customers with an offer in a group without a rule."""
    loose = table.loc[table["kind"].isin(["picked", "unclear"]), "group"]
    rows = grouped[grouped["group"].isin(loose) & grouped["offered"]]
    return sorted(rows["customer_id"].unique())
