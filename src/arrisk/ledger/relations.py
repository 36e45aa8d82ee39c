"""The relations that statements read: what an engine holds of a ledger, and what of it was known on a day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlglot.expressions as exp

from arrisk.errors import LedgerError
from arrisk.ledger.days import day_numbers, month_index
from arrisk.ledger.statements import CREDIT, ITEM_ATTRIBUTES, OWED

if TYPE_CHECKING:
    from arrisk.ledger.book import Ledger

__all__ = ["RELATIONS", "Relation", "given_table", "known", "make_relation", "named_in"]


class Relation(NamedTuple):
    """The day from which a row is known, its columns, and those that come to be known on a later day.

    Without columns it has all that the ledger's table has.
    """

    since: str
    columns: tuple[str, ...] = ()
    later: Mapping[str, str] = {}


_ITEM = ("item", "customer", "side", "issue_day", "due_day", "since", "amount")
_DISPUTE = {"dispute_opened": "dispute_opened", "dispute_closed": "dispute_closed"}
_END = dict.fromkeys(("end_day", "end_month", "end_event_day", "cause"), "end_day") | {"next_day": "next_day"}
_MOVE = ("item", "customer", "side", "kind", "event_day", "day", "month", "due_day", "issue_day", "amount")
RELATIONS = {
    "movements": Relation("day", (*_MOVE, "since", "since_month")),
    "customers": Relation("first_day"),
    "items": Relation("since", (*_ITEM, *ITEM_ATTRIBUTES), _DISPUTE),
    "spells": Relation("start_day", (*_ITEM, "since_month", "number", "start_day"), _END | _DISPUTE),
    "orders": Relation("order_day", ("customer", "order_day", "amount"), {"cancelled_day": "cancelled_day"}),
}
_WIDTH = dict.fromkeys(("side", "kind", "cause"), pa.int8()) | {"amount": pa.int64()}


def make_relation(name: str, ledger: Ledger) -> pa.Table:
    """The table that the engine holds, of narrow whole numbers and texts.

    Parameters
    ----------
    name : str
        Of `RELATIONS`.
    ledger : Ledger
    """
    made = {
        "movements": _movements, "spells": _spells,
        "items": _items, "customers": _customers, "orders": _orders,
    }  # fmt: skip
    frame = made[name](ledger)
    relation = RELATIONS[name]
    narrow = [*relation.columns, *relation.later] or ["customer", "first_day"]
    frame = frame[narrow] if relation.columns else frame
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    return table.cast(pa.schema([_field(field, field.name in narrow) for field in table.schema]))


def _field(field: pa.Field, is_ours: bool) -> pa.Field:
    if pa.types.is_null(field.type):
        return field.with_type(pa.string())
    whole = is_ours and pa.types.is_integer(field.type)
    return field.with_type(_WIDTH.get(field.name, pa.int32())) if whole else field


def _movements(ledger: Ledger) -> pd.DataFrame:
    return ledger.movements.assign(since_month=_months(ledger.movements["since"]))


def _spells(ledger: Ledger) -> pd.DataFrame:
    spells = ledger.spells
    return spells.assign(since_month=_months(spells["since"]), end_month=_months(spells["end_day"]))


def _months(days: pd.Series) -> pd.arrays.IntegerArray:
    """Month indices of day numbers, missing where these are."""
    months = month_index(days.to_numpy(dtype=np.int64, na_value=0))
    return pd.arrays.IntegerArray(months.astype(np.int64), days.isna().to_numpy(dtype=bool))


def _items(ledger: Ledger) -> pd.DataFrame:
    items = ledger.items
    side = (items["reported"] < 0).map({True: CREDIT, False: OWED})
    facts = items.drop(columns="amount").rename(columns={"day": "since", "reported": "amount"})
    return facts.assign(side=side)


def _customers(ledger: Ledger) -> pd.DataFrame:
    """Customers with the first day on which anything was known of them."""
    first = ledger.customers[["since_day", "first_day"]].min(axis=1).astype("Int64")
    return ledger.customers.drop(columns="since_day").assign(first_day=first)


def _orders(ledger: Ledger) -> pd.DataFrame:
    """Orders with their customers' numbers and amounts in minor units."""
    orders, names = ledger.orders, pd.Index(ledger.customers["customer_id"])
    return pd.DataFrame(
        {
            "customer": ledger.customers["customer"].to_numpy()[names.get_indexer(orders["customer_id"])],
            "order_day": day_numbers(orders["order_date"]),
            "amount": np.rint(orders["amount"].to_numpy(dtype=float) * ledger.scale).astype(np.int64),
            "cancelled_day": day_numbers(orders["cancelled_date"]),
        }
    )


def named_in(statement: str) -> list[str]:
    """The relations that a statement reads, each named after FROM or JOIN.

    Examples
    --------
    >>> named_in("SELECT COUNT(*) AS items FROM movements AS m")
    ['movements']
    """
    words = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", statement))
    return [name for name in RELATIONS if name in words]


def known(as_of: int, statement: str, names: Mapping[str, str], more: Mapping[str, str] | None = None) -> str:
    """Let a statement see only what was known on a day (a day number).

    Parameters
    ----------
    as_of : int
    statement : str
        Reads some of the `RELATIONS`; it may begin with a WITH of its own.
    names : mapping of str to str
        Names under which the engine knows the relations that the statement reads.
    more : mapping of str to str, optional
        Further relations as SQL.

    Examples
    --------
    >>> known(10, "SELECT 1", {"customers": "c7"}, {"two": "SELECT 2 AS n"})
    'WITH customers AS (SELECT * FROM c7 WHERE first_day <= 10), two AS (SELECT 2 AS n) SELECT 1'
    """
    seen = [f"{relation} AS ({_seen(int(as_of), relation, name)})" for relation, name in names.items()]
    seen += [f"{exp.to_identifier(name, quoted=False)} AS ({sql})" for name, sql in (more or {}).items()]
    own = re.match(r"\s*WITH\s+", statement)
    first = [*seen, statement[own.end() :]] if own else [*seen]
    opening = f"WITH {', '.join(first)}" if first else ""
    return opening if own else f"{opening} {statement}".strip()


def _seen(as_of: int, relation: str, name: str) -> str:
    since, columns, later = RELATIONS[relation]
    masked = [f"CASE WHEN {day} <= {as_of} THEN {c} END AS {c}" for c, day in later.items()]
    return f"SELECT {', '.join([*columns, *masked]) or '*'} FROM {name} WHERE {since} <= {as_of}"


def given_table(frame: pd.DataFrame) -> pa.Table:
    """A table that comes with a statement, such as a calendar, as an engine takes it.

    Parameters
    ----------
    frame : DataFrame
        Whole numbers and texts, or missing.

    Raises
    ------
    LedgerError
        If it holds something else.

    Examples
    --------
    >>> given_table(pd.DataFrame({"day": [30, 58], "label": ["a", None]})).column_names
    ['day', 'label']
    """
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    fields = [_field(field, False) for field in table.schema]
    for field in fields:
        if not (pa.types.is_integer(field.type) or field.type in (pa.string(), pa.large_string())):
            raise LedgerError(
                f"column {field.name} is {field.type}: a statement is given whole numbers and texts"
            )
    return table.cast(pa.schema(fields))
