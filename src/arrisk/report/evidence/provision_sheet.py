"""The sheets of the provision: balance times rate by formula, customers judged by themselves, totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.models.loss_rates.arithmetic import round_money
from arrisk.models.provision.open_book import share_out
from arrisk.report.evidence.grid import HEADER_ROW, NO_RATE, Grid
from arrisk.report.evidence.rates_sheet import RatesSheet

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision

__all__ = ["ProvisionSheet", "make_individual_sheet", "make_provision_sheet"]

Floats = NDArray[np.float64]
HEADS = (
    "segment", "bucket", "cell", "owed", "judged by themselves", "collected after the day", "pooled",
    "secured", "rate", "loss before enhancements", "relief", "loss of those judged by themselves",
    "provision", "covered by what is not integral", "reimbursement, shown apart", "provision of the run",
    "difference",
)  # fmt: skip
CELL, OWED, JUDGED, COLLECTED, POOLED, SECURED, RATE, BEFORE, RELIEF, OWN = range(2, 12)
PROVISION, APART, BACK, RUN, GAP = range(12, 17)
FIRST = HEADER_ROW + 1
NOTE = (
    "Pooled = owed - judged by themselves - collected. Provision = pooled x rate - secured x rate + loss of "
    "those judged by themselves; each product is rounded, so the sums foot. Invoices behind what is owed: "
    "items_behind_balances; behind what is secured: secured_by_customer."
)
INDIVIDUAL_HEADS = (
    "customer", "segment", "bucket", "cell", "owed", "share of the loss", "expected loss of the customer",
    "stated as", "who", "why", "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ProvisionSheet:
    """The sheet and where its totals stand.

    Attributes
    ----------
    grid : Grid
    total : str
        Cell of the provision.
    value : float
        What it comes to; NaN where a rate is missing.
    owed, pooled, judged, collected : str
        Cells of totals.
    gaps : str
        Range of the differences from the run.
    worst : float
        The largest of them.
    """

    grid: Grid
    total: str
    value: float
    owed: str
    pooled: str
    judged: str
    collected: str
    gaps: str
    worst: float


def make_individual_sheet(provision: Provision) -> tuple[Grid, int]:
    """Customers judged by themselves, one row a bucket of theirs; return the sheet and its last row."""
    counts, scale = provision.historical.counts, provision.diagnostics["scale"]
    grid = Grid(
        "individual",
        "Customers judged by themselves: they are in no pool",
        "The expected loss of a customer is spread over its buckets by what it owes there, to the last unit.",
        1,
    )
    grid.head(INDIVIDUAL_HEADS)
    row, owed = FIRST, np.rint(counts.today * scale).astype(np.int64)
    table = provision.assessed.table
    said = {str(r["customer_id"]): r for r in table.to_dict("records")} if len(table) else {}
    for at in np.flatnonzero(provision.assessed.inside):
        name = str(counts.customers[at])
        losses = share_out(int(provision.assessed.loss[at]), owed[at])
        for b in np.flatnonzero(owed[at]):
            cell = int(counts.segment[at]) * counts.buckets + int(b)
            texts = (name, counts.segments[counts.segment[at]], provision.rates.buckets[b])
            for column, text in enumerate(texts):
                grid.put(row, column, text)
            grid.put(row, 3, cell + 1, "integer")
            grid.put(row, 4, owed[at, b] / scale, "money")
            grid.put(row, 5, losses[b] / scale, "money")
            grid.put(row, 6, provision.assessed.loss[at] / scale, "money")
            for column, key in enumerate(("stated_as", "who", "why", "evidence"), 7):
                grid.put(row, column, str(said[name][key]))
            row += 1
    return grid, max(row - 1, FIRST)


def make_provision_sheet(provision: Provision, rates: RatesSheet, last_individual: int) -> ProvisionSheet:
    """Fill the sheet; `last_individual` is the last row of the sheet of `make_individual_sheet`."""
    scale = provision.diagnostics["scale"]
    grid = Grid("provision", provision.finding(), f"Amounts in {provision.currency}. {NOTE}", 2)
    grid.head(HEADS)
    size = rates.rates.size
    secured, apart = (
        np.rint(_by_cell(provision, part)) / scale
        for part in (provision.secured.integral, provision.secured.separate)
    )
    table = provision.table.to_dict("records")
    figures = []
    for k in range(size):
        inputs = (float(secured.flat[k]), float(apart.flat[k]), float(rates.rates.flat[k]))
        figures.append(
            _write_row(grid, FIRST + k, table[k], inputs, str(rates.used.flat[k]), scale, last_individual)
        )
    total_row, digits = FIRST + size, _digits(scale)
    grid.put(total_row, 0, "total")
    cells = {}
    for column in (OWED, JUDGED, COLLECTED, POOLED, SECURED, BEFORE, RELIEF, OWN, PROVISION, APART, BACK):
        area = grid.span(FIRST, column, total_row - 1, column)
        values = [grid.cells[row, column].value for row in range(FIRST, total_row)]
        known = all(not isinstance(v, str) for v in values)
        value = round(sum(float(v or 0) for v in values), digits) if known else np.nan
        formula = f'IF(COUNT({area})={size},ROUND(SUM({area}),{digits}),"{NO_RATE}")'
        cells[column] = grid.work_out(total_row, column, formula, value, "money", "total")
    sum_of_all = grid.cells[total_row, PROVISION].value
    return ProvisionSheet(
        grid,
        cells[PROVISION],
        np.nan if sum_of_all is None or isinstance(sum_of_all, str) else float(sum_of_all),
        cells[OWED],
        cells[POOLED],
        cells[JUDGED],
        cells[COLLECTED],
        grid.span(FIRST, GAP, total_row - 1, GAP),
        max(map(abs, figures), default=0.0),
    )


def _write_row(
    grid: Grid,
    row: int,
    told: dict[Any, Any],
    inputs: tuple[float, float, float],
    rate_cell: str,
    scale: int,
    last_individual: int,
) -> float:
    """Write one segment and bucket; return how far the formula is from the run."""
    digits, (secured, apart, rate) = _digits(scale), inputs
    grid.put(row, 0, str(told["segment"]))
    grid.put(row, 1, str(told["bucket"]))
    cell = grid.put(row, CELL, row - FIRST + 1, "integer")
    owed = grid.put(row, OWED, float(told["gross"]), "money")
    keys = f"individual!D{FIRST + 1}:D{last_individual + 1}"
    sums = {
        name: f"SUMIF({keys},{cell},individual!{letter}{FIRST + 1}:{letter}{last_individual + 1})"
        for name, letter in (("assessed", "E"), ("assessed_loss", "F"))
    }
    judged = grid.work_out(row, JUDGED, sums["assessed"], float(told["assessed"]), "money")
    collected = grid.put(row, COLLECTED, float(told["collected"]), "money")
    pooled_value = round(float(told["gross"]) - float(told["assessed"]) - float(told["collected"]), digits)
    formula = f"ROUND({owed}-{judged}-{collected},{digits})"
    pooled = grid.work_out(row, POOLED, formula, pooled_value, "money")
    used = grid.work_out(row, RATE, rate_cell, rate, "rate")
    amounts = {}
    for column, base, value in (
        (SECURED, RELIEF, secured),
        (APART, BACK, apart),
        (POOLED, BEFORE, pooled_value),
    ):
        place = pooled if column == POOLED else grid.put(row, column, value, "money")
        lost = _product(value, rate, digits)
        formula = f'IF({place}>0,IF(ISNUMBER({used}),ROUND({place}*{used},{digits}),"{NO_RATE}"),0)'
        amounts[base] = (grid.work_out(row, base, formula, lost, "money"), lost)
    own = grid.work_out(row, OWN, sums["assessed_loss"], float(told["assessed_loss"]), "money")
    (before, b), (relief, r) = amounts[BEFORE], amounts[RELIEF]
    formula = f'IF(AND(ISNUMBER({before}),ISNUMBER({relief})),{before}-{relief}+{own},"{NO_RATE}")'
    value = round(b - r + float(told["assessed_loss"]), digits)
    place = grid.work_out(row, PROVISION, formula, value, "money", "total")
    run = float(told["provision"])
    other = grid.put(row, RUN, NO_RATE if np.isnan(run) else run, "money")
    same = f"IF({place}={other},0,1)"
    formula = f"IF(AND(ISNUMBER({place}),ISNUMBER({other})),ROUND({place}-{other},{digits}),{same})"
    gap = 0.0 if np.isnan(value) and np.isnan(run) else round(value - run, digits)
    gap = 1.0 if np.isnan(gap) else gap
    grid.work_out(row, GAP, formula, gap, "money")
    return gap


def _product(amount: float, rate: float, digits: int) -> float:
    """Rounded as a spreadsheet does: half a unit counts up."""
    unit = 10**digits
    return float(round_money(amount * rate, unit)) if amount > 0 else 0.0


def _by_cell(provision: Provision, amounts: Floats) -> Floats:
    counts = provision.historical.counts
    out = np.zeros((len(counts.segments), counts.buckets))
    np.add.at(out, counts.segment, amounts)
    return out


def _digits(scale: int) -> int:
    return len(str(scale)) - 1
