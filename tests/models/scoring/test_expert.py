from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.features.customers import make_features
from arrisk.models.scoring.expert import ExpertCard, PointLink, read_expert_card
from arrisk.models.scoring.expert_file import read_toml
from arrisk.models.scoring.scaling import PointScale

AS_OF = "2025-12-31"

CARD = """
[[card]]
title = "Ours"
valid_from = {date}
source = "the credit office"
base_points = {base}
[card.link]
horizon_days = 365
points = 600
odds = 30
double = 20
reach = 10
source = "the credit office"
[[card.item]]
name = "debt_ratio"
what = "liabilities over assets"
kind = "number"
reads = ["debt_ratio", "liabilities / assets", "1 - equity_share"]
valid = [0, 5]
cuts = [0.5, 0.9]
points = [10, 0, -30]
missing = -5
doubt = 8
words = "liabilities {{0:.0%}} of assets"
source = "the credit office"
[[card.item]]
name = "industry"
what = "industry"
kind = "class"
reads = ["industry"]
other = -1
missing = -3
doubt = 2
words = "industry {{0}}"
source = "the credit office"
[card.item.classes]
Building = -12
"Food & drink" = 4
[[card.item]]
name = "litigation"
what = "sued"
kind = "sign"
reads = ["litigation", "signal_litigation"]
yes = -20
no = 1
missing = -2
doubt = 6
silent = true
words = "sued"
source = "the credit office"
"""
OURS = CARD.format(date="2020-01-01", base=600)


@pytest.fixture
def write(tmp_path):
    def put(text: str):
        path = tmp_path / "card.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture
def ours(write) -> ExpertCard:
    return read_expert_card(AS_OF, write(OURS))


def test_points_are_the_sum_of_the_answers(ours):
    frame = pd.DataFrame(
        {"debt_ratio": [0.4, 0.5, 0.9, None], "industry": ["building ", "FOOD & DRINK", "Toys", None],
         "litigation": ["no", True, 1, None]}
    )  # fmt: skip
    got = ours.item_points(frame)
    assert got["debt_ratio"].tolist() == [10, 0, -30, -5]
    assert got["industry"].tolist() == [-12, 4, -1, -3]
    assert got["litigation"].tolist() == [1, -20, -20, -2]
    scored = ours.score(frame)
    assert scored["points"].tolist() == (600 + got.sum(axis=1)).tolist()
    spans = np.array([40, 16, 21])
    assert scored["answered"].tolist() == [1, 1, 1, 0]
    assert scored["unanswered"].tolist() == ["", "", "", "debt_ratio, industry, litigation"]
    part = ours.score(frame[["debt_ratio"]])
    assert part["answered"].tolist() == pytest.approx([*[spans[0] / spans.sum()] * 3, 0])


def test_reasons_name_what_costs_most(ours):
    frame = pd.DataFrame({"debt_ratio": [0.95, 0.1, None], "industry": ["Building", "Food & drink", None]})
    assert ours.score(frame)["reasons"].tolist() == [
        "liabilities 95% of assets (-30 points); industry Building (-12 points)",
        "nothing against it in what is known",
        "nothing is known",
    ]
    assert ours.score(frame, reasons=1)["reasons"].iloc[0] == "liabilities 95% of assets (-30 points)"


def test_the_first_known_reading_answers(ours):
    frame = pd.DataFrame(
        {"debt_ratio": [0.2, np.nan, np.nan, np.nan, np.nan, np.nan], "liabilities": [9, 70, np.nan, 1, 0, 5],
         "assets": [10.0, 100, 100, 0, 0, -5], "equity_share": [0.0, 0.0, 0.3, np.nan, np.nan, np.nan]}
    )  # fmt: skip
    values = ours.items[0].values(frame)
    assert values.tolist()[:4] == [0.2, 0.7, 0.7, np.inf]
    assert values.isna().tolist() == [False] * 4 + [True] * 2
    assert ours.item_points(frame)["debt_ratio"].tolist() == [10, 0, 0, -30, -5, -5]


def test_silence_of_a_watched_register_is_a_no(ours):
    watched = pd.DataFrame({"signal_litigation": [1.0, np.nan, 0.0]})
    assert ours.item_points(watched)["litigation"].tolist() == [-20, 1, 1]
    asked = pd.DataFrame({"litigation": [1.0, np.nan, 0.0]})
    assert ours.item_points(asked)["litigation"].tolist() == [-20, -2, 1]


def test_range_is_the_links_reach_and_widens_with_each_missing_answer(ours):
    known = pd.DataFrame({"debt_ratio": [0.6], "industry": ["Toys"], "litigation": [0]})
    wide = ours.score(pd.DataFrame(index=[0])).iloc[0]
    full = ours.score(known).iloc[0]
    reach = [np.diff(ours_points(ours, [r["pd_high"], r["pd"], r["pd_low"]])) for r in (full, wide)]
    assert reach[0].tolist() == pytest.approx([10, 10])
    assert reach[1].tolist() == pytest.approx([np.sqrt(100 + 64 + 4 + 36)] * 2)


def ours_points(card: ExpertCard, pd_: list[float]) -> np.ndarray:
    return PointScale(card.link.points, card.link.odds, card.link.double).points(pd_)


def test_the_link_is_the_scale_of_points():
    link = PointLink(365, 600, 30, 20, 22, "convention", "")
    points = np.linspace(300, 800, 30)
    assert PointScale().points(link.probability(points)).tolist() == pytest.approx(points.tolist())
    assert link.probability([-1e9, 1e9]).tolist() == pytest.approx([1.0, 0.0])


SHIPPED = read_expert_card(AS_OF)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=8), st.permutations(range(8)))
def test_rows_do_not_depend_on_each_other(ratios, order):
    frame = pd.DataFrame({"debt_ratio": ratios, "current_ratio": ratios[::-1]})
    pick = [k for k in order if k < len(ratios)]
    whole = SHIPPED.score(frame)
    pd.testing.assert_frame_equal(SHIPPED.score(frame.iloc[pick]), whole.iloc[pick])
    assert (whole["pd_low"] <= whole["pd"]).all()
    assert (whole["pd"] <= whole["pd_high"]).all()


def test_scoring_leaves_the_frame_alone_and_keeps_its_index(ours):
    frame = pd.DataFrame({"industry": ["Building", None]}, index=["a", "b"])
    kept = frame.copy()
    assert ours.score(frame).index.tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(frame, kept)
    assert ours.score(frame.iloc[:0]).empty


def test_the_version_in_force_is_used(write):
    path = write(CARD.format(date="2024-01-01", base=500) + CARD.format(date="2020-01-01", base=600))
    assert read_expert_card("2023-12-31", path).base_points == 600
    assert read_expert_card("2024-01-01", path).base_points == 500
    with pytest.raises(LookAheadError, match="no expert card is valid on 2019-12-31"):
        read_expert_card("2019-12-31", path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cuts = [0.5, 0.9]", "cuts = [0.9, 0.5]", "do not increase"),
        ("cuts = [0.5, 0.9]", "cuts = [0.5, 0.5]", "do not increase"),
        ("cuts = [0.5, 0.9]", "cuts = [0.5]", "need as many points"),
        ("points = [10, 0, -30]", "points = [10, 0, nan]", "no number"),
        ("points = [10, 0, -30]", 'points = [10, 0, "x"]', "no number"),
        ("points = [10, 0, -30]", "points = 10", "no list of numbers"),
        ("missing = -5", "missing = 11", "worth more than the best"),
        ("doubt = 8", "doubt = -8", "below 0"),
        ("doubt = 8\n", "", "doubt is missing"),
        ("valid = [0, 5]", "valid = [5, 0]", "lower and an upper"),
        ("missing = -5", "mising = -5", "did you mean 'missing'"),
        ("valid_from = 2020-01-01", 'valid_from = "2020-01-01"', "not a date"),
        ("valid_from = 2020-01-01", "valid_from = 2020-01-01T10:00:00", "not a date"),
        ("valid_from = 2020-01-01\n", "", "valid_from is missing"),
        ('kind = "class"', 'kind = "text"', "none of number, class, sign"),
        ('name = "industry"', 'name = "debt_ratio"', "two items are named"),
        ("Building = -12", "Building = -12\nbuilding = 3", "twice"),
        ("silent = true", 'silent = "yes"', "neither true nor false"),
        ("liabilities / assets", "liabilities - assets", "is not 'x'"),
        ('words = "sued"', 'words = "{1} sued"', "no template"),
        ('reads = ["industry"]', 'reads = "industry"', "no list of columns"),
        ('reads = ["industry"]', "reads = []", "reads no column"),
        ("odds = 30", "odds = 0", "above 0"),
        ("reach = 10", "reach = -1", "reach not below"),
        ("horizon_days = 365", "horizon_days = 30.5", "whole"),
        ('source = "the credit office"', 'source = " "', "not a text"),
        ("base_points = 600", "base_points = true", "no number"),
        ("[[card]]", "[[kard]]", "unknown key"),
        ("title = ", "title ", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(write, old, new, told):
    assert old in OURS
    with pytest.raises(ModelError, match=told):
        read_expert_card(AS_OF, write(OURS.replace(old, new, 1)))


def test_a_file_without_cards_or_with_one_date_twice(write, tmp_path):
    for text, told in [("", "no \\[\\[card"), (OURS + OURS, "two cards are valid from 2020-01-01")]:
        with pytest.raises(ModelError, match=told):
            read_expert_card(AS_OF, write(text))
    with pytest.raises(ModelError, match="cannot read"):
        read_expert_card(AS_OF, tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("debt_ratio", [0.5, 65.0], "given in percent"),
        ("debt_ratio", ["much"], "no number"),
        ("litigation", ["perhaps"], "neither yes nor no"),
    ],
)
def test_values_of_the_wrong_kind_are_errors(ours, column, values, told):
    with pytest.raises(ModelError, match=told):
        ours.score(pd.DataFrame({column: values}))


def test_gaps_name_what_could_not_be_answered(ours):
    gaps = ours.gaps(pd.DataFrame({"industry": ["Building", None], "litigation": [True, False]}))
    assert gaps.frame["item"].tolist() == ["debt_ratio", "industry"]
    assert gaps.frame["without_answer"].tolist() == [2, 1]
    assert gaps.title == "2 of 3 items lack answers for some of 2 customers"


def test_the_shipped_card_says_it_is_judgement_and_gives_every_reason():
    card = read_expert_card(AS_OF)
    table = card.to_table()
    assert "judgement" in table.note
    assert (table.frame["source"].str.len() > 0).all()
    assert (table.frame["why"].str.len() > 0).all()
    assert set(card.items[0].columns) >= {"current_ratio", "current_assets", "current_liabilities"}
    assert card.plot().get_title() == "By judgement, insolvency record counts most: -150 points"
    data, name = read_toml(None)
    assert name == "expert_card.toml"
    assert len(data["card"]) == 1


def test_an_insolvency_record_is_the_worst_grade_whatever_else_is_known():
    best = {"current_ratio": 5, "debt_ratio": 0.1, "years_in_business": 50, "capital": 1e7, "loss_making": 0}
    best |= {"days_beyond_terms": -5, "returned_share": 0.0, "industry": "public", "region_risk": "low"}
    scored = read_expert_card(AS_OF).score(pd.DataFrame([best | {"insolvency": flag} for flag in (0, 1)]))
    assert scored["grade"].tolist() == ["A", "D"]
    assert scored["reasons"].iloc[1].startswith("an insolvency in the register")


@pytest.mark.slow
def test_the_features_of_a_ledger_can_be_scored(sample_study):
    book = sample_study.ledger().as_of(AS_OF)
    features = make_features(book)
    scored = read_expert_card(AS_OF).score(features)
    assert len(scored) == len(features)
    assert scored["pd"].between(0.001, 0.9).all()


@pytest.mark.slow
def test_the_wheel_holds_the_card(root, tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = wheel.read("arrisk/models/scoring/expert_card.toml")
    assert held == (root / "src/arrisk/models/scoring/expert_card.toml").read_bytes()
