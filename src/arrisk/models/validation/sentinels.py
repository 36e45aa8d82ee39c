"""Leaks: single features that order customers better than anything known on the day could."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import auc, auc_floor, effective_customers
from arrisk.models.validation.folds import customer_folds
from arrisk.models.validation.resampling import customer_codes

__all__ = ["LEAK_AUC", "Leaks", "find_leaks", "refuse_leaks"]

LEAK_AUC = 0.9
"""Ordering by one feature above which it is held to be known only after the event."""
MOST_ROWS = 5_000
BINS, FEW_VALUES, FOLDS, PRIOR_ROWS = 20, 20, 5, 1.0
COLUMNS = ["feature", "view", "auc", "low", "defaulters", "others", "leak", "acknowledged"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Leaks:
    """How well each feature orders by itself; made by `find_leaks`.

    Attributes
    ----------
    table : DataFrame
        A row a feature, the strongest first: `feature`, `view` (what of it orders best: "order", "values" or
        "missing"), `auc`, `low` (one-sided lower bound), `defaulters` and `others` (independent customers of
        each class behind it), `leak` (whether `low` is above the threshold), `acknowledged`.
    threshold, level : float
    """

    table: pd.DataFrame
    threshold: float
    level: float

    @property
    def named(self) -> tuple[str, ...]:
        """Leaks that nobody acknowledged."""
        return tuple(
            str(f) for f in self.table.loc[self.table["leak"] & ~self.table["acknowledged"], "feature"]
        )

    @property
    def finding(self) -> str:
        """Whether a feature knows too much, in one sentence."""
        if self.named:
            return f"Known only after the event, it seems: {', '.join(self.named)}"
        return f"No feature alone orders implausibly well (above {self.threshold:.2f})"

    def to_table(self, name: str = "leaks") -> Table:
        """Each feature alone, the strongest first."""
        note = (
            "auc: of one feature by its order, by rates of its values learnt from other customers, or by "
            "where it is missing, whichever has the highest bound; low: one-sided "
            f"{self.level:.0%} bound with customers as units, below 1 also for perfect separation by few. A "
            f"leak has low above {self.threshold:.2f}."
        )
        formats: dict[str, Format] = dict.fromkeys(("defaulters", "others"), "integer")
        return Table(name, self.finding, self.table.round({"auc": 4, "low": 4}), note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def find_leaks(
    x: pd.DataFrame | ArrayLike,
    y: ArrayLike,
    customers: ArrayLike | None = None,
    acknowledged: Collection[str] = (),
    threshold: float = LEAK_AUC,
    level: float = 0.95,
    seed: int = 0,
) -> Leaks:
    """Measure how well each single feature orders, and name those that do so implausibly well.

    Parameters
    ----------
    x : DataFrame or array, shape (rows, features)
        Numbers, dates, texts or categories; missing values allowed. Columns of an array are x1, x2, ...
    y : array of bool, shape (rows,)
    customers : array, shape (rows,), optional
        Without it every row is a customer of its own.
    acknowledged : collection of str
        Features known to be known on the day, however well they order.
    threshold : float
        Of the lower bound of the AUC, at least 0.5.
    level : float
        One-sided.
    seed : int
        Of the folds, and of the rows kept when a class has more than 5,000.

    Returns
    -------
    Leaks

    Raises
    ------
    ModelError
        If there is one class only, lengths differ, or an acknowledged feature does not exist.

    Notes
    -----
    A feature is seen in up to three ways: the order of its known values, in either direction; the rates of
    its values (categories, 20 quantile groups of a number), each learnt from other customers, so that a
    value per customer foretells nothing; and whether it is missing. The bound (`auc_floor`) has effective
    numbers of customers as its units, (sum of rows)^2 / sum of rows^2 of each class. It is not corrected for
    the number of features: chance does not come near the threshold. A perfect separation is called a leak
    from 12 defaulters on; below that, luck with a good feature is too likely to accuse it.

    Examples
    --------
    >>> y = np.repeat([False, True], [200, 20])
    >>> x = pd.DataFrame({"written_off": np.where(y, 90.0, 0.0), "late": np.arange(220) % 7.0})
    >>> find_leaks(x, y).named
    ('written_off',)
    """
    happened, rows = np.asarray(y).astype(bool), np.shape(x)[0]
    if happened.shape != (rows,) or happened.all() or not happened.any():
        raise ModelError(f"{rows} rows of features, and {happened.sum()} events in {happened.size} labels")
    if not 0.5 <= threshold < 1:
        raise ModelError(f"threshold = {threshold}: the bound of an AUC lies between 0.5 and 1")
    kept = _kept(happened, np.random.default_rng(seed))
    frame = _frame(x, kept)
    unknown = set(acknowledged) - set(frame.columns)
    if unknown:
        raise ModelError(f"acknowledged but not among the features: {', '.join(sorted(unknown))}")
    who = (np.arange(rows) if customers is None else customer_codes(customers, rows)[0])[kept]
    fold = _folds(happened[kept], who, seed)
    measured = [
        (name, *_strongest(frame.iloc[:, j], happened[kept], who, fold, level))
        for j, name in enumerate(frame.columns)
    ]
    table = pd.DataFrame(measured, columns=COLUMNS[:-2])
    table["leak"] = table["low"] > threshold
    table["acknowledged"] = table["feature"].isin(list(acknowledged))
    table = table.sort_values("low", ascending=False, kind="stable", ignore_index=True)
    return Leaks(table, threshold, level)


def refuse_leaks(
    x: pd.DataFrame | ArrayLike,
    y: ArrayLike,
    customers: ArrayLike | None = None,
    acknowledged: Collection[str] = (),
    threshold: float = LEAK_AUC,
    level: float = 0.95,
    seed: int = 0,
) -> Leaks:
    """`find_leaks`, refusing to go on when one is found.

    Raises
    ------
    ModelError
        Names each leak, its AUC with the bound, and how to acknowledge it.

    Examples
    --------
    >>> y = np.repeat([False, True], [200, 20])
    >>> refuse_leaks(pd.DataFrame({"written_off": np.where(y, 90.0, 0.0)}), y)
    Traceback (most recent call last):
    ...
    arrisk.errors.ModelError: written_off alone orders events with an AUC of 1.000, at least 0.938 (20 \
defaulters, one-sided 95%): more than what is known on the day should. Leave it out, or pass \
acknowledged=('written_off',) if it was known before the label window began
    """
    leaks = find_leaks(x, y, customers, acknowledged, threshold, level, seed)
    if leaks.named:
        found = leaks.table[leaks.table["feature"].isin(leaks.named)]
        each = "; ".join(_accusation(row, level) for _, row in found.iterrows())
        it = "it was" if len(found) == 1 else "they were"
        raise ModelError(
            f"{each}: more than what is known on the day should. Leave {'it' if len(found) == 1 else 'them'} "
            f"out, or pass acknowledged={(*acknowledged, *leaks.named)!r} if {it} known before the label "
            "window began"
        )
    return leaks


def _accusation(row: pd.Series, level: float) -> str:
    by = {"order": "", "values": ", by the rates of its values,", "missing": ", by where it is missing,"}
    return (
        f"{row['feature']} alone{by[row['view']]} orders events with an AUC of {row['auc']:.3f}, at least "
        f"{row['low']:.3f} ({row['defaulters']:.0f} defaulters, one-sided {level:.0%})"
    )


def _frame(x: Any, kept: Ints) -> pd.DataFrame:
    """Some rows of the features as a frame with texts as names; the caller's own is not touched."""
    if isinstance(x, pd.DataFrame):
        return x.iloc[kept].set_axis([str(c) for c in x.columns], axis=1)
    values = np.asarray(x)
    if values.ndim != 2:
        raise ModelError(f"features have shape {values.shape}: expected rows and columns")
    names = [f"x{j + 1}" for j in range(values.shape[1])]
    return pd.DataFrame(values[kept], columns=names).infer_objects()


def _kept(happened: Bools, rng: np.random.Generator) -> Ints:
    """Rows that are looked at: thinning within a class leaves an AUC what it is."""
    parts = [np.flatnonzero(happened), np.flatnonzero(~happened)]
    parts = [rng.choice(p, MOST_ROWS, replace=False) if p.size > MOST_ROWS else p for p in parts]
    return np.sort(np.concatenate(parts))


def _folds(happened: Bools, who: Ints, seed: int) -> Ints:
    count = len(np.unique(who))
    return customer_folds(happened, who, min(FOLDS, count), seed) if count > 1 else np.zeros(who.size, int)


def _strongest(
    values: pd.Series, happened: Bools, who: Ints, fold: Ints, level: float
) -> tuple[str, float, float, float, float]:
    """View, AUC, bound and numbers of customers of the view with the largest bound."""
    known = values.notna().to_numpy()
    numeric = _numbers(values)
    found = []
    if numeric is not None:
        found.append(("order", numeric, known))
    codes = _codes(values, numeric, known)
    found.append(("values", _rates(codes, happened, fold), np.ones(known.size, dtype=bool)))
    if not known.all():
        found.append(("missing", known.astype(float), np.ones(known.size, dtype=bool)))
    measured = [_measure(view, s[use], happened[use], who[use], level) for view, s, use in found]
    return max(measured, key=lambda m: m[2])


def _measure(
    view: str, score: Floats, happened: Bools, who: Ints, level: float
) -> tuple[str, float, float, float, float]:
    if happened.all() or not happened.any():
        return view, 0.5, 0.0, 0.0, 0.0
    area = auc(happened, score)
    # Rates learnt from other customers have a direction; an order or a gap may point either way.
    area = area if view == "values" else max(area, 1.0 - area)
    events, others = effective_customers(who[happened]), effective_customers(who[~happened])
    return view, area, auc_floor(area, events, others, level), events, others


def _numbers(values: pd.Series) -> Floats | None:
    """Values in their order, or None where they have none; infinities count as the ends."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return np.asarray((values - values.min()).dt.days, dtype=float)
    if pd.api.types.is_numeric_dtype(values):
        return np.asarray(np.clip(values.to_numpy(dtype=float, na_value=np.nan), -1e300, 1e300), dtype=float)
    return None


def _codes(values: pd.Series, numeric: Floats | None, known: Bools) -> Ints:
    """Number of each value, or of its quantile group; what is missing is a value too."""
    if numeric is None or len(np.unique(numeric[known])) <= FEW_VALUES:
        return np.asarray(pd.factorize(values.astype("string"), use_na_sentinel=False)[0], dtype=np.int64)
    edges = np.unique(np.quantile(numeric[known], np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.where(known, np.searchsorted(edges, numeric, side="right"), len(edges) + 1).astype(np.int64)


def _rates(codes: Ints, happened: Bools, fold: Ints) -> Floats:
    """Event rate of each row's value among other customers, drawn to the overall rate by one row."""
    size, overall = int(codes.max()) + 1, happened.mean()
    out = np.full(codes.size, overall)
    for k in np.unique(fold):
        other = fold != k
        events = np.bincount(codes[other], weights=happened[other], minlength=size)
        rows = np.bincount(codes[other], minlength=size)
        rate = (events + PRIOR_ROWS * overall) / (rows + PRIOR_ROWS)
        out[~other] = rate[codes[~other]]
    return out
