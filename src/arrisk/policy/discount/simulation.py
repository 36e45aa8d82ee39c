"""Cash-discount schemes compared by simulation: value a year, cash, chance to be best, regret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.policy.assumptions import KNOWN, Assumption
from arrisk.policy.discount import page as discount_page
from arrisk.policy.discount import plots as discount_plots
from arrisk.policy.discount.draws import Draws, Reference, choose_assumptions, draw, draw_point, with_value
from arrisk.policy.discount.history import (
    AS_OFFERED,
    DiscountHistory,
    make_discount_history,
)
from arrisk.policy.discount.schemes import ALL, SchemeGrid, describe_scheme, make_schemes
from arrisk.policy.discount.value import Values, stack_values, value_cell, value_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["EVIDENCE", "DiscountGrid", "SchemeGrid", "make_schemes", "simulate_discounts"]

EVIDENCE = (
    "Takers are not like other customers, and studies disagree on the sign: discounts go to riskier buyers "
    "(Klapper, Laeven and Rajan 2012) or to stronger ones (Giannetti, Burkart and Ellingsen 2011). "
    "A comparison of takers with others is descriptive only.",
    "Take-up is taken to rise with what a scheme is worth to the customer a year, extra sales with the "
    "average price cut; both are assumptions.",
)
CHUNK = 100
TAIL = 0.05
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscountGrid:
    """Schemes compared on the same draws; make one with `simulate_discounts`.

    Parameters
    ----------
    table : DataFrame
        One row a scheme, best first: segment, threshold, rate, days, npv (mean, currency units a year),
        ci_low, ci_high, mc_error (of npv), p_gain, tail (mean of the worst 5% of draws), cash_freed (once),
        cash_low, cash_high, take_up, already_early, affordable_rate with rate_low and rate_high, sales (covered
        a year), scale (words of a sliding scale, else empty), p_best, regret.
    running : DataFrame
        The same columns for the running scheme on the invoices it covers; empty when there is none.
    npv : array, draws x schemes
        Draws behind the table, in its order.
    running_npv : array, draws
        Draws behind `running`; empty when there is none.
    history : DiscountHistory
    schemes : SchemeGrid
    assumptions : tuple of Assumption
    level : float
        Of the intervals.
    seed : int
    cash : array, draws x schemes
        Receivables turned into cash, in the order of the table.
    running_segments : DataFrame
        The columns of `running` by segment and for all.
    """

    table: pd.DataFrame
    running: pd.DataFrame
    npv: Floats
    running_npv: Floats
    history: DiscountHistory
    schemes: SchemeGrid
    assumptions: tuple[Assumption, ...]
    level: float
    seed: int
    cash: Floats
    running_segments: pd.DataFrame

    @property
    def best(self) -> pd.Series:
        """The scheme with the highest expected value."""
        return self.table.iloc[0]

    @property
    def is_running(self) -> bool:
        """Whether the book covers sales of the last year with a running scheme."""
        return len(self.running) > 0 and float(self.running["sales"].iloc[0]) > 0

    @property
    def subject(self) -> pd.Series:
        """The scheme that a decision is about: the running one, or the best when none runs."""
        return self.running.iloc[0] if self.is_running else self.best

    def is_offered(self, scheme: pd.Series) -> bool:
        """Whether the ledger shows offers on the terms of a scheme."""
        offer = self.history.offer
        return offer is not None and (offer.rate, offer.days) == (scheme["rate"], scheme["days"])

    def point_value(self, scheme: pd.Series, changes: Mapping[str, Sequence[float]]) -> Floats:
        """Value a year of one scheme with all customers counted once, along changed assumptions.

        Parameters
        ----------
        scheme : Series
            A row of `table` or `running`.
        changes : mapping of assumption to sequence
            All sequences have one length, n; other assumptions stay at their value.

        Returns
        -------
        array, n
        """
        count = max((len(v) for v in changes.values()), default=1)
        draws = draw_point(self.history, self.assumptions, count)
        for name, values in changes.items():
            draws = with_value(draws, name, np.asarray(values, dtype=float))
        return _one_scheme(self.history, scheme, draws, self.schemes.reference)

    def by_segment(self, scheme: pd.Series | None = None) -> pd.DataFrame:
        """Value and cash of a scheme by segment, with intervals; the last row is all of them.

        Parameters
        ----------
        scheme : Series, optional
            A row of `table` or `running`; by default `subject`.

        Returns
        -------
        DataFrame
            The columns of `table` but p_best and regret.
        """
        chosen = self.subject if scheme is None else scheme
        rows = self.running_segments
        if not isinstance(chosen["threshold"], str):
            terms = ["threshold", "rate", "days", "scale"]
            same = (self.table[terms] == chosen[terms]).all(axis=1)
            rows = self.table[same].drop(columns=["p_best", "regret"])
        order = (rows["segment"] == ALL).astype(int)
        return (
            rows.assign(last=order).sort_values(["last", "segment"], ignore_index=True).drop(columns="last")
        )

    def tornado(self, scheme: pd.Series | None = None) -> pd.DataFrame:
        """Swing of a scheme's value when each assumption moves over its range, largest first.

        Parameters
        ----------
        scheme : Series, optional
            A row of `table` or `running`; by default `subject`.

        Returns
        -------
        DataFrame
            Columns assumption, low, high (of the assumption), npv_at_low, npv_at_high, npv, swing.
        """
        chosen = self.subject if scheme is None else scheme
        base = float(self.point_value(chosen, {})[0])
        rows = []
        for a in self.assumptions:
            if not a.is_range:
                continue
            at_low, at_high = self.point_value(chosen, {a.name: (a.low, a.high)})
            rows.append((a.name, a.low, a.high, at_low, at_high, base, abs(at_high - at_low)))
        columns = ["assumption", "low", "high", "npv_at_low", "npv_at_high", "npv", "swing"]
        return pd.DataFrame(rows, columns=columns).sort_values("swing", ascending=False, ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Heat map of value by rate and days, for the segment and threshold of the best scheme."""
        return discount_plots.plot_grid(self, ax)

    def plot_tornado(self, ax: Axes | None = None, scheme: pd.Series | None = None) -> Axes:
        """Bars of `tornado`."""
        return discount_plots.plot_tornado(self, ax, scheme)

    def __repr__(self) -> str:
        return f"DiscountGrid: {len(self.table)} schemes, {len(self.npv)} draws. {self.finding()}"

    def finding(self) -> str:
        """The result in one sentence."""
        best = self.best
        spread = f"{best['ci_low']:,.0f} to {best['ci_high']:,.0f}"
        if best["npv"] <= 0:
            return (
                "No scheme is expected to pay; the least bad loses "
                f"{money(-best['npv'], self.history.currency)} a year ({spread})"
            )
        kind = "Best" if self.is_offered(best) else "Best on assumptions, never offered"
        scheme = describe_scheme(best, self.history.currency)
        return f"{kind}: {scheme} gains {money(best['npv'], self.history.currency)} a year ({spread})"

    def to_table(self, name: str = "discount_schemes", rows: int = 5) -> Table:
        """The running scheme and the best ones, ready to be shown."""
        return discount_page.schemes_table(self, name, rows)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, f"{table.note} {EVIDENCE[0]}", table.formats)


def simulate_discounts(
    snapshot: Snapshot | DiscountHistory,
    schemes: SchemeGrid,
    assumptions: Iterable[Assumption],
    *,
    draws: int = 1000,
    seed: int = 0,
    n_jobs: int = 1,
    level: float = 0.95,
) -> DiscountGrid:
    """Value every scheme of a grid on the same draws of customers and assumptions.

    Each draw reweights the customers (Bayesian bootstrap) and draws every assumption from a triangular
    distribution on its range with its mode at the value. Where customers of a segment were offered a
    discount, take-up comes from them, with the same weights, instead of from the assumption.

    Parameters
    ----------
    snapshot : Snapshot or DiscountHistory
        The evidence; a history made with options of its own may be given.
    schemes : SchemeGrid
    assumptions : iterable of Assumption
        take_up, default_relief, sales_effect, already_early, cost_of_capital, gross_margin;
        take_up_elasticity (a typical range when absent); lgd (for long overdue invoices, when given).
    draws : int
        At least 100.
    seed : int
        Results depend on it, never on `n_jobs`.
    n_jobs : int
        Workers.
    level : float
        Of the intervals.

    Raises
    ------
    StudyError
        If an assumption is missing.
    ModelError
        If the ledger holds too few paid invoices.
    """
    if draws < CHUNK:
        raise ValueError(f"draws = {draws}: at least {CHUNK}")
    given = tuple(assumptions)
    chosen = choose_assumptions(given)
    history = snapshot
    if not isinstance(history, DiscountHistory):
        lgd = next((a.value for a in given if a.name == "lgd"), KNOWN["lgd"].value)
        history = make_discount_history(history, thresholds=schemes.thresholds, lgd=lgd)
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    parts = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(_simulate_chunk)(history, schemes, chosen, size, child)
        for size, child in zip(sizes, seeds, strict=True)
    )
    values = stack_values([p[0] for p in parts], axis=0)
    running = stack_values([p[1] for p in parts], axis=0)
    labels, running_labels = _labels(history, schemes), _running_labels(history)
    table, order = _rank(_describe(values, labels, level), values.value)
    now = _describe(running, running_labels, level)
    return DiscountGrid(
        table, now[now["segment"] == ALL].reset_index(drop=True), values.value[:, order],
        running.value[:, -1:], history, schemes, chosen, level, seed, values.cash[:, order], now,
    )  # fmt: skip


def _simulate_chunk(
    history: DiscountHistory,
    schemes: SchemeGrid,
    assumptions: tuple[Assumption, ...],
    size: int,
    seed: np.random.SeedSequence,
) -> tuple[Values, Values]:
    """Values of the grid's schemes and of the running one, arrays n x schemes."""
    draws = draw(history, assumptions, size, np.random.default_rng(seed))
    segments, count = len(history.segments), len(history.segments) * len(history.thresholds)
    grid = value_cells(
        history.cells[:count],
        segments,
        draws,
        np.array(schemes.rates),
        np.array(schemes.days),
        schemes.reference,
    )
    if segments == 1:
        grid = grid.each(lambda x: x[:, :, -1:])
    flat = grid.each(lambda x: x.reshape(size, -1))
    if history.offer is None:
        return flat, flat.each(lambda x: x[:, :0])
    offer = (np.array([history.offer.rate]), np.array([history.offer.days]))
    now = value_cells(history.cells[count:], segments, draws, *offer, schemes.reference)
    return flat, now.each(lambda x: x[:, 0, (-1 if segments == 1 else 0) :, 0, 0])


def _labels(history: DiscountHistory, schemes: SchemeGrid) -> pd.DataFrame:
    """One row a scheme, in the order of the flat arrays, with the sales it would cover."""
    names = (*history.segments, ALL) if len(history.segments) > 1 else (ALL,)
    rows = list(product(history.thresholds, names, schemes.days, schemes.rates))
    labels = pd.DataFrame(rows, columns=["threshold", "segment", "days", "rate"])
    sales = {(c.threshold, c.segment): c.sales for c in history.cells}
    for edge in history.thresholds:
        sales[edge, ALL] = sum(c.sales for c in history.cells if c.threshold == edge)
    labels["sales"] = [
        sales[edge, name] for edge, name in zip(labels["threshold"], labels["segment"], strict=True)
    ]
    return labels


def _running_labels(history: DiscountHistory) -> pd.DataFrame:
    columns = ["threshold", "segment", "days", "rate", "sales"]
    if history.offer is None:
        return pd.DataFrame(columns=columns)
    sales = {c.segment: c.sales for c in history.cells if c.threshold == AS_OFFERED}
    each = {**sales, ALL: sum(sales.values())} if len(sales) > 1 else {ALL: sum(sales.values())}
    terms = (history.offer.days, history.offer.rate)
    rows = [(AS_OFFERED, name, *terms, amount) for name, amount in each.items()]
    return pd.DataFrame(rows, columns=columns)


def _describe(values: Values, labels: pd.DataFrame, level: float) -> pd.DataFrame:
    """Means, intervals and tails of every scheme over the draws."""
    npv, ends = values.value, ((1 - level) / 2, (1 + level) / 2)
    out = labels[["segment", "threshold", "rate", "days"]].copy()
    out["npv"] = npv.mean(axis=0)
    out["ci_low"], out["ci_high"] = np.quantile(npv, ends, axis=0)
    out["mc_error"] = npv.std(axis=0, ddof=1) / np.sqrt(len(npv))
    out["p_gain"] = (npv > 0).mean(axis=0)
    worst = max(1, round(TAIL * len(npv)))
    out["tail"] = np.sort(npv, axis=0)[:worst].mean(axis=0)
    out["cash_freed"] = values.cash.mean(axis=0)
    out["cash_low"], out["cash_high"] = np.quantile(values.cash, ends, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = out["rate"].to_numpy(dtype=float) + values.value / values.slope
        out["take_up"] = values.taken.mean(axis=0) / labels["sales"].to_numpy(dtype=float)
        out["already_early"] = values.early.mean(axis=0) / values.taken.mean(axis=0)
    out["affordable_rate"] = rates.mean(axis=0)
    out["rate_low"], out["rate_high"] = np.quantile(rates, ends, axis=0)
    out["sales"] = labels["sales"].to_numpy(dtype=float)
    out["scale"] = ""
    return out


def _rank(table: pd.DataFrame, npv: Floats) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Add the chance to be best and the expected regret, no discount being one choice; best first."""
    with_none = np.column_stack([npv, np.zeros(len(npv))])
    winner = with_none.argmax(axis=1)
    table = table.copy()
    table["p_best"] = (np.bincount(winner, minlength=with_none.shape[1]) / len(npv))[:-1]
    table["regret"] = (with_none.max(axis=1)[:, None] - npv).mean(axis=0)
    order = np.argsort(-table["npv"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True), order


def _one_scheme(history: DiscountHistory, scheme: pd.Series, draws: Draws, reference: Reference) -> Floats:
    """Value a year of one row of a table, on any draws."""
    rates, days = np.array([float(scheme["rate"])]), np.array([int(scheme["days"])])
    total = np.zeros(len(draws.weights))
    for number, cell in enumerate(history.cells):
        if cell.threshold == scheme["threshold"] and scheme["segment"] in (ALL, cell.segment):
            k = number % len(history.segments)
            total += value_cell(cell, k, draws, rates, days, reference).value[:, 0, 0]
    return total
