"""The workbook re-performs the run: its formulas, worked out apart, come to the cent, and follow a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import sparse

from arrisk.errors import RunError
from arrisk.models.loss_rates.fit import METHODS as METHOD_FUNCTIONS
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.log import append_overlay
from arrisk.models.overlay.scenarios import Scenario
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.provision import Provision, make_provision
from arrisk.policy.study import Study
from arrisk.report.evidence.pack_workbook import make_provision_workbook
from arrisk.report.evidence.recipes import Term, find_recipe
from tests.report.evidence.spreadsheet import Spreadsheet
from tests.report.stage import FORMULA

METHODS: list[tuple[str, dict[str, Any]]] = [
    ("net_flow", {}),
    ("net_flow", {"averaging": "simple", "months": 9}),
    ("net_flow", {"terminal_loss": 0.45, "unit": "customer", "not_due": "all"}),
    ("roll", {}),
    ("roll", {"averaging": "simple"}),
    ("cohort", {}),
    ("cohort", {"averaging": "simple"}),
    ("realised", {"horizon": 6}),
]


def read(study: Study, provision: Provision) -> Spreadsheet:
    return Spreadsheet(make_provision_workbook(study, provision))


def agrees_everywhere(sheets: Spreadsheet) -> int:
    """Every formula comes to the value shown; return how many there are."""
    found = sheets.formulas()
    for sheet, cell in found:
        shown, value = sheets.shown[sheet][cell].value, sheets.value(sheet, cell)
        told = f"{sheet}!{cell}: shown {shown!r}, worked out {value!r}"
        assert type(shown) is str or value == pytest.approx(shown, rel=1e-12, abs=1e-9), told
        assert type(shown) is not str or value == shown, told
    return len(found)


@pytest.mark.parametrize(("method", "choices"), METHODS)
@pytest.mark.parametrize("by", [None, "segment"])
def test_formulas_come_to_the_run(
    sample_study: Study, method: str, choices: dict[str, Any], by: str | None
) -> None:
    provision = make_provision(sample_study.snapshot(), Basis(method, choices, by, min_losers=2 if by else 0))
    sheets = read(sample_study, provision)
    assert agrees_everywhere(sheets) > 50
    assert sheets.named("provision_total") == provision.total.value
    assert sheets.named("owed_total") == provision.table["gross"].sum().round(2)
    assert sheets.named("checks_failed") == 0


@pytest.mark.parametrize(
    "method", ["competing", *(pytest.param(m, marks=pytest.mark.slow) for m in ("markov", "vintage"))]
)
def test_a_method_without_formulas_for_its_rates_says_so(sample_study: Study, method: str) -> None:
    """What comes after the historical rates is worked out by formula all the same."""
    scaled = Basis(method, by="segment", min_losers=2, credibility="buhlmann")
    provision = make_provision(sample_study.snapshot(), scaled)
    sheets = read(sample_study, provision)
    agrees_everywhere(sheets)
    assert sheets.named("checks_failed") == 0
    assert sheets.named("provision_total") == (provision.total.value or "no rate")
    assert sheets.value("rates", "C5") == "the method's own function of the sums"


def full_basis(study: Study, folder: Path) -> Basis:
    """Credibility, two overlays, a customer judged by itself, and enhancements of both kinds."""
    rates = make_provision(study.snapshot(), Basis(by="segment", credibility="buhlmann")).rates
    mild = Scenario("mild", 0.7, (Factor(1.05),))
    hard = Scenario("hard", 0.3, (Factor(3.0, buckets=("past due",)), Factor(0.01, "points")))
    grounds = {"who": "A. Meyer", "why": "insolvencies rise", "evidence": "=report", "made_on": "2025-12-31"}
    for name, change in (("sector", {"past due": 1.1}), ("outlook", [mild, hard])):
        log = append_overlay(folder / "log.jsonl", rates, change, id=name, expires_on="2026-06-30", **grounds)
    top = make_provision(study.snapshot()).by_customer.nlargest(3, "exposure")["customer_id"].tolist()
    judged = Assessment(top[0], "2025-12-20", "B. Lee", "insolvent", FORMULA, rate=0.4)
    policy = Enhancement(
        "policy 7",
        "insurance",
        True,
        "in the terms of sale",
        share=0.9,
        limit=50_000.0,
        provider_default=0.02,
    )
    pledge = Enhancement(
        "pledge", "collateral", False, "a contract of its own", customer_id=top[1], share=0.5
    )
    return Basis(
        by="segment",
        credibility="buhlmann",
        overlays=log,
        assessments=(judged,),
        enhancements=(policy, pledge),
    )


def test_everything_at_once_comes_to_the_run(sample_study: Study, tmp_path: Path) -> None:
    provision = make_provision(sample_study.snapshot(), full_basis(sample_study, tmp_path))
    assert provision.total.value is not None
    sheets = read(sample_study, provision)
    agrees_everywhere(sheets)
    assert sheets.named("provision_total") == provision.total.value
    assert sheets.named("checks_failed") == 0
    for column, name in (("E", "assessed"), ("K", "relief"), ("O", "reimbursement")):
        total = sheets.value("provision", f"{column}{5 + len(provision.table)}")
        assert total == pytest.approx(provision.table[name].sum(), abs=0.001)
        assert total > 0


@pytest.mark.parametrize(("method", "name", "period"), [
    ("net_flow", "lost of over 90", "whole window"),
    ("net_flow", "came from 1-30", "2025-06-30"),
    ("roll", "settled from 31-60", "whole window"),
    ("realised", "lost of 31-60", "whole window"),
])  # fmt: skip
def test_the_provision_follows_a_changed_sum_as_the_library_does(
    sample_study: Study,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    method: str,
    name: str,
    period: str,
) -> None:
    basis = full_basis(sample_study, tmp_path)
    basis = replace(basis, method=method, credibility=None, by=None, overlays=None)
    sheets = read(sample_study, make_provision(sample_study.snapshot(), basis))
    before = sheets.named("provision_total")
    sheet = sheets.book["counts"]
    column = next(c for c in sheet[4] if c.value == name).column_letter
    row = next(r for r in range(5, sheet.max_row + 1) if sheet[f"B{r}"].value == period)
    added = 25_000.0
    sheets.change("counts", f"{column}{row}", sheet[f"{column}{row}"].value + added)

    original = METHOD_FUNCTIONS[method]

    def count(snapshot: Any, **choices: Any) -> LossCounts:
        counts = original(snapshot, **choices)
        terms = find_recipe(counts, basis.conventions).terms
        place = terms.index(Term(name, "" if period == "whole window" and method != "roll" else period))
        more = sparse.csr_array(([added], ([0], [place])), shape=counts.terms.shape)
        return replace(counts, terms=sparse.csr_array(counts.terms + more))

    monkeypatch.setitem(METHOD_FUNCTIONS, method, count)  # type: ignore[arg-type]
    changed = make_provision(sample_study.snapshot(), basis)
    assert sheets.named("provision_total") == changed.total.value
    assert abs(changed.total.value - before) > 100
    assert sheets.named("checks_failed") > 0


def test_a_ledger_without_losses_has_bounds_and_no_rate(study: Study) -> None:
    provision = make_provision(study.snapshot())
    assert provision.total.value is None
    sheets = read(study, provision)
    agrees_everywhere(sheets)
    assert sheets.named("provision_total") == "no rate"
    assert sheets.named("checks_failed") == 0


def test_no_formula_comes_from_the_ledger(study: Study) -> None:
    """The customers are named "<script>..." and "=cmd|...", and so is the evidence of a judgement."""
    judged = Assessment(FORMULA, "2025-12-20", "=1+1", "@SUM(A1)", "+cmd", rate=0.5)
    provision = make_provision(study.snapshot(), Basis(assessments=(judged,)))
    sheets = read(study, provision)
    ours = set(sheets.formulas())
    texts = [
        cell.value
        for sheet in sheets.book
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and (sheet.title, cell.coordinate) not in ours
    ]
    assert f"'{FORMULA}" in texts
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]
    assert all("cmd" not in sheets.book[sheet][cell].value for sheet, cell in ours)


def test_the_same_provision_gives_the_same_bytes(sample_study: Study, sample_provision: Provision) -> None:
    one, two = (make_provision_workbook(sample_study, sample_provision) for _ in range(2))
    assert one == two


def test_inputs_are_blue_and_panes_are_frozen(sample_study: Study, sample_provision: Provision) -> None:
    sheets = read(sample_study, sample_provision)
    assert sheets.book.sheetnames == ["provision", "checks", "rates", "counts", "overlays", "individual"]
    assert {sheet.freeze_panes for sheet in sheets.book} == {"B5", "C5"}
    for sheet in sheets.book:
        for row in sheet.iter_rows(min_row=5):
            for cell in row:
                if cell.data_type == "n" and cell.value is not None:
                    assert cell.font.color.rgb == "FF0000FF"


def test_a_workbook_that_does_not_come_to_the_run_is_refused(
    sample_study: Study, sample_provision: Provision
) -> None:
    wrong = replace(sample_provision, basis=Basis(conventions={"averaging": "simple"}))
    with pytest.raises(RunError, match="its formulas do not fit the method"):
        make_provision_workbook(sample_study, wrong)
    table = sample_provision.table.assign(provision=sample_provision.table["provision"] + 0.02)
    with pytest.raises(RunError, match=r"0\.02 away from the provision"):
        make_provision_workbook(sample_study, replace(sample_provision, table=table))
