"""From a ledger to the verdict: small ledgers with and without a balance sheet, then the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, StudyError
from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.policy.loss_basis import make_loss_model
from arrisk.policy.stress.decision import recommend_stress
from arrisk.policy.stress.insured import usual_policy
from arrisk.policy.stress.reserve import CALM, size_reserve
from arrisk.policy.stress.reverse import reverse_stress
from arrisk.policy.stress.scenarios import MacroDownturn
from arrisk.policy.stress.stress_report import stress_book
from arrisk.policy.study import Study, study_template
from tests.ledger.frames import ledger_of
from tests.loss_book import loss_book
from tests.models.payment_books import rows_of

DAY = "2024-06-30"
SHEET = """
[settings.stress.balance_sheet]
cash = {cash}
current_liabilities = 500000.0
debt = 900000.0
ebitda = 400000.0
source = "test"

[[settings.stress.covenant]]
name = "floor"
ratio = "minimum liquidity"
limit = 20000.0
"""


def study_with(extra: str = "") -> Study:
    text = study_template("nowhere", "arrisk", DAY, "EUR") + extra
    return Study.from_toml(text, Path("study.toml"))


@pytest.fixture(scope="module")
def ledger():
    return loss_book(customers=40, invoices=1500, lost_share=0.2)


@pytest.fixture(scope="module")
def forecast(ledger):
    return forecast_of(ledger)


def forecast_of(ledger, day=DAY):
    snapshot = ledger.as_of(day)
    return forecast_cash(snapshot, fit_timing(snapshot, "due"), draws=20, seed=1, shocks=NO_SHOCKS)


def report_of(study, ledger, forecast, day=DAY, **settings):
    snapshot = ledger.as_of(day)
    model = make_loss_model(study, None, snapshot)
    return stress_book(study, snapshot, model, forecast, draws=400, receipt_draws=100, **settings)


@pytest.fixture(scope="module")
def rich(ledger, forecast):
    study = study_with(SHEET.format(cash=5e6))
    return study, report_of(study, ledger, forecast)


def test_every_scenario_has_its_row_path_and_promise(rich):
    report = rich[1]
    names = report.table["scenario"].tolist()
    assert names[0] == "any year"
    assert len(names) == len(set(names))
    assert len(report.paths) == 13 * len(names)
    assert len(report.headroom) == len(names)
    row = report.table
    np.testing.assert_allclose(row["insured"] + row["retained"], row["loss"])
    assert (row["loss_low"] <= row["loss"]).all()
    assert (row["loss"] <= row["loss_high"]).all()
    assert report.value("five largest debtors fail", "loss") > report.value("largest debtor fails", "loss")
    owed = report.book.portfolio.exposure
    assert report.value("largest debtor fails", "owed") == pytest.approx(owed.max())
    assert (row["lowest"] <= 5e6).all()


def test_a_worse_year_loses_more_and_brings_less(rich):
    report = rich[1]
    bad, worse = "downturn, 1 year in 20", "downturn, 1 year in 200"
    for figure in ("loss", "missing"):
        assert report.value("any year", figure) < report.value(bad, figure) < report.value(worse, figure)


def test_enough_cash_is_kept_and_too_little_is_raised(rich, ledger, forecast):
    study, report = rich
    kept = recommend_stress(study, report, size_reserve(study, report, draws=200))
    assert kept.verdict == "keep"
    assert kept.flip is not None
    assert kept.flip.threshold < kept.flip.current == pytest.approx(5e6)
    poor = study_with(SHEET.format(cash=30000.0))
    short = report_of(poor, ledger, forecast)
    raised = recommend_stress(poor, short, size_reserve(poor, short, draws=200))
    assert raised.verdict == "adopt"
    assert "Raise the reserve by" in raised.answer
    assert raised.flip is not None
    assert raised.flip.threshold > 30000.0


def test_the_floor_of_the_reserve_is_the_higher_promise(rich):
    study, report = rich
    assert report.floor == 20000.0
    reserve = size_reserve(study, report, draws=200)
    assert reserve.needed >= 20000.0
    assert (reserve.table["reserve"].diff().dropna() >= 0).all()
    assert reserve.low <= reserve.needed <= reserve.high
    lifted = reserve.quarters.chance(reserve.needed)
    assert lifted >= reserve.confidence - 1e-9


def test_without_a_balance_sheet_the_data_cannot_say(ledger, forecast):
    study = study_with()
    report = report_of(study, ledger, forecast)
    found = recommend_stress(study, report)
    assert found.verdict == "the data cannot say"
    assert "no balance sheet" in found.answer
    assert "[settings.stress]" in found.experiment
    assert report.cash_ratio is None
    for table in (
        report.to_table(),
        report.headroom_table(),
        report.cash_ratio_table(),
        report.sheet_table(),
    ):
        assert table.title
    assert reverse_stress(report).table.empty


def test_reverse_stress_is_the_least_that_breaks(rich, ledger, forecast):
    poor = study_with(SHEET.format(cash=60000.0))
    report = report_of(poor, ledger, forecast)
    table = reverse_stress(report, draws=200).table.set_index("promise")
    cash, floor = table.loc["cash is exhausted"], table.loc["floor"]
    assert 0 < floor["delay_days"] <= cash["delay_days"] <= 90
    assert 0 < floor["debtors"] <= cash["debtors"]
    full = reverse_stress(rich[1], draws=200).table.set_index("promise").loc["cash is exhausted"]
    assert full[["debtors", "delay_days", "years"]].isna().all()


def test_nothing_later_changes_a_number():
    invoices, events = rows_of(66, customers=20, days=560)
    cut = "2023-06-15"
    changed = [{**e, "amount": e["amount"] / 2} if e["date"] > cut else e for e in events]
    fewer = [i for k, i in enumerate(invoices) if i["issue_date"] <= cut or k % 2]
    names = {i["invoice_id"] for i in fewer}
    other = ledger_of(fewer, [e for e in changed if e["invoice_id"] in names])
    books = (ledger_of(invoices, events), other)
    one, two = (report_of(study_with(), book, forecast_of(book, cut), cut) for book in books)
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.paths, two.paths)


def test_a_forecast_of_another_day_is_refused(rich, ledger, forecast):
    with pytest.raises(LookAheadError, match="on a book of"):
        stress_book(rich[0], ledger.as_of("2024-05-31"), rich[1].model, forecast)


def test_a_wrong_setting_is_told(ledger, forecast):
    with pytest.raises(StudyError, match='did you mean "covenant"'):
        report_of(study_with("\n[settings.stress.covenants]\nx = 1\n"), ledger, forecast)


def test_a_macro_series_that_says_nothing_is_left_out_and_told(rich, ledger, forecast):
    plain, tied = MacroDownturn("plain", 0.05), MacroDownturn("tied", 0.05, indicator=42.0)
    report = report_of(rich[0], ledger, forecast, scenarios=[plain, tied])
    assert report.value("plain", "loss") == report.value("tied", "loss")
    assert "'tied' stays without the macro series" in report.remarks[0]
    assert report.remarks[0] in report.to_table().note


@pytest.mark.slow
def test_the_sample_keeps_its_reserve_and_a_macro_series_moves_it_only_with_evidence(sample_study):
    snapshot = sample_study.snapshot()
    model = make_loss_model(sample_study, None, snapshot)
    forecast = forecast_cash(snapshot, fit_timing(snapshot, "due"), draws=50, shocks=NO_SHOCKS)
    policy = usual_policy(sample_study)
    report = stress_book(sample_study, snapshot, model, forecast, policy, draws=1000, receipt_draws=200)
    assert policy.waiting_days == 180.0
    assert report.table["insured_in_time"].sum() == 0.0
    assert (report.table["insured"] > 0).all()
    assert report.cash_ratio is not None
    assert report.cash_ratio.plain == pytest.approx(2.0 / 8.5)
    assert report.cash_ratio.with_insured > report.cash_ratio.plain
    found = recommend_stress(sample_study, report, size_reserve(sample_study, report, draws=500))
    assert found.verdict == "keep"
    assert found.identified
    for ax in (report.plot(), report.plot_paths(), report.plot_headroom()):
        assert ax.get_title()


def test_the_verdict_says_what_failures_add(rich):
    study, report = rich
    reserve = size_reserve(study, report, draws=200)
    calm = reserve.driven(CALM, "reserve_low")
    assert reserve.minimum <= calm <= reserve.needed + 3 * reserve.mc_error
    notes = recommend_stress(study, report, reserve).notes
    assert any("even if no customer failed" in note for note in notes)
    assert any("not insured" in note for note in notes)
