"""Who gets what: a blocked random allocation by customer, with a digest that proves it was not changed."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.trial.ancova import draw_allocations
from arrisk.models.trial.strata import count_treated

__all__ = ["CONTROL", "TREATED", "Assignment", "assign_trial", "balance", "read_assignment"]

TREATED, CONTROL = "treated", "control"
COLUMNS = ["customer_id", "unit", "stratum", "arm"]
DANGEROUS_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NOTABLE = 0.25


@dataclass(frozen=True, slots=True)
class Assignment:
    """Arms by customer; make one with `assign_trial`.

    Parameters
    ----------
    table : DataFrame
        A row a customer, sorted: `customer_id`, `unit` (customers of one group share it), `stratum`, `arm`
        ("treated" or "control").
    balance : DataFrame
        See `balance`; empty when the assignment was read from a file.
    seed : int
        What the allocation was drawn with.
    """

    table: pd.DataFrame
    balance: pd.DataFrame
    seed: int

    @property
    def digest(self) -> str:
        """SHA-256 of the sorted rows and the seed, in hexadecimal."""
        lines = [f"seed\t{self.seed}"]
        rows = self.table[COLUMNS].astype(str).itertuples(index=False, name=None)
        lines += sorted("\t".join(repr(v) for v in row) for row in rows)
        return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()

    @property
    def units(self) -> pd.DataFrame:
        """A row a unit: index unit; `stratum`, `treated` (flag)."""
        one = self.table.drop_duplicates("unit").set_index("unit")
        return pd.DataFrame({"stratum": one["stratum"], "treated": one["arm"] == TREATED})

    def finding(self) -> str:
        """The allocation in one sentence."""
        units = self.units
        text = f"{int(units['treated'].sum()):,} of {len(units):,} customers treated, drawn in "
        text += f"{units['stratum'].nunique()} strata"
        if not len(self.balance):
            return text
        worst = self.balance.iloc[int(self.balance["difference"].abs().to_numpy().argmax())]
        return (
            f"{text}; largest difference of the arms: {worst['difference']:+.2f} standard deviations "
            f"({str(worst['measure']).replace('_', ' ')})"
        )

    def to_table(self, name: str = "assignment_balance") -> Table:
        """The arms side by side, ready to be shown."""
        note = (
            f"difference: of the means, in standard deviations; beyond {NOTABLE:g} it is worth a look; the "
            f"analysis adjusts for strata and past. Seed {self.seed}, SHA-256 {self.digest}."
        )
        return Table(name, self.finding(), self.balance, note)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the arms as CSV, whole or not at all, for those who make the offers.

        Text that a spreadsheet could run as a formula, and text that starts with an apostrophe, gets an
        apostrophe in front; `read_assignment` takes it away.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, "seed"])
        for row in self.table[COLUMNS].astype(str).itertuples(index=False, name=None):
            writer.writerow([*(_neutral(v) for v in row), self.seed])
        return _replace(Path(path), stream.getvalue())

    def __repr__(self) -> str:
        return f"Assignment {self.digest[:12]}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def assign_trial(units: pd.DataFrame, members: pd.Series, *, share: float = 0.5, seed: int = 0) -> Assignment:
    """Draw the arms: within each stratum a fixed number of units, all choices equally likely.

    Parameters
    ----------
    units : DataFrame
        Index: unit; `stratum`, and what `balance` compares.
    members : Series
        Unit by customer_id (see `find_units`); customers of other units are left out.
    share : float
        Treated part, between 0 and 1.
    seed : int
        The same seed and the same units give the same arms, in whatever order the units come.

    Returns
    -------
    Assignment

    Raises
    ------
    ModelError
        If an arm would be empty.

    Examples
    --------
    >>> frame = pd.DataFrame({"stratum": "all", "days": [30.0, 40.0, 50.0, 60.0]}, index=list("abcd"))
    >>> drawn = assign_trial(frame, pd.Series(list("abcd"), index=list("abcd")), seed=1)
    >>> {arm: int((drawn.table["arm"] == arm).sum()) for arm in ("treated", "control")}
    {'treated': 2, 'control': 2}
    """
    if not 0 < share < 1:
        raise ValueError(f"share = {share!r}: a fraction between 0 and 1")
    frame = units.sort_index()
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    codes = pd.factorize(frame["stratum"], sort=True)[0].astype(np.int64)
    count = count_treated(np.bincount(codes).astype(np.int64), share, rng)
    if not 0 < count.sum() < len(frame):
        raise ModelError(f"{count.sum()} of {len(frame)} customers would be treated: an arm is empty")
    arm = pd.Series(draw_allocations(codes, count, 1, rng)[0], index=frame.index)
    inside = members[members.isin(frame.index)]
    table = pd.DataFrame(
        {
            "customer_id": inside.index.astype(str),
            "unit": inside.to_numpy(),
            "stratum": inside.map(frame["stratum"]).to_numpy(),
            "arm": np.where(inside.map(arm).to_numpy(dtype=bool), TREATED, CONTROL),
        }
    )
    table = table.sort_values("customer_id", ignore_index=True)
    return Assignment(table, balance(frame, arm), seed)


def balance(units: pd.DataFrame, treated: pd.Series) -> pd.DataFrame:
    """How alike the arms are before the trial: means and standardised differences.

    Parameters
    ----------
    units : DataFrame
        Index: unit; numbers are compared as they are, `segment` by the share of each.
    treated : Series of bool
        By unit.

    Returns
    -------
    DataFrame
        `measure`, `treated`, `control` (means), `difference` (of the means over the root of the mean of the
        two variances; 0 when nothing varies).
    """
    numbers = units.select_dtypes("number")
    if "segment" in units:
        names = sorted(units["segment"].unique())
        dummies = {f"segment {s}": (units["segment"] == s).astype(float) for s in names}
        numbers = numbers.assign(**dummies)
    flag = treated.reindex(units.index).to_numpy(dtype=bool)
    rows = []
    for name in numbers.columns:
        one, two = (numbers[name].to_numpy(dtype=float)[side] for side in (flag, ~flag))
        spread = float(np.sqrt((np.nanvar(one) + np.nanvar(two)) / 2))
        gap = float(np.nanmean(one) - np.nanmean(two))
        rows.append((str(name), np.nanmean(one), np.nanmean(two), gap / spread if spread > 0 else 0.0))
    return pd.DataFrame(rows, columns=["measure", "treated", "control", "difference"])


def read_assignment(path: str | os.PathLike[str], digest: str) -> Assignment:
    """Read an assignment that `Assignment.write` wrote, if it is still what was drawn.

    Parameters
    ----------
    path : path
    digest : str
        What was put on record when the arms were drawn.

    Raises
    ------
    ModelError
        If the file is none, or its digest is another.
    """
    name = Path(path).name
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    if not rows or rows[0] != [*COLUMNS, "seed"] or any(len(r) != len(COLUMNS) + 1 for r in rows):
        raise ModelError(f"{name} is no assignment: its columns must be {', '.join([*COLUMNS, 'seed'])}")
    seeds = {r[-1] for r in rows[1:]}
    if len(seeds) != 1 or not next(iter(seeds)).isdigit():
        raise ModelError(f"{name}: the seed must be one whole number on all rows, seen {sorted(seeds)[:3]}")
    table = pd.DataFrame([[v.removeprefix("'") for v in r[:-1]] for r in rows[1:]], columns=COLUMNS)
    out = Assignment(table, pd.DataFrame(), int(seeds.pop()))
    if out.digest != digest:
        raise ModelError(
            f"{name} is not the assignment on record: its digest is {out.digest[:12]}, recorded was "
            f"{digest[:12]}; somebody changed an arm, a stratum or a customer after the draw"
        )
    return out


def _neutral(text: str) -> str:
    return f"'{text}" if text.startswith(DANGEROUS_STARTS) else text


def _replace(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target
