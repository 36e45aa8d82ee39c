"""Shapes: how the rows of each kind of source become invoices and events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.columns.column_map import ColumnMap, check_options
from arrisk.ledger.shapes.ageing_detail import shape_ageing_detail
from arrisk.ledger.shapes.dynamics import shape_dynamics
from arrisk.ledger.shapes.erpnext import shape_erpnext
from arrisk.ledger.shapes.odoo import shape_odoo
from arrisk.ledger.shapes.sap import shape_sap
from arrisk.ledger.shapes.separate_tables import shape_tables
from arrisk.ledger.shapes.settled_invoices import shape_settled_invoices
from arrisk.ledger.shapes.shaping import Account, Shaped

__all__ = ["Shaped", "apply_map"]

Shape = Callable[[ColumnMap, Mapping[str, pd.DataFrame], Mapping[str, Any], Account], dict[str, pd.DataFrame]]

_SHAPES: dict[str, Shape] = {
    "tables": shape_tables,
    "settled_invoices": shape_settled_invoices,
    "sap_items": shape_sap,
    "dynamics_settlements": shape_dynamics,
    "erpnext_ledger": shape_erpnext,
    "odoo_reconciles": shape_odoo,
    "ageing_detail": shape_ageing_detail,
}


def apply_map(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any] | None = None
) -> Shaped:
    """Shape raw frames into canonical tables as a column map says.

    Parameters
    ----------
    column_map : ColumnMap
    raw : mapping of name to DataFrame
        As `read_source` gives them: cells as written, with `_source` and `_line` (1-based) for each row.
    options : mapping, optional
        Reading options that override those of the map: currency, date_format, day_first, decimal, thousands,
        strip_zeros, report_date, apply_payments.

    Returns
    -------
    Shaped

    Raises
    ------
    ColumnMapError
        If the source does not fit the map, or an option is unknown.
    AmbiguityError
        If dates or amounts have two readings and no option says which.

    Examples
    --------
    >>> invoices = pd.DataFrame({"发票号": ["1"], "客户编号": ["c"], "开票日期": ["2025-01-31"],
    ...     "金额": ["99.50"], "_source": "invoices.csv", "_line": [2]})
    >>> shaped = apply_map(ColumnMap.load("arrisk"), {"invoices.csv": invoices}, {"currency": "CNY"})
    >>> shaped.tables["invoices"]["amount"].tolist()
    [9950]
    """
    if not raw:
        raise LedgerError("the source holds no table; expected at least one with invoices")
    given = {**column_map.options, **check_options(dict(options or {}), "options")}
    account = Account(notes=list(column_map.notes))
    tables = _SHAPES[column_map.shape](column_map, raw, given, account)
    return account.finish(tables, raw)
