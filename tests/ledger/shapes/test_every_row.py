# ruff: noqa: E501
"""Whatever is in the cells, every source row ends in exactly one place, and the ledger's own checks lose none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import AmbiguityError, ColumnMapError
from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes import apply_map
from tests.ledger.shapes import (
    test_ageing_detail,
    test_dynamics,
    test_erpnext,
    test_odoo,
    test_sap,
    test_separate_tables,
    test_settled_invoices,
)
from tests.ledger.shapes.accounting import assert_accounted, raw_csv

FIXTURES: dict[str, dict[str, str]] = {
    "arrisk": test_separate_tables.CHINESE,
    "payment_date": {"dataset.csv": test_settled_invoices.HEAD + test_settled_invoices.ROWS.strip()},
    "ibm_ar": {"ibm.csv": test_settled_invoices.IBM},
    "sap_items": {"bsid.csv": test_sap.HEAD + test_sap.LINES.strip()},
    "dynamics365": {
        "CustTrans.csv": test_dynamics.TRANS,
        "CustSettlement.csv": test_dynamics.SETTLEMENTS,
        "CustTransOpen.csv": test_dynamics.OPEN,
    },
    "erpnext": {"ple.csv": test_erpnext.ENTRIES},
    "odoo": {"move_line.csv": test_odoo.LINES, "partial_reconcile.csv": test_odoo.PARTIALS},
    "quickbooks_ageing": {"qb.csv": test_ageing_detail.QUICKBOOKS},
    "xero_ageing": {"xero.csv": test_ageing_detail.XERO},
}
JUNK = [
    "",
    "??",
    "-5",
    "0",
    "00000000",
    "1900-01-01",
    "2024-02-30",
    "1e9",
    "H",
    "DZ",
    "Total",
    "客户",
    "5001",
    "101",
]


def spoiled(text: str, name: str, seed: int) -> pd.DataFrame:
    """A fixture with junk in some cells, some rows twice, and the rows in another order."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(text)]))
    raw = raw_csv(text, name)
    cells = raw.drop(columns=["_source", "_line"]).to_numpy(dtype=object, copy=True)
    hit = rng.random(cells.shape) < 0.12
    cells[hit] = rng.choice(JUNK, size=int(hit.sum()))
    order = rng.integers(0, len(cells), size=len(cells) + 3)
    frame = pd.DataFrame(cells[order], columns=[c for c in raw.columns if not c.startswith("_")])
    return frame.assign(_source=name, _line=range(2, len(frame) + 2))


@pytest.mark.parametrize(("seeds", "readable"), [(3, 1), pytest.param(12, 8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FIXTURES)
def test_every_row_of_a_spoiled_source_is_accounted_for(name, seeds, readable):
    done = 0
    options = {"report_date": "2024-12-31", "decimal": ".", "day_first": False}
    for seed in range(seeds):
        raw = {file: spoiled(text, file, seed) for file, text in FIXTURES[name].items()}
        try:
            shaped = apply_map(ColumnMap.load(name), raw, options)
        except (AmbiguityError, ColumnMapError):
            continue
        assert_accounted(shaped, raw)
        assert shaped.quarantine["reason"].notna().all()
        assert shaped.quarantine["detail"].notna().all()
        done += 1
    assert done >= readable


def test_all_shipped_maps_are_covered():
    from arrisk.ledger.columns.column_map import shipped_maps

    assert set(FIXTURES) == set(shipped_maps())
