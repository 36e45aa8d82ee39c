"""Loss rates net of what comes back in the end instead of what came back so far."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from tests.ledger.frames import event, invoice, ledger_of

SOME = {"cohort": {"seasoning": 6}, "realised": {"horizon": 11}}
"""Choices that let a ledger of one year have rates."""


@pytest.fixture(scope="module")
def snapshot():
    """300 written off. Of the 200 of June 30 came back within two months; the 100 of yesterday bring 15."""
    rows = [invoice(c, "2024-01-10", 100.0, "2024-02-09", customer_id=c) for c in "abc"]
    days = {"a": "2024-06-28", "b": "2024-06-28", "c": "2024-12-30"}
    events = [event(c, day, 100.0, "write_off") for c, day in days.items()]
    return ledger_of(rows, [*events, event("a", "2024-08-15", 30.0, "recovery")]).as_of("2024-12-31")


@pytest.mark.parametrize("method", [m for m in METHODS if m != "vintage"])
def test_what_still_comes_back_is_taken_off(snapshot, method):
    rows = 0 if method == "realised" else [0, 1, 2, 3, 4]
    known, developed = (
        fit_loss_rates(snapshot, method, recoveries=word, **SOME.get(method, {}))
        for word in ("known", "developed")
    )
    before, after = (np.atleast_1d(found.table["rate"].to_numpy()[rows]) for found in (known, developed))
    if method != "competing":  # days on which c alone stood open weigh in its buckets
        assert before == pytest.approx(np.full(before.size, 0.9))
    assert after == pytest.approx(np.full(after.size, 0.85))
    assert (before > after).all()
    assert "as known on the as-of date" in known.conventions["recoveries"]
    assert "to 24 months; intervals take that curve as given" in developed.conventions["recoveries"]


def test_vintages_grow_what_is_lost_in_the_end(snapshot):
    most = [
        METHODS["vintage"](snapshot, recoveries=word).facts["triangle"].max().max()
        for word in ("known", "developed")
    ]
    assert most == pytest.approx([270.0, 255.0])


@pytest.mark.parametrize("method", METHODS)
def test_another_word_is_refused(snapshot, method):
    with pytest.raises(ModelError, match="recoveries is one of"):
        fit_loss_rates(snapshot, method, recoveries="hoped", **SOME.get(method, {}))


def test_the_sample_keeps_less(sample_study):
    snapshot = sample_study.snapshot()
    totals = [fit_loss_rates(snapshot, recoveries=word).total.value for word in ("known", "developed")]
    assert totals == [523_751.78, 492_743.58]
