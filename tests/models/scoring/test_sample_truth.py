"""The score against what the sample's process really did, which no ledger shows."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_latent, make_sample
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.models.validation.discrimination import auc
from arrisk.models.validation.validation import validate_score

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
AS_OF = "2025-12-31"


@pytest.fixture(scope="module")
def worlds():
    """By seed: the snapshot, its scorecard, and the true state of each customer observed."""
    found = []
    for seed in SEEDS:
        snapshot = read_ledger(make_sample(seed=seed), currency="EUR").as_of(AS_OF)
        card = fit_scorecard(snapshot, definition=DefaultDefinition(materiality=500.0), seed=seed)
        latent = make_latent(seed=seed)["latent_customers"]
        seen = card.observations.merge(
            latent[["customer_id", "default_date", "distress_from", "distress_to", "risk"]],
            on="customer_id",
            suffixes=("", "_true"),
        )
        ends = seen["cutoff"] + pd.Timedelta(days=card.horizon_days)
        # An insolvency shows as a default once its items are 90 days overdue: one of the window's last days
        # cannot be in its labels, and one just before the window is.
        seen["fails"] = pd.to_datetime(seen["default_date_true"]) <= ends - pd.Timedelta(days=90)
        begun = pd.to_datetime(seen["distress_from"]) <= seen["cutoff"]
        seen["in_distress"] = begun & (pd.to_datetime(seen["distress_to"]) > seen["cutoff"])
        found.append((snapshot, card, seen))
    return found


def test_customers_that_really_fail_are_ranked_first(worlds):
    """The label is what the ledger shows; the true insolvencies are ordered as well."""
    areas = [auc(seen["fails"], seen["pd"]) for _, _, seen in worlds]
    assert min(areas) > 0.6
    assert sum(areas) / len(areas) > 0.72


def test_distress_that_nobody_sees_shows_in_the_score(worlds):
    """Customers in a spell of distress are given at least twice the probability of the others."""
    pooled = pd.concat([seen for *_, seen in worlds])
    given = pooled.groupby("in_distress")["pd"].mean()
    assert given[True] > 2 * given[False]


def test_levels_are_right_over_worlds(worlds):
    pooled = pd.concat([seen.assign(world=k) for k, (*_, seen) in enumerate(worlds)])
    who = pooled["customer_id"] + "/" + pooled["world"].astype(str)
    ratio = validate_score(pooled["default"], pooled["pd"], who).row("observed over expected")
    assert ratio["ci_low"] < 1 < ratio["ci_high"]
    assert 0.8 < ratio["estimate"] < 1.25


def test_a_card_of_one_world_holds_in_another(worlds):
    """Fitted on one ledger, it orders the customers of the next one and gives them the right level."""
    for (_, card, _), (_, _, other) in zip(worlds, [*worlds[1:], worlds[0]], strict=True):
        scored = card.card.score(other)
        check = validate_score(other["default"], scored["pd"], other["customer_id"])
        assert check.row("AUC")["ci_low"] > 0.6
        ratio = check.row("observed over expected")
        assert ratio["ci_low"] < 1.2
        assert ratio["ci_high"] > 0.8


def test_lateness_raises_the_odds_in_every_world(worlds):
    for _, card, _ in worlds:
        found = card.table.set_index("term")["estimate"]
        assert found["oldest_overdue_days"] > 0
        assert found.drop("const").loc[["mean_days_late"]].iloc[0] > 0
