"""Rows of units over periods, some treated from a period on: read once for every panel design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError

__all__ = ["Panel", "read_panel"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Panel:
    """Cells (or rows, with controls) of units over periods.

    Parameters
    ----------
    unit, cluster : array of int, shape (rows,)
        Codes; every unit lies in one cluster.
    period : array of int, shape (rows,)
    start : array of float, shape (rows,)
        First treated period of the unit; infinite for units that are never treated.
    y, weight : array of float, shape (rows,)
    controls : array, shape (rows, controls)
    count : array of float, shape (rows,)
        Rows that were read that each stands for.
    """

    unit: Codes
    cluster: Codes
    period: Codes
    start: Floats
    y: Floats
    weight: Floats
    controls: Floats
    count: Floats

    def __len__(self) -> int:
        return int(self.y.size)

    @property
    def age(self) -> Floats:
        """Periods since the start, negative before it; minus infinity for units never treated."""
        return self.period - self.start

    def keep(self, rows: NDArray[np.bool_]) -> Panel:
        """The same panel of some of its rows; codes stay."""
        return Panel(
            self.unit[rows], self.cluster[rows], self.period[rows], self.start[rows], self.y[rows],
            self.weight[rows], self.controls[rows], self.count[rows],
        )  # fmt: skip

    def started(self, start: Floats) -> Panel:
        """The same rows with other starts."""
        return replace(self, start=start)


def read_panel(
    rows: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    cluster: str,
    period: str,
    start: str,
    weight: str | None = None,
    controls: Sequence[str] = (),
) -> Panel:
    """Read a panel from a frame; rows of one unit and period become one cell unless there are controls.

    Raises
    ------
    ModelError
        If a column is missing, a figure is not finite, a weight is negative, or a unit has two starts or lies
        in two clusters.
    """
    wanted = [outcome, unit, cluster, period, start, *([weight] if weight else []), *controls]
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise ModelError(f"the rows have no column {missing[0]!r}; they have {', '.join(map(str, rows))}")
    frame = pd.DataFrame(
        {
            "unit": _codes(rows[unit], unit),
            "cluster": _codes(rows[cluster], cluster),
            "period": _figures(rows[period], period).astype(np.intp),
            "start": _starts(rows[start], start),
            "y": _figures(rows[outcome], outcome),
            "weight": _figures(rows[weight], weight) if weight else 1.0,
            "count": 1.0,
        }
    )
    _check_units(frame, unit, cluster, start)
    if (frame["weight"] < 0).any():
        raise ModelError(f"{int((frame['weight'] < 0).sum())} weights in {weight!r} are negative")
    extra = _control_columns(rows, controls)
    used = frame["weight"].to_numpy() > 0
    if not used.any():
        raise ModelError("there are no rows to compare")
    frame, extra = frame[used].reset_index(drop=True), extra[used]
    frame = frame if controls else _cells(frame)
    return Panel(
        frame["unit"].to_numpy(),
        frame["cluster"].to_numpy(),
        frame["period"].to_numpy(),
        frame["start"].to_numpy(dtype=float),
        frame["y"].to_numpy(dtype=float),
        frame["weight"].to_numpy(dtype=float),
        extra if controls else np.empty((len(frame), 0)),
        frame["count"].to_numpy(dtype=float),
    )


def _codes(values: pd.Series, name: str) -> Codes:
    if values.isna().any():
        raise ModelError(f"{int(values.isna().sum())} rows have no {name!r}")
    return np.asarray(pd.factorize(values)[0], dtype=np.intp)


def _figures(values: pd.Series, name: str) -> Floats:
    figures = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(figures).all():
        raise ModelError(f"{int((~np.isfinite(figures)).sum())} rows have no finite {name!r}")
    return figures


def _starts(values: pd.Series, name: str) -> Floats:
    starts = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isnan(starts), np.inf, starts)


def _check_units(frame: pd.DataFrame, unit: str, cluster: str, start: str) -> None:
    for column, name in (("cluster", cluster), ("start", start)):
        pairs = frame[["unit", column]].drop_duplicates()
        several = int(pairs["unit"].duplicated().sum())
        if several:
            raise ModelError(f"{several} units of {unit!r} have more than one {name!r}; a unit has one")


def _control_columns(rows: pd.DataFrame, controls: Sequence[str]) -> Floats:
    """Numbers as they are, texts as a column for every value but the first."""
    columns: list[Floats] = []
    for name in controls:
        if pd.api.types.is_numeric_dtype(rows[name]):
            columns.append(_figures(rows[name], name)[:, None])
        else:
            texts = rows[name].astype(str)
            columns.append(pd.get_dummies(texts, drop_first=True).to_numpy(dtype=float))
    return np.hstack(columns) if columns else np.empty((len(rows), 0))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Weighted mean of every unit and period: no estimate nor its clustered error changes by it."""
    summed = frame.assign(y=frame["y"] * frame["weight"])
    by = ["unit", "cluster", "period", "start"]
    cells = summed.groupby(by, as_index=False)[["y", "weight", "count"]].sum()
    return cells.assign(y=cells["y"] / cells["weight"])
