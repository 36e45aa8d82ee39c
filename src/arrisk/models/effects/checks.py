"""Checks of a design as rows of one table, sharing the chance to refute what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.models.effects.effect import CHECK_COLUMNS

__all__ = ["ALPHA", "Check", "check_table", "join_checks", "unknown"]

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a test with a p-value, or a plain count that holds or not.

    Parameters
    ----------
    check : str
        What must hold, in words.
    value : float
        What was found.
    p_value : float
        NaN for a count, or where nothing could be tested.
    holds : bool
        Without a p-value: whether it holds. With one: ignored.
    words : str
        What was found, in words.
    """

    check: str
    value: float
    p_value: float
    words: str
    holds: bool = True


def unknown(check: str, why: str) -> Check:
    """A check that the ledger cannot make; it does not pass."""
    return Check(check, float("nan"), float("nan"), f"cannot be checked: {why}", holds=False)


def check_table(found: Sequence[Check], alpha: float = ALPHA) -> pd.DataFrame:
    """Judge checks together.

    Parameters
    ----------
    found : sequence of Check
    alpha : float
        Chance that any of the tests refutes a design whose assumptions hold (Holm 1979).

    Returns
    -------
    DataFrame
        The columns of `CHECK_COLUMNS`; `p_value` is each test's own.

    Examples
    --------
    >>> tests = [Check("a", 1.0, 0.03, ""), Check("b", 0.1, 0.9, ""), unknown("c", "too young")]
    >>> check_table(tests)["passed"].tolist()
    [True, True, False]
    """
    frame = pd.DataFrame(
        {
            "check": [c.check for c in found],
            "value": [c.value for c in found],
            "p_value": [c.p_value for c in found],
            "passed": [c.holds for c in found],
            "words": [c.words for c in found],
        }
    )
    tested = frame["p_value"].sort_values().dropna()
    bounds = alpha / np.arange(len(tested), 0, -1)
    frame.loc[tested.index, "passed"] = np.maximum.accumulate(tested.to_numpy() > bounds)
    return frame[CHECK_COLUMNS]


def join_checks(tables: Sequence[pd.DataFrame], alpha: float = ALPHA) -> pd.DataFrame:
    """Judge the checks of several tables together: they share one chance to refute what is true.

    Parameters
    ----------
    tables : sequence of DataFrame
        Of `check_table`.
    alpha : float

    Returns
    -------
    DataFrame
        See `check_table`.

    Examples
    --------
    >>> one, other = check_table([Check("a", 1.0, 0.03, "")]), check_table([Check("b", 0.1, 0.9, "")])
    >>> bool(one["passed"][0]), join_checks([one, other])["passed"].tolist()
    (False, [True, True])
    """
    rows = [row for table in tables for row in table.to_dict("records")]
    return check_table(
        [Check(r["check"], r["value"], r["p_value"], r["words"], bool(r["passed"])) for r in rows], alpha
    )
