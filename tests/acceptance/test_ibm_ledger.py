"""The main job on a real ledger without defaults, discounts or insurance: it runs, and says what it cannot
say.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arrisk.cli import main
from arrisk.policy.study import open_study

CANNOT = "the data cannot say"


@pytest.fixture(scope="module")
def ibm_study(shared_data, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("ibm") / "study.toml"
    files = [str(p) for p in (shared_data / "ibm-ar").glob("*.csv")]
    assert main(["init", *files, "--as-of", "2013-07-01", "--currency", "USD", "--out", str(target)]) == 0
    return target


def test_the_shipped_map_reads_every_row(ibm_study):
    ledger = open_study(ibm_study).ledger()
    assert ledger.quarantine.empty
    assert len(ledger.items) == 1930
    # 84 invoices were open when the day began; one of them was settled on it.
    assert len(ledger.as_of("2013-06-30").open_items) == 84
    assert len(ledger.as_of("2013-07-01").open_items) == 83


@pytest.mark.slow
def test_the_memo_says_what_this_ledger_cannot_support(ibm_study, tmp_path):
    out = tmp_path / "out"
    assert main(["run", str(ibm_study), "--out", str(out)]) == 0
    said = json.loads((out / "recommendations.json").read_text(encoding="utf-8"))
    text = json.dumps(said)
    verdicts = {r["decision"]: r for r in said["recommendations"]}
    for question in (
        "Release or stop new orders on account, and for whom?",
        "How much to provide?",
        "Offer a cash discount: which, to whom?",
        "Insure, self-insure or select?",
        "Factor, securitise, borrow or wait?",
        "How large a reserve does an emergency plan need?",
    ):
        assert verdicts[question]["verdict"] == CANNOT, question
        assert len(verdicts[question]["answer"]) > 40
        assert verdicts[question]["experiment"]
    for question in (
        "When will each open invoice be paid, and by which rule can we tell?",
        "How much cash comes in the next 13 weeks, and how much is safe to count on?",
    ):
        assert verdicts[question]["verdict"] != CANNOT, question
    assert str(ibm_study.parent) not in text
    memo = (out / "memo.html").read_text(encoding="utf-8")
    assert memo.count("The data cannot say") >= 4 or memo.lower().count(CANNOT) >= 4
    assert (out / "workbook.xlsx").stat().st_size > 5_000
