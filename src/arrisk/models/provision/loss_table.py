"""Gross amount, expected loss rate and loss allowance by bucket, beside the same of an earlier day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.provision import Provision, make_provision
from arrisk.portfolio.windows import year_before

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["AllowanceComparison", "compare_allowance", "provide_on_both_days"]

KEYS = ["segment", "bucket"]
BEFORE, NOW = ("gross_before", "rate_before", "allowance_before"), ("gross", "rate", "allowance")
SUBTOTAL = "all ages"


@dataclass(frozen=True, slots=True, eq=False)
class AllowanceComparison:
    """The loss allowance by bucket beside that of an earlier day; make one with `compare_allowance`.

    Attributes
    ----------
    table : DataFrame
        segment, bucket, gross_before, rate_before, allowance_before, gross, rate, allowance, change (of the
        allowance). One row a segment and bucket that either day has. Currency units; a rate is the allowance
        over the gross carrying amount, missing where nothing is owed. Where the losses known on a day are
        too few for a rate, rate, allowance and change are missing.
    before, now : Provision
        On the same basis, each made with what was known on its day.
    """

    table: pd.DataFrame
    before: Provision
    now: Provision

    @property
    def as_of(self) -> pd.Timestamp:
        """The later day."""
        return self.now.as_of

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.now.currency

    @property
    def identified(self) -> bool:
        """Whether there is an amount on both days."""
        return self.before.identified and self.now.identified

    def totals(self) -> pd.Series:
        """Sums of the table: gross and allowance of both days, their rates and the change."""
        return _sums(self.table)

    def finding(self) -> str:
        """The share of what is owed that is provided for, now and before, in one sentence."""
        short = [made for made in (self.before, self.now) if not made.identified]
        if short:
            bound = money(short[0].total.high, self.currency)
            return f"No comparison: on {short[0].as_of:%Y-%m-%d} too few losses for a rate, at most {bound}"
        sums = self.totals()
        return (
            f"Allowance {money(sums['allowance'], self.currency)}, {_percent(sums['rate'])} of what is owed; "
            f"on {self.before.as_of:%Y-%m-%d} it was {money(sums['allowance_before'])}, "
            f"{_percent(sums['rate_before'])}"
        )

    def to_table(self, name: str = "allowance_by_bucket") -> Table:
        """Both days side by side, with subtotals by segment and the total."""
        days = dict.fromkeys(BEFORE, f"{self.before.as_of:%Y-%m-%d}")
        days |= dict.fromkeys(NOW, f"{self.as_of:%Y-%m-%d}")
        shown = _with_sums(self.table, self.now.basis.by is not None)
        words = {c: f"{c.removesuffix('_before')} {day}" for c, day in days.items()}
        formats: dict[str, Format] = {
            new: "percent" if old.startswith("rate") else "money" for old, new in words.items()
        }
        note = (
            f"Amounts in {self.currency}; days overdue, day 0 is not due. Gross: carrying amount of what "
            "customers owe, credits not netted. Rate: lifetime expected credit loss over the gross amount, "
            "after integral enhancements and with customers judged by themselves (IFRS 7 35M, 35N). Both "
            "days on the same basis, each with what was known then."
        )
        formats["change"] = "money"
        return Table(name, self.finding(), shown.rename(columns=words), note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_allowance(
    snapshot: Snapshot, start: str | dt.date | pd.Timestamp | None = None, basis: Basis | None = None
) -> AllowanceComparison:
    """The loss allowance by bucket on the day of a snapshot, and on an earlier day.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    start : date, optional
        The earlier day, by default a year before; its figures are those that were known then.
    basis : Basis, optional
        The same on both days, without assessments made after each of them.

    Raises
    ------
    ModelError
        If the earlier day is not before the snapshot or before the ledger begins, or a provision cannot be
        made on one of the days.

    Notes
    -----
    The layout of the provision matrix that IFRS 7 35M and 35N ask for, with the comparative figures of
    IAS 1.38.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-04-30")
    >>> found = compare_allowance(snapshot, "2025-03-31")
    >>> found.identified, found.totals()[["gross_before", "gross"]].tolist()
    (False, [150.0, 150.0])
    """
    before, now = provide_on_both_days(snapshot, start, basis)
    both = _of_day(now).join(_of_day(before), how="outer", rsuffix="_before")
    order = list(dict.fromkeys([*_of_day(now).index, *_of_day(before).index]))
    both = both.loc[sorted(order, key=lambda cell: cell[0])]
    money_columns = [c for c in map(str, both) if c.startswith(("gross", "allowance"))]
    for column in money_columns:
        absent = ~both.index.isin(_of_day(before if column.endswith("_before") else now).index)
        both.loc[absent, column] = 0.0
    table = _rated(both.reset_index())
    return AllowanceComparison(table[[*KEYS, *BEFORE, *NOW, "change"]], before, now)


def provide_on_both_days(
    snapshot: Snapshot, start: str | dt.date | pd.Timestamp | None, basis: Basis | None
) -> tuple[Provision, Provision]:
    """Provisions of an earlier day (by default a year before) and of a snapshot, on the same basis.

    Raises
    ------
    ModelError
        See `compare_allowance`.
    """
    basis = basis or Basis()
    day = year_before(snapshot.date) if start is None else as_date(start)
    if day >= snapshot.date:
        raise ModelError(f"the earlier day lies before {snapshot.date:%Y-%m-%d}, got {day:%Y-%m-%d}")
    if day < snapshot.first_date:
        raise ModelError(
            f"nothing was known on {day:%Y-%m-%d}: the ledger begins {snapshot.first_date:%Y-%m-%d}"
        )
    then = snapshot.as_of(day)
    return make_provision(then, basis.known_on(then)), make_provision(snapshot, basis)


def _of_day(provision: Provision) -> pd.DataFrame:
    frame = provision.table.set_index(KEYS)[["gross", "provision"]]
    return frame.rename(columns={"provision": "allowance"})


def _rated(frame: pd.DataFrame) -> pd.DataFrame:
    """Rates and the change of amounts."""
    out = frame.copy()
    for end in ("", "_before"):
        gross, allowance = frame[f"gross{end}"], frame[f"allowance{end}"]
        out[f"rate{end}"] = (allowance / gross).where(gross > 0)
    out["change"] = (frame["allowance"] - frame["allowance_before"]).round(2)
    return out


def _sums(table: pd.DataFrame) -> pd.Series:
    """Sums of amounts, to the cent; missing where one of them is."""
    amounts = ["gross_before", "allowance_before", "gross", "allowance"]
    sums = table[amounts].sum(skipna=False).round(2)
    return _rated(sums.to_frame().T)[[*BEFORE, *NOW, "change"]].iloc[0]


def _with_sums(table: pd.DataFrame, segments: bool) -> pd.DataFrame:
    total = {"segment": "total", "bucket": "" if segments else "total", **_sums(table)}
    if not segments:
        return pd.concat([table, pd.DataFrame([total])], ignore_index=True).drop(columns="segment")
    parts = []
    for name, rows in table.groupby("segment", sort=False):
        parts += [rows, pd.DataFrame([{"segment": name, "bucket": SUBTOTAL, **_sums(rows)}])]
    return pd.concat([*parts, pd.DataFrame([total])], ignore_index=True)


def _percent(rate: float) -> str:
    return "-" if np.isnan(rate) else f"{rate:.2%}"
