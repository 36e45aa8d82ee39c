"""Whether customers today look like those a score was made from: PSI of the score, CSI of each feature."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Drift", "Shift", "compare_samples", "stability"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
BINS, SMOOTHING, MATTERS, CERTAIN = 10, 0.5, 0.1, 0.01
COLUMNS = ["feature", "bins", "index", "by_chance", "at_most_by_chance", "p_value", "drift"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shift:
    """Stability index of one quantity between two samples; made by `stability`.

    Parameters
    ----------
    index : float
        Sum over bins of (share now - share then) ln(share now / share then).
    by_chance : float
        Its mean if nothing changed: (bins - 1) (1 / rows then + 1 / rows now).
    at_most_by_chance : float
        Its quantile at the level if nothing changed.
    p_value : float
        Chance of so large an index if nothing changed.
    bins : int
    """

    index: float
    by_chance: float
    at_most_by_chance: float
    p_value: float
    bins: int


def stability(then: ArrayLike, now: ArrayLike, level: float = 0.95) -> Shift:
    """Population stability index from counts on the same bins, against what sampling alone would show.

    Parameters
    ----------
    then, now : array of counts, shape (bins,)
        Of independent customers; divide counts of rows by their design effect. Empty bins of both are
        dropped.
    level : float
        Of `at_most_by_chance`.

    Raises
    ------
    ModelError
        If the counts are negative, of different lengths, or a sample is empty.

    Notes
    -----
    Half a count is added to each bin of both samples, so that an empty bin gives no infinite index. Without
    drift the index is about (1/m + 1/n) times a chi-square variable with bins - 1 degrees of freedom
    (B. Yurdakul, *Statistical properties of population stability index*, 2018): the usual limits of 0.1 and
    0.25 say nothing in samples of a few hundred.

    Examples
    --------
    >>> s = stability([100, 100], [150, 50])
    >>> round(s.index, 3), round(s.by_chance, 3), s.p_value < 1e-4
    (0.272, 0.01, True)
    """
    old, new = np.asarray(then, dtype=float), np.asarray(now, dtype=float)
    if old.shape != new.shape or old.ndim != 1 or not (np.r_[old, new] >= 0).all():
        raise ModelError(f"counts on the same bins are needed, got shapes {old.shape} and {new.shape}")
    if not (old.sum() > 0 and new.sum() > 0):
        raise ModelError(f"{old.sum():g} and {new.sum():g} rows: both samples must hold some")
    used = old + new > 0
    old, new = old[used], new[used]
    a, b = ((v + SMOOTHING) / (v + SMOOTHING).sum() for v in (old, new))
    index = float(((b - a) * np.log(b / a)).sum())
    freedom, scale = old.size - 1, 1 / old.sum() + 1 / new.sum()
    if freedom == 0:
        return Shift(0.0, 0.0, 0.0, 1.0, 1)
    quantile = float(stats.chi2.ppf(level, freedom)) * scale
    return Shift(
        index, float(freedom * scale), quantile, float(stats.chi2.sf(index / scale, freedom)), old.size
    )


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """Stability of a score and its features between two samples; made by `compare_samples`.

    Attributes
    ----------
    table : DataFrame
        A row a feature, the largest index first: `feature`, `bins`, `index`, `by_chance` (its mean without
        drift), `at_most_by_chance` (its quantile at `level`), `p_value`, `drift` (whether the index is above
        0.1 and its p-value below 1% over the number of features).
    counts : DataFrame
        `feature`, `bin`, `then`, `now`: the counts behind it.
    rows : tuple of int
        Rows then and now.
    level : float
    """

    table: pd.DataFrame
    counts: pd.DataFrame
    rows: tuple[int, int]
    level: float

    @property
    def drifted(self) -> tuple[str, ...]:
        """Features that changed by more than sampling, and by enough to matter."""
        return tuple(str(f) for f in self.table.loc[self.table["drift"], "feature"])

    @property
    def finding(self) -> str:
        """What changed, in one sentence."""
        if self.drifted:
            return f"Changed beyond chance: {', '.join(self.drifted)}"
        return f"None of {len(self.table)} features changed beyond what samples of this size show by chance"

    def to_table(self, name: str = "drift") -> Table:
        """Index of each feature beside what chance alone would show."""
        note = (
            f"{self.rows[0]} rows then, {self.rows[1]} now, on bins of the first sample; half a count added "
            "to each bin. by_chance: mean of the index if nothing changed; at_most_by_chance: its "
            f"{self.level:.0%} quantile. Drift: index above {MATTERS} and p-value below {CERTAIN:.0%} over "
            "the number of features."
        )
        formats: dict[str, Format] = {"bins": "integer"}
        shown = self.table.round(dict.fromkeys(COLUMNS[2:6], 5))
        return Table(name, self.finding, shown, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Index of each feature with the range that chance explains."""
        from matplotlib import pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        shown = self.table.iloc[::-1]
        where = np.arange(len(shown))
        colours = [ORANGE if d else BLUE for d in shown["drift"]]
        chance = shown["at_most_by_chance"]
        ax.barh(where, chance, height=0.7, color=GREY, alpha=0.35, label=f"by chance, {self.level:.0%}")
        ax.scatter(shown["index"], where, color=colours, zorder=3, label="measured")
        ax.axvline(MATTERS, color=GREY, lw=1, ls=":")
        ax.set_yticks(where, [str(f) for f in shown["feature"]])
        ax.set(xlabel="stability index (no unit)", xlim=(0, None))
        ax.set_title(self.finding if len(self.finding) < 80 else f"{len(self.drifted)} features changed")
        ax.legend(loc="lower right")
        return ax

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_samples(
    then: pd.DataFrame, now: pd.DataFrame, bins: int = BINS, effect: float = 1.0, level: float = 0.95
) -> Drift:
    """Stability index of every column of two samples: PSI of a score's column, CSI of its features.

    Parameters
    ----------
    then, now : DataFrame
        The sample a score was made from, and a later one, with the same columns.
    bins : int
        Of a number: quantile groups of the first sample, in both. Categories are bins of their own, those
        that the first sample lacks together; what is missing is a bin as well.
    effect : float
        Design effect by which counts are divided where customers have several rows, at least 1.
    level : float

    Raises
    ------
    ModelError
        If columns differ, or a sample is empty.

    Examples
    --------
    >>> then = pd.DataFrame({"late": np.arange(200) % 20.0, "grade": ["A", "B"] * 100})
    >>> now = pd.DataFrame({"late": np.arange(200) % 20.0 + 9, "grade": ["A", "B"] * 100})
    >>> compare_samples(then, now).drifted
    ('late',)
    """
    if list(then.columns) != list(now.columns) or not len(then.columns) or effect < 1:
        raise ModelError(f"columns {list(then.columns)} and {list(now.columns)}, design effect {effect}")
    rows, counts = [], []
    for name in then.columns:
        labels, old, new = _counts(then[name], now[name], bins)
        s = stability(old / effect, new / effect, level)
        rows.append((str(name), s.bins, s.index, s.by_chance, s.at_most_by_chance, s.p_value))
        counts.append(pd.DataFrame({"feature": str(name), "bin": labels, "then": old, "now": new}))
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    table["drift"] = (table["index"] > MATTERS) & (table["p_value"] < CERTAIN / len(table))
    table = table.sort_values("index", ascending=False, kind="stable", ignore_index=True)
    return Drift(table, pd.concat(counts, ignore_index=True), (len(then), len(now)), level)


def _counts(then: pd.Series, now: pd.Series, bins: int) -> tuple[list[str], Ints, Ints]:
    """Labels of the bins that the first sample makes, and the counts of both."""
    numeric = pd.api.types.is_numeric_dtype(then) and not pd.api.types.is_bool_dtype(then)
    codes, labels = _numeric(then, now, bins) if numeric else _text(then, now)
    old, new = (np.bincount(c, minlength=len(labels)) for c in codes)
    return labels, old.astype(np.int64), new.astype(np.int64)


def _numeric(then: pd.Series, now: pd.Series, bins: int) -> tuple[list[Ints], list[str]]:
    values = [np.asarray(s.to_numpy(dtype=float, na_value=np.nan)) for s in (then, now)]
    known = values[0][np.isfinite(values[0])]
    # A value that many rows share, often 0, gets a bin of its own: edges lie between values.
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if known.size else np.array([])
    edges = edges[edges > known.min()] if known.size else edges
    codes = [
        np.where(np.isnan(v), edges.size + 1, np.searchsorted(edges, v, side="right")).astype(np.int64)
        for v in values
    ]
    ends = [f"{e:.4g}" for e in edges]
    labels = [f"below {ends[0]}", *(f"{a} to {b}" for a, b in pairwise(ends))] if ends else []
    labels += [f"{ends[-1]} and more" if ends else "any", "missing"]
    return codes, labels


def _text(then: pd.Series, now: pd.Series) -> tuple[list[Ints], list[str]]:
    texts: list[Any] = [s.astype("string") for s in (then, now)]
    names = pd.Index(sorted(texts[0].dropna().unique()))
    codes = []
    for text in texts:
        at = names.get_indexer(pd.Index(text.fillna("")))
        at = np.where(at < 0, len(names), at)
        codes.append(np.where(text.isna().to_numpy(dtype=bool), len(names) + 1, at).astype(np.int64))
    return codes, [*(str(n) for n in names), "not seen before", "missing"]
