"""How effects over time are shown."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from arrisk.models.effects.differences import estimate_differences
from arrisk.models.effects.interrupted import estimate_interruption
from tests.models.effects.panels import COLUMNS, noisy

DAY = pd.Timestamp("2025-12-31")


@pytest.fixture(scope="module")
def effects():
    rows = noisy(8)
    own = rows[rows["first"].notna()]
    names = {name: COLUMNS[name] for name in ("outcome", "cluster", "period")}
    return estimate_differences(rows, **COLUMNS), estimate_interruption(own, start=12, **names)


def test_tables_hold_the_figures_and_their_names(effects):
    for effect in effects:
        table = effect.to_table("mine")
        row = table.frame.iloc[0]
        assert table.name == "mine"
        assert table.title == effect.finding()
        assert (row["effect"], row["low"], row["high"]) == (effect.estimate, effect.ci_low, effect.ci_high)
        assert all(sentence in table.note for sentence in effect.assumptions)
        checks = effect.checks_table("checks").frame
        assert checks["check"].tolist() == effect.checks["check"].tolist()
        assert (checks["passed"] == "yes").tolist() == effect.checks["passed"].tolist()


def test_pictures_have_titles_units_and_a_stamp(effects):
    for effect in effects:
        axes = effect.plot(DAY)
        assert axes.get_title(loc="left").replace("\n", " ") == effect.finding()
        assert axes.get_xlabel() == "months since the start"
        assert effect.unit in axes.get_ylabel()
        assert any("as of 2025-12-31" in text.get_text() for text in axes.texts)
        plt.close(axes.figure)


def test_a_month_without_an_error_is_drawn_without_reach(effects):
    table = effects[0].table.copy()
    table.loc[table.index[-1], ["ci_low", "ci_high"]] = [-np.inf, np.inf]
    axes = replace(effects[0], table=table).plot(DAY)
    assert np.isfinite(axes.get_ylim()).all()
    plt.close(axes.figure)
