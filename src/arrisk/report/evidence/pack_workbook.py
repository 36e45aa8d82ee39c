"""The workbook of an evidence pack: from the sums to the provision by formulas that anybody can follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arrisk.errors import RunError
from arrisk.report.evidence.counts_sheet import make_counts_sheet
from arrisk.report.evidence.grid import HEADER_ROW, Grid, write_grids
from arrisk.report.evidence.overlay_sheet import make_overlay_sheet
from arrisk.report.evidence.provision_sheet import (
    ProvisionSheet,
    make_individual_sheet,
    make_provision_sheet,
)
from arrisk.report.evidence.rates_sheet import RatesSheet, make_rates_sheet
from arrisk.report.evidence.recipes import find_recipe

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision
    from arrisk.policy.study import Study

__all__ = ["WORKBOOK", "make_provision_workbook", "write_provision_workbook"]

WORKBOOK = "provision.xlsx"
RATE_TOLERANCE = 1e-9
AGREES, DIFFERS = "agrees", "DIFFERS"
HEADS = ("what is compared", "this workbook", "the run or the ledger", "difference", "verdict")
NAMES = {
    "provision_total": "what the formulas come to",
    "owed_total": "owed by customers",
    "checks_failed": "comparisons that do not agree",
}


def write_provision_workbook(folder: Path, study: Study, provision: Provision) -> str:
    """Write the workbook into a folder and return its name."""
    (folder / WORKBOOK).write_bytes(make_provision_workbook(study, provision))
    return WORKBOOK


def make_provision_workbook(study: Study, provision: Provision) -> bytes:
    """Make the workbook in which the provision is worked out by formula.

    Sheets: counts (sums by month), rates (shares, their chain, credibility, overlays), overlays, individual
    (customers judged by themselves), provision, checks. Change a blue number and every figure after it
    follows.

    Parameters
    ----------
    study : Study
    provision : Provision

    Returns
    -------
    bytes
        The same provision gives the same bytes.

    Raises
    ------
    RunError
        If a formula does not come to the figure of the run: such a workbook would prove nothing.
    """
    counts = provision.historical.counts
    recipe = find_recipe(counts, provision.basis.conventions)
    credible = bool(recipe.shares) and provision.historical.diagnostics.get("credibility") is not None
    totals = counts.totals()[:, : counts.terms.shape[1]]
    sums = make_counts_sheet(recipe, counts.segments, totals, credible)
    overlays = make_overlay_sheet(provision)
    rates = make_rates_sheet(provision, sums, overlays)
    individual, last = make_individual_sheet(provision)
    sheet = make_provision_sheet(provision, rates, last)
    _hold(provision, rates, sheet)
    checks, failed = _checks(study, provision, rates, sheet)
    names = {"provision_total": sheet.total, "owed_total": sheet.owed, "checks_failed": failed}
    title = f"Provision of {study.title} on {provision.as_of:%Y-%m-%d}, re-performed by formula"
    digits = len(str(provision.diagnostics["scale"])) - 1
    grids = [sheet.grid, checks, rates.grid, sums.grid, overlays.grid, individual]
    return write_grids(grids, title, provision.as_of, {k: _fixed(v) for k, v in names.items()}, digits)


def _hold(provision: Provision, rates: RatesSheet, sheet: ProvisionSheet) -> None:
    """The formulas must come to the figures of the run."""
    run, unit = provision.rates.replicates.rates, 1 / provision.diagnostics["scale"]
    wrong = ~np.isclose(rates.rates, run, rtol=0, atol=RATE_TOLERANCE, equal_nan=True)
    if wrong.any():
        s, b = np.argwhere(wrong)[0]
        raise RunError(
            f"the workbook comes to a rate of {rates.rates[s, b]:.10f} for {provision.rates.segments[s]!r}, "
            f"{provision.rates.buckets[b]}, the run to {run[s, b]:.10f}: its formulas do not fit the method"
        )
    if sheet.worst > 1.5 * unit:
        raise RunError(f"the workbook is {sheet.worst:,.2f} away from the provision of a cell of the run")


def _checks(study: Study, provision: Provision, rates: RatesSheet, sheet: ProvisionSheet) -> tuple[Grid, str]:
    """Comparisons of the workbook with the run and the ledger; return the sheet and the cell of failures."""
    grid = Grid(
        "checks",
        "Comparisons with the run and with the ledger",
        f"All must say {AGREES!r}. Named cells: " + "; ".join(f"{k}: {v}" for k, v in NAMES.items()) + ".",
        1,
    )
    grid.head(HEADS)
    unit, row = 1 / provision.diagnostics["scale"], HEADER_ROW + 1
    total, tie = provision.total.value, dict(zip(provision.tie["line"], provision.tie["amount"], strict=True))
    owed = float(tie["owed"])
    loose = ("credits, not netted", "unapplied cash, not netted", "open balance of the ledger")
    credits, cash, book = (float(tie[name]) for name in loose)
    if total is not None:
        _compare(grid, row, "provision", sheet.total, sheet.value, total, unit / 2)
        row += 1
    parts = f"{sheet.pooled}+{sheet.judged}+{sheet.collected}"
    lines = [
        ("pooled, judged by themselves and collected: all that is owed", parts, owed, owed),
        (
            "owed, less credits and unapplied cash: open balance",
            f"{sheet.owed}+{credits!r}+{cash!r}",
            book,
            book,
        ),
        ("provisions of cells, differences added up", f"SUMPRODUCT(ABS({sheet.gaps}))", sheet.worst, 0.0),
    ]
    for what, formula, value, other in lines:
        _compare(grid, row, what, formula, value, other, unit / 2)
        row += 1
    gap = float(np.nansum(np.abs(rates.rates - provision.rates.replicates.rates)))
    _compare(
        grid, row, "rates, differences added up", f"SUMPRODUCT(ABS({rates.differences}))", gap, 0.0, 1e-9
    )
    for control in study.control_table().frame.to_dict("records"):
        row += 1
        what = f"control total of {control['date']:%Y-%m-%d}"
        _compare(
            grid,
            row,
            what,
            repr(float(control["ledger"])),
            float(control["ledger"]),
            control["control"],
            unit / 2,
        )
    area = grid.span(HEADER_ROW + 1, 4, row, 4)
    grid.put(row + 2, 0, NAMES["checks_failed"])
    bad = sum(c.value == DIFFERS for c in grid.cells.values())
    return grid, grid.work_out(row + 2, 1, f'COUNTIF({area},"{DIFFERS}")', bad, "integer", "total")


def _compare(
    grid: Grid, row: int, what: str, formula: str, value: float, other: float, tolerance: float
) -> None:
    grid.put(row, 0, what)
    here = grid.work_out(row, 1, formula, value, "number")
    there = grid.put(row, 2, float(other), "number")
    gap = grid.work_out(row, 3, f"{here}-{there}", value - float(other), "number")
    told = AGREES if abs(value - float(other)) <= tolerance else DIFFERS
    grid.work_out(row, 4, f'IF(ABS({gap})<={tolerance!r},"{AGREES}","{DIFFERS}")', told, "text")


def _fixed(cell: str) -> str:
    """A cell as a name of the workbook refers to it: without moving."""
    sheet, _, place = cell.partition("!")
    letters = place.rstrip("0123456789")
    return f"{sheet}!${letters}${place[len(letters) :]}"
