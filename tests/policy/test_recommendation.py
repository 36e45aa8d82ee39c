import dataclasses
import json
import re

import jsonschema
import pandas as pd
import pytest

from arrisk.policy.assumptions import Assumption
from arrisk.policy.recommendation import (
    RECOMMENDATION_MIME,
    Estimate,
    Flip,
    Option,
    Recommendation,
    recommendation_schema,
)
from arrisk.policy.recommendation_page import interval, quantity

EVIL = "<script>alert('x')</script> & \"Söhne\""


def adopted(**changes):
    fields = {
        "decision": "Offer a cash discount: which, to whom?",
        "verdict": "adopt",
        "answer": "Offer 1% within 10 days to retail; it earns about EUR 120,000 a year.",
        "scope": "retail, invoices of EUR 5,000 or more",
        "as_of": pd.Timestamp("2025-12-31"),
        "options": (
            Option("no discount", 0.0, 0.0, 0.0, "EUR a year"),
            Option("1% in 10 days", 123456.789, 40000.0, 200000.0, "EUR a year", "best"),
        ),
        "expected_value": Estimate(123456.789, 40000.0, 200000.0, 0.9, "EUR a year", "simulation"),
        "flip": Flip("take-up", 0.3, 0.62, "fraction of offered sales", "Take-up above 62% flips it."),
        "identified": False,
        "design": "assumptions only",
        "experiment": "Pilot with 293 customers an arm.",
        "assumptions": (Assumption("take_up", 0.3, 0.1, 0.5, "fraction of offered sales", "pilot"),),
        "notes": ("Studies disagree.",),
    }
    return Recommendation(**(fields | changes))


def cannot_say(**changes):
    fields = {
        "decision": "Insure?",
        "verdict": "the data cannot say",
        "answer": "No customer ever defaulted.",
        "scope": "all",
        "as_of": pd.Timestamp("2013-07-01"),
        "experiment": "Ask the insurer for its loss record.",
    }
    return Recommendation(**(fields | changes))


@pytest.mark.parametrize("make", [adopted, cannot_say])
def test_json_round_trips_and_follows_the_schema(make):
    one = make()
    data = json.loads(one.to_json())
    jsonschema.validate(data, recommendation_schema(), cls=jsonschema.Draft202012Validator)
    again = Recommendation.from_json(one.to_json())
    assert again.to_json() == one.to_json()
    assert Recommendation.from_json(data).verdict == one.verdict


def test_the_schema_is_itself_valid_and_names_every_field():
    jsonschema.Draft202012Validator.check_schema(recommendation_schema())
    named = set(recommendation_schema()["properties"])
    assert named == {f.name for f in dataclasses.fields(Recommendation)}
    assert set(recommendation_schema()["required"]) == named


@pytest.mark.parametrize(
    "damage",
    [
        {"verdict": "maybe"},
        {"expected_value": None},
        {"flip": None},
        {"as_of": "31.12.2025"},
        {"surprise": 1},
    ],
)
def test_the_schema_refuses_what_the_class_refuses(damage):
    data = adopted().to_dict() | damage
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, recommendation_schema())
    with pytest.raises(ValueError):  # noqa: PT011 - each damage has its own message
        Recommendation.from_json(data)


def test_numbers_in_json_carry_six_significant_digits():
    data = adopted().to_dict()
    assert data["options"][1]["value"] == 123457.0
    assert data["expected_value"]["low"] == 40000.0


def test_unbounded_numbers_become_null():
    flip = Flip("take-up", 0.3, float("nan"), "fraction", "Nothing in the range flips it.")
    data = adopted(flip=flip, options=(Option("a", 1.0, float("-inf"), 2.0),)).to_dict()
    assert data["flip"]["threshold"] is None
    assert data["options"][0]["low"] is None
    jsonschema.validate(data, recommendation_schema())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "perhaps"}, "allowed are adopt"),
        ({"expected_value": None}, "needs an expected value with its interval"),
        ({"flip": None}, "needs what would flip it"),
        ({"answer": " "}, "needs its answer"),
        ({"identified": True, "design": ""}, "design that identifies"),
        ({"expected_value": Estimate(5.0, 6.0, 7.0, 0.9, "EUR", "m")}, "outside its interval"),
        ({"expected_value": Estimate(5.0, 4.0, 7.0, 95, "EUR", "m")}, "level between 0 and 1"),
        ({"expected_value": Estimate(5.0, float("-inf"), 7.0, 0.9, "EUR", "m")}, "finite"),
        ({"options": (Option("a", 3.0, 4.0, 5.0),)}, "option 'a'"),
    ],
)
def test_a_verdict_without_support_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        adopted(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"experiment": ""}, "cheapest experiment"), ({"identified": True, "design": "rct"}, "contradict")],
)
def test_cannot_say_needs_an_experiment(changes, message):
    with pytest.raises(ValueError, match=message):
        cannot_say(**changes)


def test_every_text_is_escaped_in_html():
    page = adopted(
        decision=EVIL,
        answer=EVIL,
        scope=EVIL,
        design=EVIL,
        experiment=EVIL,
        notes=(EVIL,),
        options=(Option(EVIL, 1.0, 0.0, 2.0, EVIL, EVIL), Option("b", 2.0, unit=EVIL)),
        expected_value=Estimate(1.0, 0.0, 2.0, 0.95, EVIL, EVIL),
        flip=Flip("p", 1.0, 2.0, "", EVIL),
        assumptions=(Assumption("take_up", 0.3, 0.1, 0.5, EVIL, EVIL),),
    )._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 12


def test_html_asks_nothing_of_the_web_and_is_balanced():
    page = adopted()._repr_html_()
    assert not re.search(r"https?:|src=|@import|<link", page)
    for tag in ("section", "table", "dl", "ul", "svg", "style"):
        assert page.count(f"<{tag}") == page.count(f"</{tag}>") > 0


def test_text_and_html_tell_verdict_answer_flip_and_sources():
    bundle = adopted()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", RECOMMENDATION_MIME}
    for part in (bundle["text/plain"], bundle["text/html"]):
        flat = " ".join(part.split())
        for words in ("Take-up above 62% flips it.", "EUR 123,457 a year", "pilot", "Studies disagree."):
            assert words in flat
    assert bundle["text/plain"].splitlines()[1].startswith("ADOPT.")
    assert max(map(len, bundle["text/plain"].splitlines())) <= 100


def test_a_single_option_or_mixed_units_draw_no_bars():
    mixed = (Option("a", 1.0, unit="days"), Option("b", 2.0, unit="EUR"))
    assert "<svg" not in adopted(options=mixed)._repr_html_()
    assert "<svg" in adopted()._repr_html_()


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1234567.4, "EUR", "EUR 1,234,567"),
        (12.345, "EUR", "EUR 12.35"),
        (-5000.0, "EUR/year", "EUR -5,000 a year"),
        (0.3, "fraction of offered sales", "30% of offered sales"),
        (0.0000, "fraction", "0%"),
        (0.08, "per year, 365", "8% per year, 365"),
        (None, "days", "-"),
        (float("inf"), "days", "unbounded"),
        (30.0, "customers", "30 customers"),
    ],
)
def test_quantity(value, unit, expected):
    assert quantity(value, unit) == expected


def test_interval_without_ends_is_empty():
    assert interval(None, None, "days") == interval(3.0, 3.0, "days") == ""
    assert interval(1.0, 2.0, "days") == "1.0 to 2.0 days"
    assert interval(-1234.5, 20.0, "EUR/year") == "EUR -1,234 to 20 a year"
    assert interval(0.0, float("inf"), "fraction of sales") == "0% of sales to unbounded"
    assert interval(None, 2.0, "EUR") == "- to EUR 2.00"
