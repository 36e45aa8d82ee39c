"""Rules of thumb for limits beside the model's: months of sales, share of net worth, what stands today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.customers import book_risks
from arrisk.policy.limits.limit import round_limit
from arrisk.policy.limits.limit_policy import LimitPolicy, option_tails, yearly_values

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = ["LimitRules", "compare_limit_rules"]

MODEL = "the model"


@dataclass(frozen=True, slots=True, eq=False)
class LimitRules:
    """Rules of thumb against the model's limits; made by `compare_limit_rules`.

    Parameters
    ----------
    table : DataFrame
        grade ("all" last), rule, limits (their sum), value (a year, limits kept), against_model (value less
        the model's), its low and high.
    tail : DataFrame
        option (the rule), loss, tail_loss, shortfall.
    missing : str
        Rules that the ledger cannot try, and why.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    tail: pd.DataFrame
    missing: str
    as_of: pd.Timestamp
    currency: str

    def finding(self) -> str:
        """What the best rule of thumb gives away, in one sentence."""
        rows = self.table[(self.table["grade"] == "all") & (self.table["rule"] != MODEL)]
        best = rows.sort_values("value").iloc[-1]
        short = money(-best["against_model"], self.currency)
        return f"The best rule of thumb, {best['rule']}, earns {short} a year less than the model's limits"

    def to_table(self, name: str = "limit_rules") -> Table:
        """Rules by grade, ready to be shown."""
        tails = self.tail.rename(columns={"option": "rule"})[["rule", "tail_loss"]].assign(grade="all")
        frame = self.table.merge(tails, on=["grade", "rule"], how="left")
        formats: dict[str, Format] = dict.fromkeys(frame.columns[2:], "money")
        note = (
            f"{self.currency}; values a year, if limits are kept and sales above them lost, with the 95% "
            f"range of the difference. Tail loss: not passed in 99 of 100 simulated years. {self.missing}"
        ).strip()
        return Table(name, self.finding(), frame, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_limit_rules(study: Study, policy: LimitPolicy, net_worth: pd.Series | None = None) -> LimitRules:
    """Hold rules of thumb against the model's limits, by grade.

    Parameters
    ----------
    study : Study
        Gives `limit_months` and `net_worth_share` (typical values when it does not) and the seed.
    policy : LimitPolicy
    net_worth : Series, optional
        By customer_id, currency units; a ledger does not hold it. A customer without one keeps the model's
        limit under that rule.

    Returns
    -------
    LimitRules
    """
    table, inputs = policy.table, policy.inputs
    months, share = (given_or_typical(study, n).value for n in ("limit_months", "net_worth_share"))
    live = ~table["in_default"].to_numpy()
    rules = {f"{months:g} months of sales": round_limit(table["sales"] / 12 * months) * live}
    missing = "The ledger holds no net worth of customers, so a share of it cannot be tried."
    if net_worth is not None:
        worth = table["customer_id"].map(net_worth).to_numpy(dtype=float)
        limit = round_limit(share * np.nan_to_num(np.maximum(worth, 0.0)))
        rules[f"{share:.0%} of net worth"] = np.where(np.isnan(worth), table["limit"], limit) * live
        missing = f"{int(np.isnan(worth).sum())} customers without net worth keep the model's limit under it."
    if policy.has_limits:
        rules["today's limits"] = table["today"].fillna(np.inf).to_numpy(dtype=float)
    rules[MODEL] = table["limit"].to_numpy(dtype=float)
    risks = book_risks(inputs, np.full(len(table), np.inf))
    values = {rule: yearly_values(inputs, limits, risks) for rule, limits in rules.items()}
    rows = []
    for grade in [*sorted(table["grade"].unique()), "all"]:
        part = np.ones(len(table), dtype=bool) if grade == "all" else (table["grade"] == grade).to_numpy()
        for rule, value in values.items():
            more = (value[part] - values[MODEL][part]).sum(axis=0)
            low, high = np.quantile(more[1:], [0.025, 0.975])
            total = float(rules[rule][part & np.isfinite(rules[rule])].sum())
            ends = (min(low, more[0]), max(high, more[0]))
            rows.append((grade, rule, total, float(value[part, 0].sum()), more[0], *ends))
    columns = ["grade", "rule", "limits", "value", "against_model", "low", "high"]
    frame = pd.DataFrame(rows, columns=columns).drop_duplicates(["grade", "rule"], ignore_index=True)
    return LimitRules(frame, option_tails(inputs, rules, study.seed), missing, policy.as_of, policy.currency)
