"""Whether invoices were lifted over the threshold of an offer: a jump in the density of amounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.effects import threshold_page
from arrisk.models.effects.checks import Check, check_table
from arrisk.models.effects.effect import POWER, detectable_effect
from arrisk.models.effects.local_regression import Jump

if TYPE_CHECKING:
    import datetime as dt

    from matplotlib.axes import Axes

__all__ = ["Bunching", "check_bunching"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# Rule of thumb of the local linear density with a triangular kernel (Cheng, Fan and Marron 1997).
RULE = 3.348
BINS = 12
ROUND = 1e-9


@dataclass(frozen=True, slots=True)
class Bunching:
    """A jump in the density of amounts at a threshold; make one with `check_bunching`.

    Parameters
    ----------
    cutoff, bandwidth : float
        In currency units; on the scale of logarithms.
    estimate, se, df, p_value : float
        Logarithm of the density just above over that just below, less the same before the offer; by customer.
    lifted, ci_low, ci_high : float
        Share of the invoices just below the threshold that this says were lifted over it; negative if some
        were kept below.
    detectable : float
        Smallest such share that would be seen (80% power).
    level : float
    rows, clusters : int
        Invoices within the bandwidth while the offer ran, and customers.
    compared : bool
        Whether there were invoices before the offer to compare with.
    checks : DataFrame
        See `Effect.checks`.
    table : DataFrame
        Bins of amounts: `low`, `high`, `period` ("offer", "before"), `rows`, `density` (per log unit).
    """

    cutoff: float
    bandwidth: float
    estimate: float
    se: float
    df: float
    p_value: float
    lifted: float
    ci_low: float
    ci_high: float
    detectable: float
    level: float
    rows: int
    clusters: int
    compared: bool
    checks: pd.DataFrame
    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether no manipulation is seen."""
        return bool(self.checks["passed"].all())

    def finding(self) -> str:
        """What is seen, in one sentence."""
        return threshold_page.describe_bunching(self)

    def to_table(self, name: str = "bunching") -> Table:
        """The checks."""
        return threshold_page.bunching_table(self, name)

    def plot(self, as_of: dt.date, ax: Axes | None = None) -> Axes:
        """Density of the amounts around the threshold, while the offer ran and before."""
        return threshold_page.plot_density(self, as_of, ax)

    def __repr__(self) -> str:
        return f"Bunching. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def check_bunching(
    rows: pd.DataFrame,
    *,
    running: str,
    cutoff: float,
    cluster: str,
    compare: pd.DataFrame | None = None,
    bandwidth: float | None = None,
    level: float = 0.95,
) -> Bunching:
    """Look for invoices that were lifted over the threshold of an offer (or split to stay below it).

    Parameters
    ----------
    rows : DataFrame
        Invoices while the offer ran, of the customers to whom the threshold applies.
    running, cluster : str
        Columns of the amount and of the customer.
    cutoff : float
        Amount from which the offer is made.
    compare : DataFrame, optional
        The same customers' invoices before the offer: a heap of round amounts that was always there cancels.
        Without it amounts that are round are left out, and the heap at the threshold is held against those at
        the next round amounts.
    bandwidth : float, optional
        Difference of logarithms up to which amounts count.
    level : float
        Of the interval.

    Raises
    ------
    ModelError
        If an amount or the cutoff is not positive, or no amounts lie on a side within the bandwidth.

    Notes
    -----
    McCrary (Journal of Econometrics 142, 2008) with bins of no width: the density on either side by a local
    linear kernel, standard error by leaving out one customer at a time, because the invoices of one customer
    are alike. If a share s of the invoices just below is lifted just above, the density above over that below
    becomes (1 + s) / (1 - s).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> amount = rng.lognormal(8.5, 0.8, 4000)
    >>> amount = np.where((amount > 4500) & (amount < 5000), 10_000 - amount, amount)
    >>> rows = pd.DataFrame({"amount": amount, "customer_id": np.arange(4000) % 80})
    >>> check_bunching(rows, running="amount", cutoff=5000, cluster="customer_id").passed
    False
    """
    every = rows if compare is None else pd.concat([rows[[running, cluster]], compare[[running, cluster]]])
    customers = pd.Index(every[cluster]).unique()
    x, code = _read(rows, running, cutoff, cluster, customers)
    spread = min(x.std(ddof=1), float(np.subtract(*np.percentile(x, [75, 25]))) / 1.349)
    h = bandwidth or RULE * spread * x.size ** (-1 / 5)
    if compare is None:
        plain = ~_is_round(np.exp(x) * cutoff, cutoff)
        jump = _density_jump(x[plain], code[plain], len(customers), h)
        found = [_heap(x, code, len(customers), cutoff)]
        before = None
    else:
        before = _read(compare, running, cutoff, cluster, customers)
        jump = _density_jump(x, code, len(customers), h) - _density_jump(*before, len(customers), h)
        found = []
    low, high = jump.interval(level)
    lifted = math.tanh(jump.estimate / 2)
    words = f"{lifted:+.0%} of the invoices just below lifted over the threshold"
    found.insert(0, Check("amounts do not bunch at the threshold", lifted, jump.p_value, words))
    return Bunching(
        cutoff=cutoff,
        bandwidth=h,
        estimate=jump.estimate,
        se=jump.se,
        df=jump.df,
        p_value=jump.p_value,
        lifted=lifted,
        ci_low=math.tanh(low / 2),
        ci_high=math.tanh(high / 2),
        detectable=math.tanh(detectable_effect(jump.se, jump.df, level, POWER) / 2),
        level=level,
        rows=int((np.abs(x) < h).sum()),
        clusters=jump.clusters,
        compared=compare is not None,
        checks=check_table(found),
        table=_bins(x, None if before is None else before[0], cutoff, h),
    )


def _read(
    rows: pd.DataFrame, running: str, cutoff: float, cluster: str, customers: pd.Index
) -> tuple[Floats, Codes]:
    """Logarithm of amount over cutoff, and the customer of every row."""
    amount = pd.to_numeric(rows[running]).to_numpy(dtype=float, na_value=np.nan)
    wrong = int((~(amount > 0)).sum())
    if cutoff <= 0 or wrong:
        raise ModelError(f"amounts must be positive; cutoff {cutoff:g}, {wrong} rows of {running!r} are not")
    code = np.asarray(customers.get_indexer(pd.Index(rows[cluster])), dtype=np.intp)
    return np.asarray(np.log(amount / cutoff)), code


def _density_jump(x: Floats, code: Codes, customers: int, bandwidth: float) -> Jump:
    """Logarithm of the density just above over that just below, and the share of every customer in it."""
    sums = []
    for side in (x < 0, x >= 0):
        u = np.abs(x[side]) / bandwidth
        # The local linear kernel at an edge: (1 - u) (S2 - S1 u) / (S0 S2 - S1^2), with moments of 1 - u.
        part = np.where(u < 1, (1 - u) * (6 - 12 * u), 0.0)
        sums.append(np.bincount(code[side], weights=part, minlength=customers))
    totals = [float(s.sum()) for s in sums]
    left = [total - s for total, s in zip(totals, sums, strict=True)]
    if min(totals) <= 0 or any((without <= 0).any() for without in left):
        raise ModelError(
            f"too few amounts within a factor of {math.exp(bandwidth):.2f} of the threshold to see a density"
        )
    estimate = math.log(totals[1] / totals[0])
    return Jump(estimate, np.asarray(estimate - np.log(left[1] / left[0])))


def _step(cutoff: float) -> float:
    """The distance to the next amount as round as the cutoff.

    Examples
    --------
    >>> _step(5000.0), _step(2500.0)
    (1000.0, 100.0)
    """
    step = 10.0 ** math.floor(math.log10(cutoff))
    while step > 1 and abs(cutoff / step - round(cutoff / step)) > ROUND:
        step /= 10
    return step


def _is_round(amount: Floats, cutoff: float) -> NDArray[np.bool_]:
    """Multiples of a tenth of the step between round amounts."""
    step = max(_step(cutoff) / 10, 1.0)
    return np.asarray(np.abs(amount / step - np.rint(amount / step)) < 1e-6)


def _heap(x: Floats, code: Codes, customers: int, cutoff: float) -> Check:
    """The invoices of exactly the threshold, against those of the next round amounts."""
    step = _step(cutoff)
    amount = np.exp(x) * cutoff
    at = [
        np.bincount(code[np.abs(amount - place) < 0.005], minlength=customers).astype(float)
        for place in (cutoff, cutoff - step, cutoff + step)
    ]
    here, around = at[0], (at[1] + at[2]) / 2
    name = "no special heap at the threshold"
    words = (
        f"{here.sum():.0f} invoices of exactly {cutoff:,.0f}, {around.sum():.1f} of the next round amounts"
    )
    jump = _heap_jump(here, around)
    return Check(name, float(here.sum()), jump.p_value if here.sum() else float("nan"), words)


def _heap_jump(here: Floats, around: Floats) -> Jump:
    ratio = math.log((here.sum() + 0.5) / (around.sum() + 0.5))
    left = np.log((here.sum() - here + 0.5) / (around.sum() - around + 0.5))
    return Jump(ratio, np.asarray(ratio - left))


def _bins(x: Floats, before: Floats | None, cutoff: float, bandwidth: float) -> pd.DataFrame:
    edges = np.linspace(-bandwidth, bandwidth, 2 * BINS + 1)
    parts = [("offer", x)] if before is None else [("offer", x), ("before", before)]
    frames = []
    for period, values in parts:
        count = np.histogram(values, edges)[0]
        low, high = cutoff * np.exp(edges[:-1]), cutoff * np.exp(edges[1:])
        density = count / values.size / np.diff(edges)
        frames.append(
            pd.DataFrame({"low": low, "high": high, "period": period, "rows": count, "density": density})
        )
    return pd.concat(frames, ignore_index=True)
