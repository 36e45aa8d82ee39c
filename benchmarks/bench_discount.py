"""Time a grid of discount schemes by simulation against a plain loop over the schemes.

    python benchmarks/bench_discount.py

A book of open invoices, half a thousand schemes, a thousand draws with common random numbers. `ours` counts
the takers of a draw once and looks every scheme up; the loop goes through the book anew for each scheme of a
draw, with the same draws and the same arithmetic, in numpy. It is timed on some of the schemes and draws (see
--loop-schemes, --loop-draws) and scaled to all, which is stated; the draws themselves, which both need, are
timed apart and count for both. `apart` is the largest relative difference of a value between the two.
The time is by the clock, with the workers (threads) of --jobs; `peak` is the largest memory of the process up
to then, making the ledger included. Exits with 1 when `apart` exceeds 1e-9.

With --json one line; --quick is a small size that says whether it runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from arrisk.policy.assumptions import KNOWN, Assumption
from arrisk.policy.discount.draws import Reference, choose_assumptions, draw
from arrisk.policy.discount.engine import Offered, make_offered, needed_take_up, value_draw, weight_sales
from arrisk.policy.discount.expected import BookDays, expect_days
from arrisk.policy.discount.history import DiscountHistory, make_discount_history
from arrisk.policy.discount.outcomes import Outcome, draw_outcome, prepare
from arrisk.policy.discount.plan import Steps
from arrisk.policy.discount.response import choose_steps, take_up_at, yearly_return
from arrisk.policy.discount.schemes import SchemeGrid
from arrisk.policy.discount.simulation import simulate_discounts
from arrisk.policy.discount.tally import Factors

AS_OF = pd.Timestamp("2025-12-31")
SEGMENTS = ("Retail", "Trade", "Public")
PAID_A_CUSTOMER = 20
TOLERANCE = 1e-9
NAMES = ("take_up", "default_relief", "sales_effect", "already_early", "cost_of_capital", "gross_margin")


def make_ledger(open_invoices: int, customers: int) -> SimpleNamespace:
    """A snapshot with so many open invoices, and paid and lost ones of the same customers before."""
    rng = np.random.default_rng(1)
    old = customers * PAID_A_CUSTOMER
    count = open_invoices + old
    customer = np.concatenate([rng.integers(0, customers, open_invoices), np.arange(old) % customers])
    is_open = np.arange(count) < open_invoices
    age = np.where(is_open, rng.integers(0, 45, count), rng.integers(200, 700, count))
    issue = AS_OF - pd.to_timedelta(age, unit="D")
    habit = rng.normal(40, 12, customers)
    days = np.maximum(rng.normal(habit[customer], 6), 0).round().astype(int)
    lost = ~is_open & (rng.random(count) < 0.01)
    amount = rng.lognormal(7, 1, count).round(2)
    items = pd.DataFrame(
        {
            "invoice_id": np.arange(count),
            "instalment": 1,
            "customer_id": customer,
            "issue_date": issue,
            "amount": amount,
            "open_amount": np.where(is_open, amount, 0.0),
            "discount_amount": 0.0,
            "credited_amount": 0.0,
            "written_off_amount": np.where(lost, amount, 0.0),
            "recovered_amount": 0.0,
            "closed_date": pd.Series(issue + pd.to_timedelta(np.where(lost, 150, days), unit="D")).where(
                ~is_open
            ),
            "close_kind": np.where(is_open, "open", np.where(lost, "written_off", "paid")),
            "days_overdue": age - 30.0,
            "discount_rate": np.nan,
            "discount_days": np.nan,
        }
    )
    names = np.array(SEGMENTS)[np.arange(customers) % len(SEGMENTS)]
    people = pd.DataFrame({"customer_id": np.arange(customers), "segment": names})
    signals = pd.DataFrame({"signal": [], "customer_id": [], "date": pd.to_datetime([])})
    return SimpleNamespace(
        date=AS_OF, currency="EUR", items=items, customers=people, signals=signals, events=pd.DataFrame()
    )


def make_grid(schemes: int) -> SchemeGrid:
    """About so many schemes: two thresholds, five periods, every segment and all together."""
    days, thresholds, groups = (5, 8, 10, 15, 20), (0.0, 1000.0), len(SEGMENTS) + 1
    rates = max(2, -(-schemes // (len(days) * len(thresholds) * groups)))
    return SchemeGrid(tuple(np.linspace(0.0025, 0.03, rates).tolist()), days, thresholds, Reference(0.02, 10))


def typical() -> tuple[Assumption, ...]:
    return tuple(
        Assumption(n, k.value, k.low, k.high, k.unit, "typical") for n, k in KNOWN.items() if n in NAMES
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that one draw leaves to be valued."""

    outcome: Outcome
    weights: Any
    factors: Factors
    luck: Any
    within: Any
    scale: Any
    needed: Any


def loop_value(offered: Offered, days: BookDays, draw_: Drawn, cell: tuple[int, int], steps: Steps) -> float:
    """One scheme for one segment above one threshold on one draw, by going through the book."""
    segment, number = cell
    book, plan, factors = offered.book, offered.plan, draw_.factors
    mine = np.flatnonzero((book.segment[book.customer] == segment) & (book.amount >= plan.thresholds[number]))
    customer, usual_day = book.customer[mine], draw_.outcome.day[mine]
    amount = book.amount[mine] * draw_.scale[customer]
    until, share = np.zeros(len(book.amount), dtype=int), np.zeros(len(book.amount))
    until[draw_.outcome.lost], share[draw_.outcome.lost] = draw_.outcome.until, draw_.outcome.severity
    late, base = days.late(segment, number), factors.take_up[segment]
    anchor = yearly_return(plan.reference.rate, 0.0, late(plan.reference.days))
    last, rates = np.array([d for d, _ in steps]), np.array([r for _, r in steps] + [0.0])
    takes, day, cut, before = np.zeros(len(mine), dtype=bool), usual_day, 0.0, 0.0
    for step, rate, worth in choose_steps(steps, late(steps[-1][0])):
        reach = float(take_up_at(base, factors.take_up_elasticity, np.log(worth / anchor)))
        goes = draw_.needed[customer] < reach
        takes, day = takes | goes, np.where(goes, np.minimum(usual_day, step), day)
        cut, before = cut + reach * (rate - before), rate
    usual = amount * (1 + factors.cost_of_capital) ** (-usual_day / 365)
    paid = amount * (1 + factors.cost_of_capital) ** (-day / 365) * (1 - rates[np.searchsorted(last, day)])
    gain = np.where(takes, paid - usual, 0.0).sum()
    saved = np.where(takes & (until[mine] > day), usual * share[mine], 0.0).sum()
    mix = np.where(takes, paid, usual * (1 - share[mine])).sum() - (1 - factors.gross_margin) * amount.sum()
    extra = factors.sales_effect * cut / (base * plan.reference.rate)
    return float(gain + factors.default_relief * saved + extra * mix)


def draw_some(history: DiscountHistory, offered: Offered, draws: int) -> tuple[list[Drawn], float]:
    """Draws that both contestants are held against each other on, and the seconds one takes."""
    rng = np.random.default_rng(3)
    book, timing, assumptions = history.book, history.timing, choose_assumptions(typical())
    drawn = draw(history, assumptions, draws, rng)
    known, curves = prepare(book, timing), timing.curves(drawn.weights)
    paid, chance = curves.paid_share(), curves.default_chance()
    out: list[Drawn] = []
    start = time.perf_counter()
    for k in range(draws):
        law = (paid[k], curves.defaulted[k], curves.severity[k], chance[k])
        outcome = draw_outcome(book, timing, known, *law, rng)
        luck, within = rng.random((2, history.customers))
        factors, scale = offered.factors(drawn, k), weight_sales(offered, drawn.weights[k])
        needed = needed_take_up(offered, scale, factors, luck, within)
        out.append(Drawn(outcome, drawn.weights[k], factors, luck, within, scale, needed))
    return out, (time.perf_counter() - start) / draws


def compare(
    history: DiscountHistory, grid: SchemeGrid, draws: int, schemes: int
) -> tuple[float, float, float]:
    """Seconds of the loop a scheme and draw, seconds of a draw, and the largest relative difference."""
    steps = [scale.steps for scale in grid.offers]
    offered = make_offered(history, history.thresholds, steps, grid.reference)
    days = expect_days(history.book, history.timing, len(history.thresholds))
    some, a_draw = draw_some(history, offered, draws)
    cells = list(product(*(range(n) for n in offered.plan.shape)))
    picked = [cells[k] for k in np.linspace(0, len(cells) - 1, min(schemes, len(cells))).astype(int)]
    start = time.perf_counter()
    loop = [[loop_value(offered, days, d, (s, t), steps[o]) for s, t, o in picked] for d in some]
    seconds = (time.perf_counter() - start) / (draws * len(picked))
    ours = [value_draw(offered, d.outcome, d.weights, d.factors, d.luck, d.within).value for d in some]
    place = [int(np.ravel_multi_index(c, offered.plan.shape)) for c in picked]
    left, right = np.array(loop), np.stack(ours)[:, place]
    size = np.maximum(np.abs(left), history.book.amount.sum() * 1e-6)
    return seconds, a_draw, float((np.abs(left - right) / size).max())


def peak_mb() -> float:
    """Peak of this process alone; without Linux, what the system counts."""
    try:
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--schemes", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--loop-schemes", type=int, default=12)
    parser.add_argument("--loop-draws", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    if given.quick:
        given.invoices, given.customers, given.schemes, given.draws = 5_000, 250, 80, 200
    return given


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    grid = make_grid(given.schemes)
    snapshot = make_ledger(given.invoices, given.customers)
    history = make_discount_history(snapshot, thresholds=grid.thresholds, book="open")
    del snapshot
    start = time.perf_counter()
    result = simulate_discounts(history, grid, typical(), draws=given.draws, seed=1, n_jobs=given.jobs)
    ours = time.perf_counter() - start
    ours_peak = peak_mb()
    a_scheme, a_draw, apart = compare(history, grid, given.loop_draws, given.loop_schemes)
    cells = len(history.segments) * len(grid.thresholds) * len(grid.offers)
    loop = given.draws * (a_draw + cells * a_scheme)
    line = {
        "name": "discount schemes", "invoices": len(history.book.amount), "schemes": len(result.table),
        "draws": given.draws, "jobs": given.jobs, "ours_s": ours, "peer": "plain loop over schemes, scaled",
        "peer_s": loop, "ratio": loop / ours, "ratio_one_core": loop / ours / given.jobs,
        "peak_mb": ours_peak, "apart": apart,
    }  # fmt: skip
    if given.json:
        print(json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in line.items()}))
    else:
        print(
            f"{line['invoices']:,} open invoices, {line['schemes']} schemes, {given.draws:,} draws, "
            f"{given.jobs} workers\n"
            f"ours {ours:.2f} s, peak {ours_peak:.0f} MB\n"
            f"plain loop {loop:,.0f} s on one core, scaled from {given.loop_schemes} schemes x "
            f"{given.loop_draws} draws at {1000 * a_scheme:.2f} ms each: {loop / ours:,.0f} times as long "
            f"({loop / ours / given.jobs:,.0f} a worker)\nvalues apart by {apart:.1e} at most"
        )
    return int(apart > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
