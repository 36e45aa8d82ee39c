from __future__ import annotations

import pandas as pd
import pytest

import arrisk as ar
from arrisk.errors import ModelError
from arrisk.models.late_score.comparison import LATE_RIVALS, LateComparison, compare_late_scores
from arrisk.policy.study import open_study

CUTS = ["2012-07-01", "2012-10-01", "2013-01-01", "2013-03-01", "2013-04-01"]
BACK = ["late rate at the cut", "late rate at issue", "plain logistic"]


@pytest.fixture(scope="module")
def ibm(shared_data, tmp_path_factory) -> LateComparison:
    from arrisk.cli import main

    target = tmp_path_factory.mktemp("ibm") / "study.toml"
    files = [str(p) for p in (shared_data / "ibm-ar").glob("*.csv")]
    assert main(["init", *files, "--as-of", "2013-07-01", "--currency", "USD", "--out", str(target)]) == 0
    return compare_late_scores(open_study(target).ledger().as_of("2013-08-31"), CUTS)


def by_cut(comparison: LateComparison, score: str, column: str) -> pd.Series:
    rows = comparison.table[comparison.table["score"] == score]
    return rows.set_index("cut")[column]


@pytest.mark.slow
@pytest.mark.parametrize("rival", BACK)
def test_ibm_orders_later_invoices_better_than_rivals(ibm, rival):
    assert (by_cut(ibm, "late score", "auc") > by_cut(ibm, rival, "auc")).all()
    assert by_cut(ibm, rival, "gain_low").iloc[0] > 0


@pytest.mark.slow
def test_ibm_is_as_good_as_looking_back_can_be(ibm):
    assert (by_cut(ibm, "late score", "auc") > 0.88).all()
    for rate in BACK[:2]:
        assert (by_cut(ibm, "late score", "log_loss") < by_cut(ibm, rate, "log_loss")).all()
        assert (by_cut(ibm, "late score", "brier") < by_cut(ibm, rate, "brier")).all()


@pytest.mark.slow
def test_ibm_finished_table_pretends_more(ibm):
    """A customer's share late of all its invoices contains the answer: the figures in circulation."""
    ahead = by_cut(ibm, "late rate of the finished table", "auc")
    assert (ahead > by_cut(ibm, "late rate at issue", "auc") + 0.02).all()
    assert (ahead > 0.90).all()


def test_compares_on_the_same_later_invoices():
    ledger = ar.read_ledger(ar.make_sample(invoices=1_200, seed=5), currency="EUR")
    found = compare_late_scores(ledger.as_of("2025-12-31"), ["2025-03-31"], late_days=3)
    assert found.table["score"].tolist() == ["late score", *LATE_RIVALS]
    assert set(found.table["n"]) == {found.table["n"].iloc[0]}
    assert found.table["looks_ahead"].sum() == 1
    ours = found.table.iloc[0]
    assert ours["gain"] == 0
    assert ours["auc_low"] < ours["auc"] < ours["auc_high"]
    assert "of 1 cuts" in found.plot().get_title()
    assert "<table" in found._repr_html_()
    with pytest.raises(ModelError, match="at least one cut"):
        compare_late_scores(ledger.as_of("2025-12-31"), [])
    with pytest.raises(ModelError, match="all or none"):
        compare_late_scores(ledger.as_of("2025-12-31"), ["2025-12-31"])
