"""The workbook re-performs the run: its formulas, worked out apart, come to the cent, and follow a change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from arrisk.models.provision.basis import Basis
from arrisk.models.provision.provision import Provision, make_provision
from arrisk.policy.study import Study
from arrisk.report.evidence.pack_workbook import make_provision_workbook
from tests.report.evidence.spreadsheet import Formula, Spreadsheet

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
