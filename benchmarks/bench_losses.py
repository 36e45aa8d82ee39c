"""Time simulated losses under policy terms against the dense array of the textbook, and their error.

    python benchmarks/bench_losses.py

A book of 10,000 obligors with uneven probabilities of default, balances and random losses given default, and
a whole-turnover policy with limits, a gate, an excess, a first loss and a maximum liability.

`engine`: years that are simulated and taken through the policy without storing them, compiled and in numpy,
against numpy on a dense array of years x obligors, some years at a time. The dense array is made for some of
the years (--dense-draws) and scaled to all, which is stated. Plain years on both sides: the same law, and the
exit code is 1 when the expected kept losses are further apart than 5 standard errors.
`policies`: 64 further policies on stored defaults, against a loop of bincount over them, timed on some.
`error`: the kept loss of a year in 200, of runs with other seeds; how many times as long plain years need for
the same variance of it, and of the other figures. `coverage` is that of the 95% ranges that the runs print.
`quadrature`: the figures of the kept loss by integration over the factor, for the large book and a small one,
against as many years of the mixture as settle them; `apart` is the largest relative difference of the mean,
the quantile and the tail mean, `noise` the standard error of that figure. The exit code is 1 when they are
further apart than .3% and 3 errors though there are names enough for the policy to be taken that way.
Seconds are those of the processor, of one thread. Each side runs in a process of its own; `peak` is the
largest memory of that process, `base` what it held before its first draw: imports and compiled loops.
With --json, one line a measure; --quick is a small size that says whether it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from bench_ledger import peak_mb
from scipy import special

from arrisk.models.losses.cover import make_cover
from arrisk.models.losses.engine import FINE_GRAINED_WITH_TERMS, counted_names, evaluate_losses
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, LossPortfolio, make_portfolio
from arrisk.models.losses.simulation import map_events, simulate_losses
from arrisk.policy.insurance.retained import retain, retain_all
from arrisk.policy.insurance.terms import PolicyTerms

RHO = 0.15
MEAN_PD = 0.02
LGD, SPREAD = 0.6, 0.2
DENSE_CHUNK = 500
POLICIES = 64
LOOPED = 4
LEVEL = 0.995
TERMS = ("expected", "quantile_99.5", "tvar_99.5")
EXTRAS = (
    "base_mb", "peer_peak_mb", "errors_apart", "apart", "noise", "variance_ratio", "relative_error",
    "coverage",
)  # fmt: skip
Figures = dict[str, Any]


def make_book(obligors: int) -> LossPortfolio:
    rng = np.random.default_rng(1)
    chance = np.clip(rng.lognormal(np.log(0.012), 1.0, obligors), 1e-4, 0.5)
    chance *= MEAN_PD / chance.mean()
    return make_portfolio(np.minimum(chance, 0.5), rng.lognormal(10, 1, obligors), LGD, SPREAD)


def make_policy(book: LossPortfolio, first_loss: float = 1.0, liability: float = 6.0) -> PolicyTerms:
    """Terms in terms of a typical balance and the expected loss of a year."""
    typical = float(np.median(book.exposure))
    return PolicyTerms(
        f"first loss {first_loss:g}, maximum {liability:g}",
        insured_share=0.9,
        buyer_limit=4 * typical,
        non_qualifying_loss=typical / 50,
        each_and_every=typical / 100,
        aggregate_first_loss=first_loss * book.expected_loss,
        maximum_liability=liability * book.expected_loss,
        premium_rate=0.002,
    )


def sales_of(book: LossPortfolio) -> np.ndarray:
    return book.exposure * 6


def dense(book: LossPortfolio, policy: PolicyTerms, draws: int, seed: int = 2) -> np.ndarray:
    """Kept loss of each year from an array of years x obligors, some years at a time."""
    rng = np.random.default_rng(seed)
    edge, owed = special.ndtri(book.pd), book.exposure
    covered = covered_by(owed, policy)
    size = LGD * (1 - LGD) / SPREAD**2 - 1
    kept = []
    for start in range(0, draws, DENSE_CHUNK):
        count = min(DENSE_CHUNK, draws - start)
        asset = rng.standard_normal((count, len(book))) * np.sqrt(1 - RHO)
        asset += np.sqrt(RHO) * rng.standard_normal((count, 1))
        year, who = np.nonzero(asset < edge)
        lost = rng.beta(LGD * size, (1 - LGD) * size, who.size)
        total, gross, net = (
            np.bincount(year, amounts, count)
            for amounts in (owed[who] * lost, covered[who], covered[who] * lost)
        )
        paid = np.minimum(np.maximum(gross - policy.aggregate_first_loss, 0.0), policy.maximum_liability)
        kept.append(total - net * np.divide(paid, gross, out=np.zeros(count), where=gross > 0))
    return np.concatenate(kept)


def covered_by(owed: np.ndarray, policy: PolicyTerms) -> np.ndarray:
    """What the policy covers of each balance before the terms of the year."""
    covered = np.minimum(owed, policy.buyer_limit)
    covered = np.where(covered >= policy.non_qualifying_loss, covered, 0.0) * policy.insured_share
    return np.maximum(covered - policy.each_and_every, 0.0)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def mean_of(kept: np.ndarray) -> Figures:
    return {"mean": float(kept.mean()), "error": float(kept.std() / np.sqrt(kept.size))}


def engine(kernel: str, given: argparse.Namespace) -> Figures:
    book = make_book(given.obligors)
    policy, sales = make_policy(book), sales_of(book)

    def keep(events: LossEvents) -> tuple[np.ndarray, int]:
        return retain(events, policy, sales).retained, events.obligor.size

    def run(draws: int, seed: int) -> list[tuple[np.ndarray, int]]:
        return map_events(keep, book, Dependence(RHO), draws, seed, 1, "plain", kernel)

    run(200, 1)
    base = peak_mb()
    parts, seconds = timed(lambda: run(given.draws, 1))
    kept = np.concatenate([part[0] for part in parts])
    defaults = sum(part[1] for part in parts)
    return {"seconds": seconds, "base_mb": base, "defaults": defaults, **mean_of(kept)}


def engine_dense(given: argparse.Namespace) -> Figures:
    book = make_book(given.obligors)
    policy, base = make_policy(book), peak_mb()
    kept, seconds = timed(lambda: dense(book, policy, given.dense_draws))
    return {"seconds": seconds * given.draws / given.dense_draws, "base_mb": base, **mean_of(kept)}


def many_policies(book: LossPortfolio) -> list[PolicyTerms]:
    """Each covers its own amounts of the buyers, so that none is got for nothing."""
    found = [make_policy(book, a, b) for a, b in product(np.linspace(0, 2, 8), np.linspace(3, 10, 8))]
    scale = np.linspace(0.5, 2, len(found))
    return [replace(p, name=f"{k}", buyer_limit=p.buyer_limit * scale[k]) for k, p in enumerate(found)]


def policies(given: argparse.Namespace) -> Figures:
    book = make_book(given.obligors)
    events = simulate_losses(book, Dependence(RHO), given.draws, 1, sampling="plain")
    asked, sales = many_policies(book)[:POLICIES], sales_of(book)
    retain_all(simulate_losses(book, Dependence(RHO), 100, kernel="numba"), asked, sales)
    base = peak_mb()
    found, seconds = timed(lambda: retain_all(events, asked, sales))
    peak, picked = peak_mb(), np.linspace(0, len(asked) - 1, LOOPED).astype(int)
    loop, slow = timed(lambda: [one_policy(events, asked[k]) for k in picked])
    apart = max(
        float(np.abs(found[k].retained - kept).max() / kept.max())
        for k, kept in zip(picked, loop, strict=True)
    )
    return {
        "seconds": seconds, "peer_s": slow * len(asked) / LOOPED, "base_mb": base, "peak_mb": peak,
        "apart": apart, "defaults": int(events.obligor.size),
    }  # fmt: skip


def one_policy(events: LossEvents, policy: PolicyTerms) -> np.ndarray:
    """A policy by going through every default."""
    draw, balance, lost = events.draw, events.balance, events.severity
    covered = covered_by(balance, policy)
    total, gross, net = (
        np.bincount(draw, amounts, events.draws) for amounts in (balance * lost, covered, covered * lost)
    )
    paid = np.minimum(np.maximum(gross - policy.aggregate_first_loss, 0.0), policy.maximum_liability)
    return total - net * np.divide(paid, gross, out=np.zeros_like(gross), where=gross > 0)


def errors(sampling: str, given: argparse.Namespace) -> Figures:
    """Figures of runs with other seeds, and the seconds of one."""
    book = make_book(given.obligors)
    policy, sales = make_policy(book), sales_of(book)

    def run(seed: int) -> pd.DataFrame:
        events = simulate_losses(book, Dependence(RHO), given.error_draws, seed, sampling=sampling)
        kept = retain(events, policy, sales).retained
        return events.measures(kept, [LEVEL]).set_index("term")

    run(0)
    tables, seconds = timed(lambda: [run(seed) for seed in range(1, given.repeats + 1)])
    columns = {c: [[float(t.loc[term, c]) for term in TERMS] for t in tables] for c in tables[0].columns}
    return {"seconds": seconds / given.repeats, **columns}


def quadrature(obligors: int, given: argparse.Namespace) -> Figures:
    """Kept loss under the policy by quadrature and by simulation."""
    book = make_book(obligors)
    policy = make_policy(book)
    cover = make_cover(
        covered_by(book.exposure, policy), policy.aggregate_first_loss, policy.maximum_liability
    )

    def figures(method: str, draws: int = 1) -> pd.DataFrame:
        found = evaluate_losses(book, Dependence(RHO), cover, method, draws, levels=[LEVEL])
        return found.table.set_index("term").loc[list(TERMS)]

    figures("quadrature")
    ours, seconds = timed(lambda: figures("quadrature"))
    peer, slow = timed(lambda: figures("simulation", given.settling_draws * given.obligors // obligors))
    off = (ours.estimate / peer.estimate - 1).abs()
    worst = str(off.idxmax())
    noise = float(peer.error[worst] / peer.estimate[worst])
    names = counted_names(book, cover)
    return {"seconds": seconds, "peer_s": slow, "apart": float(off.max()), "noise": noise, "names": names}


def apart(side: str, given: argparse.Namespace) -> Figures:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side]
    for name in ("obligors", "draws", "dense_draws", "error_draws", "settling_draws", "small", "repeats"):
        command += [f"--{name.replace('_', '-')}", str(getattr(given, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Figures = json.loads(done.stdout)
    return found


SIDES: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "engine numba": lambda given: engine("numba", given),
    "engine numpy": lambda given: engine("numpy", given),
    "engine dense": engine_dense,
    "policies": policies,
    "quadrature large": lambda given: quadrature(given.obligors, given),
    "quadrature small": lambda given: quadrature(given.small, given),
    "errors mixture": lambda given: errors("mixture", given),
    "errors plain": lambda given: errors("plain", given),
}


def engine_lines(given: argparse.Namespace) -> list[Figures]:
    peer, lines = apart("engine dense", given), []
    for kernel in ("numba", "numpy"):
        ours = apart(f"engine {kernel}", given)
        off = abs(ours["mean"] - peer["mean"]) / np.hypot(ours["error"], peer["error"])
        lines.append({
            "name": f"engine {kernel}, {given.obligors:,} obligors x {given.draws:,} years with policy terms",
            "ours_s": ours["seconds"], "peer": f"dense numpy, {given.dense_draws:,} years scaled",
            "peer_s": peer["seconds"], "ratio": peer["seconds"] / ours["seconds"],
            "peak_mb": ours["peak_mb"], "base_mb": ours["base_mb"], "peer_peak_mb": peer["peak_mb"],
            "defaults": ours["defaults"], "errors_apart": off, "failed": bool(off > 5),
        })  # fmt: skip
    return lines


def policy_line(given: argparse.Namespace) -> Figures:
    found = apart("policies", given)
    return {
        "name": f"{POLICIES} further policies on {found['defaults']:,} stored defaults",
        "ours_s": found["seconds"], "peer": f"bincount a policy, {LOOPED} scaled",
        "peer_s": found["peer_s"], "ratio": found["peer_s"] / found["seconds"], "peak_mb": found["peak_mb"],
        "base_mb": found["base_mb"], "apart": found["apart"], "failed": found["apart"] > 1e-9,
    }  # fmt: skip


def quadrature_lines(given: argparse.Namespace) -> list[Figures]:
    lines = []
    for size in ("large", "small"):
        found = apart(f"quadrature {size}", given)
        lines.append({
            "name": f"quadrature, one policy, {found['names']:,.0f} effective names",
            "ours_s": found["seconds"], "peer": "simulated years", "peer_s": found["peer_s"],
            "ratio": found["peer_s"] / found["seconds"], "peak_mb": found["peak_mb"],
            "apart": found["apart"], "noise": found["noise"],
            "failed": found["names"] >= FINE_GRAINED_WITH_TERMS
            and found["apart"] > 0.003 + 3 * found["noise"],
        })  # fmt: skip
    return lines


def error_lines(given: argparse.Namespace) -> list[Figures]:
    """Variance times seconds of plain years over that of the mixture."""
    ours, peer = apart("errors mixture", given), apart("errors plain", given)
    middle = np.mean(ours["estimate"], axis=0)
    lines = []
    for k, term in enumerate(TERMS):
        spread, plain = (np.array(side["estimate"])[:, k].var(ddof=1) for side in (ours, peer))
        low, high = (np.array(ours[c])[:, k] for c in ("mc_low", "mc_high"))
        lines.append({
            "name": f"kept loss, {term}, {given.repeats} runs of {given.error_draws:,} years",
            "ours_s": ours["seconds"], "peer": "plain years", "peer_s": peer["seconds"],
            "ratio": plain * peer["seconds"] / (spread * ours["seconds"]),
            "variance_ratio": plain / spread, "relative_error": float(np.sqrt(spread) / middle[k]),
            "coverage": float(((low <= middle[k]) & (middle[k] <= high)).mean()),
            "peak_mb": ours["peak_mb"], "failed": False,
        })  # fmt: skip
    return lines


def show(line: Figures, as_json: bool) -> None:
    if as_json:
        print(json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in line.items()}))
        return
    extra = ", ".join(f"{k} {line[k]:.3g}" for k in EXTRAS if k in line)
    print(
        f"{line['name']:<68}{line['ours_s']:>8.2f}{line['peer_s']:>9.2f}{line['ratio']:>9.1f}"
        f"{line['peak_mb']:>8.0f}  {line['peer']}; {extra}"
    )


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--obligors", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=100_000)
    parser.add_argument("--dense-draws", type=int, default=10_000)
    parser.add_argument("--error-draws", type=int, default=4_000)
    parser.add_argument("--settling-draws", type=int, default=60_000, help="of the large book")
    parser.add_argument("--small", type=int, default=3_500, help="obligors of the small book")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.quick:
        given.obligors, given.draws, given.dense_draws, given.error_draws = 1_000, 10_000, 2_000, 1_000
        given.settling_draws = 10_000
    return given


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    if given.side:
        found = SIDES[given.side](given)
        print(json.dumps({"peak_mb": peak_mb(), **found}))
        return 0
    if not given.json:
        print(f"{'measure':<68}{'ours, s':>8}{'peer, s':>9}{'ratio':>9}{'peak':>8}  peer")
    failed = False
    for lines in (engine_lines, lambda g: [policy_line(g)], error_lines, quadrature_lines):
        for line in lines(given):
            show(line, given.json)
            failed |= line["failed"]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
