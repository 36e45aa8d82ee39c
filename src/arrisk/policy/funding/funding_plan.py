"""Funding of a study's book: the pool, the reserves, the routes and the losses put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arrisk.policy.assumptions import KNOWN
from arrisk.policy.funding.comparison import FundingComparison, compare_routes
from arrisk.policy.funding.funded_book import FundedBook, make_funded_book
from arrisk.policy.funding.pool import select_pool
from arrisk.policy.funding.pool_history import make_pool_history
from arrisk.policy.funding.reserves import estimate_advance_rate
from arrisk.policy.funding.settings import cash_wanted, pool_rules, reserve_rules, study_routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arrisk.ledger.book import Snapshot
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.funding.routes import Route
    from arrisk.policy.study import Study

__all__ = ["compare_funding", "make_pool_book"]

UNSTATED = 0.5
"""Part of the eligible pool that is taken as wanted when the study does not say."""


def make_pool_book(study: Study, snapshot: Snapshot, model: LossModel) -> FundedBook:
    """The eligible pool of a study, its history and its reserves.

    Parameters
    ----------
    study : Study
        ``[settings.funding.pool]`` and ``[settings.funding.reserves]``; usual rules where they are silent.
    snapshot : Snapshot
    model : LossModel

    Returns
    -------
    FundedBook
    """
    pool = select_pool(snapshot, pool_rules(study), model.experience.in_default)
    days = study.get("default_days")
    history = make_pool_history(snapshot, round(days.value if days else KNOWN["default_days"].value) + 1)
    parts = pool.customers["eligible"].to_numpy(dtype=float)
    share = pool.balance / pool.open if pool.open > 0 else 0.0
    advance = estimate_advance_rate(
        history, parts / max(parts.sum(), 1e-9), share, snapshot.date, reserve_rules(study)
    )
    return make_funded_book(pool, advance, model, snapshot.items)


def compare_funding(
    study: Study,
    snapshot: Snapshot,
    model: LossModel,
    routes: Sequence[Route] | None = None,
    draws: int = 4_000,
    n_jobs: int = 1,
) -> FundingComparison:
    """Compare ways of funding on a study's book.

    Parameters
    ----------
    study : Study
        Gives cost_of_capital; in ``[settings.funding]`` the cash wanted, rules of the pool and terms of the
        routes, where it states them.
    snapshot : Snapshot
    model : LossModel
        See `make_loss_model`.
    routes : sequence of Route, optional
        Offers in hand; by default those of ``[[settings.funding.route]]``, else usual terms.
    draws, n_jobs : int
        Simulated years of each case, and workers.

    Returns
    -------
    FundingComparison

    Raises
    ------
    StudyError
        If the cost of capital is missing or a route cannot be read.
    """
    book = make_pool_book(study, snapshot, model)
    given, source = study_routes(study)
    chosen = tuple(given if routes is None else routes)
    need = cash_wanted(study)
    wanted = UNSTATED * book.pool.balance if need is None else need
    return compare_routes(
        book,
        model,
        chosen,
        max(wanted, 1.0),
        study.assumption("cost_of_capital").value,
        draws,
        study.seed,
        n_jobs,
        stated=need is not None,
        source=source if routes is None else "the offers given",
    )
