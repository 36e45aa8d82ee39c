"""Shape `tables`: invoices, events and the other canonical tables in files, sheets or tables of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap, header_key
from arrisk.ledger.shapes.rows import read_roles
from arrisk.ledger.shapes.shaping import KEYS, Account, canonical
from arrisk.ledger.tables import TABLES

__all__ = ["shape_tables"]


def shape_tables(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Take each table as it is; kinds of events are put into our words.

    Returns
    -------
    dict of str to DataFrame
        Canonical tables; customers also have the further columns of the source, as text.
    """
    tables = {}
    for role, rows in read_roles(column_map, raw, options, account).items():
        frame = rows.frame
        if role == "events":
            words = {header_key(word): kind for kind, several in column_map.codes.items() for word in several}
            words |= {header_key(kind): kind for kind in column_map.codes}
            # A word nobody told us about stays as it is: the checks name it.
            frame = frame.assign(kind=[words.get(header_key(kind), kind) for kind in frame["kind"]])
        tables[role] = canonical(frame, role)
        if role == "customers":
            further = [column for column in frame.columns if column not in (*TABLES[role], *KEYS)]
            tables[role] = tables[role].join(frame[further])
    return tables
