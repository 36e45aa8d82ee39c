"""Cash-discount schemes compared by simulation: value a year, cash, chance to be best, regret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.policy.assumptions import KNOWN, Assumption
from arrisk.policy.discount import page as discount_page
from arrisk.policy.discount import plots as discount_plots
from arrisk.policy.discount.book import BookKind
from arrisk.policy.discount.draws import choose_assumptions, draw_point, with_value
from arrisk.policy.discount.engine import CHUNK, Offered, expect_offers, make_offered, simulate_offers
from arrisk.policy.discount.history import AS_OFFERED, DiscountHistory, make_discount_history
from arrisk.policy.discount.schemes import ALL, SchemeGrid, SlidingScale, describe_scheme, make_schemes
from arrisk.policy.discount.summary import describe_values, mix_errors, rank_schemes
from arrisk.policy.discount.value import Values

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
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscountGrid:
    """Schemes compared on the same draws; make one with `simulate_discounts`.

    Parameters
    ----------
    table : DataFrame
        One row a scheme, best first: segment, threshold, rate, days, npv (mean, currency units a year),
        ci_low, ci_high, mc_error (of npv), p_gain, tail (mean of the worst 5% of draws), cash_freed (once),
        cash_low, cash_high, take_up, already_early, affordable_rate with rate_low and rate_high, sales
        (covered a year), scale (words of a sliding scale, else empty), p_best, regret.
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
    draws : Values
        All draws, draws x schemes in the order of the table.
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
    draws: Values
    running_segments: pd.DataFrame

    @property
    def cash(self) -> Floats:
        """Draws of the cash had earlier, draws x schemes."""
        return self.draws.cash

    @property
    def kind(self) -> BookKind:
        """What was valued: a year's sales, or what is open now."""
        return self.history.book.kind

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
        plain = not scheme.get("scale")
        return offer is not None and plain and (offer.rate, offer.days) == (scheme["rate"], scheme["days"])

    def point_value(self, scheme: pd.Series, changes: Mapping[str, Sequence[float]]) -> Floats:
        """Expected value of one scheme with all customers counted once, along changed assumptions.

        Nothing is left to chance: invoices are paid, lost and taken as they are on average.

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
        return self.expect(scheme, changes).value

    def point_rate(self, scheme: pd.Series, changes: Mapping[str, Sequence[float]] | None = None) -> Floats:
        """Discount at which `point_value` is zero, the take-up and the sales effect of the scheme held.

        Parameters
        ----------
        scheme, changes
            See `point_value`.

        Returns
        -------
        array, n
            Of a sliding scale its highest discount, the others moving with it; missing when nobody takes it.
        """
        v = self.expect(scheme, changes or {})
        gap = np.divide(v.value, v.slope, out=np.full_like(v.value, np.nan), where=v.slope > 0)
        return np.asarray(float(scheme["rate"]) + gap, dtype=float)

    def expect(self, scheme: pd.Series, changes: Mapping[str, Sequence[float]]) -> Values:
        """What `point_value` and `point_rate` come from: arrays of length n."""
        count = max((len(v) for v in changes.values()), default=1)
        draws = draw_point(self.history, self.assumptions, count)
        for name, along in changes.items():
            draws = with_value(draws, name, np.asarray(along, dtype=float))
        running = isinstance(scheme["threshold"], str)
        edge = 0.0 if running else float(scheme["threshold"])
        offered = make_offered(
            self.history, [edge], [self._scale(scheme).steps], self.schemes.reference, running=running
        )
        values = expect_offers(self.history, offered, draws)
        segments = self.history.segments
        picked = [k for k, s in enumerate(segments) if scheme["segment"] in (s, ALL)]
        return values.each(lambda x: x[:, picked, 0, 0].sum(axis=1))

    def _scale(self, scheme: pd.Series) -> SlidingScale:
        words = scheme.get("scale", "")
        plain = SlidingScale(((int(scheme["days"]), float(scheme["rate"])),))
        return next((s for s in self.schemes.scales if str(s) == words), plain) if words else plain

    @property
    def monte_carlo(self) -> pd.DataFrame:
        """Monte Carlo error of every figure of `table`, row by row (jackknife over tenths of the draws).

        What it would vary by with other draws of the same number; without it a difference between two
        figures may be chance.
        """
        return mix_errors(self.draws, self.table, self.level)

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
        best, over = self.best, "a year" if self.kind == "sales" else "on what is open"
        spread = f"{best['ci_low']:,.0f} to {best['ci_high']:,.0f}"
        if best["npv"] <= 0:
            return (
                "No scheme is expected to pay; the least bad loses "
                f"{money(-best['npv'], self.history.currency)} {over} ({spread})"
            )
        kind = "Best" if self.is_offered(best) else "Best on assumptions, never offered"
        scheme = describe_scheme(best, self.history.currency)
        return f"{kind}: {scheme} gains {money(best['npv'], self.history.currency)} {over} ({spread})"

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
    book: BookKind = "sales",
) -> DiscountGrid:
    """Value every scheme of a grid on the same draws of customers, assumptions and outcomes.

    Each draw reweights the customers (Bayesian bootstrap), which moves the timing model, and draws every
    assumption from a triangular distribution on its range with its mode at the value. From these it draws
    what happens: the day on which each invoice is paid without an offer, which default and when, and which
    customers take what. All schemes are valued on the same draws. Where customers of a segment were offered
    a discount, take-up comes from them, with the same weights, instead of from the assumption.

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
    book : {"sales", "open"}
        Value a year's sales, those of the last 365 days standing for the next, with days from issue; or
        offer now on what is open, with days from the as-of date. A given history has its own.

    Returns
    -------
    DiscountGrid

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
        history = make_discount_history(history, thresholds=schemes.thresholds, lgd=lgd, book=book)
    offers = _lay_out(history, schemes)
    values = [_add_all(v) for v in simulate_offers(history, offers, chosen, draws, seed, n_jobs)]
    table, order = rank_schemes(describe_values(values[0], _labels(history, schemes), level), values[0].value)
    every = values[0].each(lambda x: x[:, order])
    running = values[1] if len(values) > 1 else every.each(lambda x: x[:, :0])
    now = describe_values(running, _running_labels(history), level)
    return DiscountGrid(
        table, now[now["segment"] == ALL].reset_index(drop=True), every.value, running.value[:, -1:],
        history, schemes, chosen, level, seed, every, now,
    )  # fmt: skip


def _lay_out(history: DiscountHistory, schemes: SchemeGrid) -> list[Offered]:
    """The grid on the whole book, and the running scheme on what it covers."""
    steps = [scale.steps for scale in schemes.offers]
    offers = [make_offered(history, history.thresholds, steps, schemes.reference)]
    if _runs(history):
        assert history.offer is not None
        terms = [((history.offer.days, history.offer.rate),)]
        offers.append(make_offered(history, [0.0], terms, schemes.reference, running=True))
    return offers


def _runs(history: DiscountHistory) -> bool:
    """Whether the running scheme is valued: on the sales that it covered, not on what is open."""
    return history.offer is not None and history.book.kind == "sales"


def _add_all(values: Values) -> Values:
    """Add all segments together; arrays draws x (thresholds x segments and all x offers)."""

    def change(x: Floats) -> Floats:
        both = np.concatenate([x, x.sum(axis=1, keepdims=True)], axis=1) if x.shape[1] > 1 else x
        return both.transpose(0, 2, 1, 3).reshape(len(x), -1)

    return values.each(change)


def _labels(history: DiscountHistory, schemes: SchemeGrid) -> pd.DataFrame:
    """One row a scheme, in the order of the flat arrays, with the sales it would cover."""
    names = (*history.segments, ALL) if len(history.segments) > 1 else (ALL,)
    columns = ["threshold", "segment", "days", "rate", "scale"]
    offers = [(s.days, s.rate, str(s) if len(s.steps) > 1 else "") for s in schemes.offers]
    rows = [(edge, name, *offer) for edge, name, offer in product(history.thresholds, names, offers)]
    labels = pd.DataFrame(rows, columns=columns)
    sales = {(c.threshold, c.segment): c.sales for c in history.cells}
    for edge in history.thresholds:
        sales[edge, ALL] = sum(c.sales for c in history.cells if c.threshold == edge)
    labels["sales"] = [
        sales[edge, name] for edge, name in zip(labels["threshold"], labels["segment"], strict=True)
    ]
    return labels


def _running_labels(history: DiscountHistory) -> pd.DataFrame:
    columns = ["threshold", "segment", "days", "rate", "sales", "scale"]
    if history.offer is None or not _runs(history):
        return pd.DataFrame(columns=columns)
    sales = {c.segment: c.sales for c in history.cells if c.threshold == AS_OFFERED}
    each = {**sales, ALL: sum(sales.values())} if len(sales) > 1 else {ALL: sum(sales.values())}
    terms = (history.offer.days, history.offer.rate)
    rows = [(AS_OFFERED, name, *terms, amount, "") for name, amount in each.items()]
    return pd.DataFrame(rows, columns=columns)
