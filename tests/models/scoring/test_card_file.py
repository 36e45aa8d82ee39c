"""Cards as files: bit for bit the same scores, and clear words for everything else."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.card_file import card_from_json, card_to_json, read_card
from arrisk.models.scoring.terms import BinnedTerm, LinearTerm
from tests.models.scoring.cards import cards, frames_of


@given(st.data())
def test_scores_are_bit_identical_after_the_round_trip(data):
    card = data.draw(cards())
    frame = data.draw(frames_of(card))
    again = card_from_json(card_to_json(card))
    pd.testing.assert_frame_equal(card.score(frame), again.score(frame), check_exact=True)
    pd.testing.assert_frame_equal(card.term_points(frame), again.term_points(frame), check_exact=True)
    assert card.reasons(frame) == again.reasons(frame)
    assert card_to_json(again) == card_to_json(card)
    assert (again.terms, again.scale, again.grades, again.about) == (
        card.terms, card.scale, card.grades, card.about,
    )  # fmt: skip
    assert list(again.grades) == list(card.grades)


@pytest.fixture
def card():
    bins = Bins(
        "segment", "text", (), (("O'Brien", "批发"), ('")',)), (), (np.int64(3), 4, 0, 1), (9, 8, 0, 2),
        (np.float64(0.1) + 0.2, -1 / 3, 0.0, -0.25), 0.3, "by category", 0.5,
    )  # fmt: skip
    terms = (BinnedTerm(bins, -0.9, "批发"), LinearTerm("late", -30, 120, 30, 0.1, 0.7))
    return Card(terms, -3.3, np.diag([0.1, 0.2, 0.3]), horizon_days=365, about={"as_of": "2025-12-31"})


def test_a_file_is_read_as_it_was_saved_and_replaces_the_old_one(card, tmp_path):
    path = tmp_path / "card 批发.json"
    path.write_text("old", encoding="utf-8")
    os.chmod(path, 0o640)
    assert card.save(path) == path
    assert card_to_json(read_card(path)) == card_to_json(card)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_card_that_cannot_be_written_leaves_the_old_file_and_nothing_else(card, tmp_path, monkeypatch):
    path = card.save(tmp_path / "card.json")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        card.save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def changed(card, **entries):
    return json.dumps(json.loads(card_to_json(card)) | entries)


def without(card, *keys):
    data = json.loads(card_to_json(card))
    inner = data
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda c: "{", "no JSON"),
        (lambda c: "[" * 100_000, "no JSON"),
        (lambda c: "[]", "not a card"),
        (lambda c: '{"format": "something else"}', "not a card"),
        (lambda c: changed(c, version=2), "version 2; version 1 can be read"),
        (lambda c: without(c, "intercept"), "lacks intercept"),
        (lambda c: changed(c, colour="blue"), "unknown entries: colour"),
        (lambda c: changed(c, intercept=None), "intercept is None"),
        (lambda c: changed(c, intercept="0"), "expected a finite number"),
        (lambda c: changed(c, intercept=True), "intercept is True"),
        (lambda c: changed(c, intercept=1.5).replace("1.5", "NaN"), "holds no NaN"),
        (lambda c: changed(c, intercept=1.5).replace("1.5", "-Infinity"), "holds no -Infinity"),
        (lambda c: changed(c, intercept=1.5).replace("1.5", "1e999"), "intercept is inf"),
        (lambda c: changed(c, intercept=1.5).replace("1.5", "1.5, \"intercept\": 2"), "stands twice"),
        (lambda c: changed(c, covariance=[[1.0]]), "covariance has shape"),
        (lambda c: changed(c, covariance=[[1.0], [1.0, 2.0]]), "does not fit"),
        (lambda c: changed(c, covariance=3), "does not fit"),
        (lambda c: changed(c, terms=7), "does not fit"),
        (lambda c: changed(c, terms=["x"]), "term 1 is of kind None"),
        (lambda c: changed(c, grades=[["A", 0.5], ["B", 0.1]]), "rising yearly bounds"),
        (lambda c: changed(c, horizon_days=1.5), "whole number"),
        (lambda c: changed(c, clusters=1), "at least two customers"),
        (lambda c: changed(c, about=[]), "does not fit"),
        (lambda c: changed(c, scale={"base": 1}), "scale lacks odds, double"),
        (lambda c: without(c, "terms", 0, "coefficient"), "term 1 lacks coefficient"),
        (lambda c: without(c, "terms", 0, "bins", "woe"), "woe"),
        (lambda c: without(c, "terms", 1, "step"), "term 2 lacks step"),
    ],
)  # fmt: skip
def test_what_is_no_card_is_refused_in_words(card, tmp_path, broken, words):
    path = tmp_path / "card.json"
    path.write_text(broken(card), encoding="utf-8")
    with pytest.raises(ModelError, match=words) as caught:
        read_card(path)
    assert "card.json" in str(caught.value)


def test_files_that_are_missing_or_binary_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.json"):
        read_card(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="UTF-8"):
        read_card(tmp_path / "binary")
