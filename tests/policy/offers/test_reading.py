"""Offer sheets: every key documented and read, every error with file, key, what was seen, what is allowed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tomllib
from pathlib import Path

import pytest

from arrisk.errors import OfferError
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.offers.funding_sheet import FUNDING_CLASSES
from arrisk.policy.offers.kinds import HEAD_FIELDS, KINDS
from arrisk.policy.offers.reading import parse_offer, read_offer, read_offers
from arrisk.policy.offers.template import offer_template
from tests.policy.offers.sheets import PLAIN, offer, sheet


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_template_reads_back_as_its_examples(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "offer.toml"
    path.write_text(offer_template(kind), encoding="utf-8")
    found = read_offer(path)
    assert found.kind == kind
    assert found.path == path
    for field in KINDS[kind].fields:
        if field.given:
            example = tuple(field.example) if isinstance(field.example, list) else field.example
            assert getattr(found.terms, field.key) == example, field.key
    assert found.terms.name == found.label


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_template_shows_and_explains_every_key(kind: str) -> None:
    text = offer_template(kind)
    for field in (*HEAD_FIELDS, *KINDS[kind].fields):
        assert f"# {field.key}: {field.meaning}" in text
        assert f"\n{field.key} = " in text or f"\n# {field.key} = " in text
    everything = text.replace("\n# ", "\n#? ")
    for field in KINDS[kind].fields:  # a key that is shown as a comment is right when it is uncommented
        shown = f"\n# {field.key} = "
        if shown in text and field.key not in ("threshold", "underlying_limit", "underlying_limits"):
            assert parse_offer(tomllib.loads(text.replace(shown, f"\n{field.key} = "))).kind == kind
    assert everything.count("\n#? ") >= len(KINDS[kind].fields)


def test_every_field_of_the_terms_has_a_key() -> None:
    keys = {field.key for field in KINDS["insurance"].fields}
    assert keys == {f.name for f in dataclasses.fields(PolicyTerms)} - {"name"}
    for kind, route in FUNDING_CLASSES.items():
        keys = {field.key for field in KINDS[kind].fields}
        assert keys == {f.name for f in dataclasses.fields(route)} - {"name"}, kind


def test_rates_are_fractions_or_texts_with_a_sign() -> None:
    assert offer(PLAIN | {"premium_rate": "0.3%"}).terms.premium_rate == 0.003
    assert offer(PLAIN | {"premium_rate": "3‰"}).terms.premium_rate == 0.003
    assert offer(PLAIN | {"premium_rate": "0.29%"}).terms.premium_rate == 0.0029


def test_named_limits_and_orders_reach_the_terms() -> None:
    text = sheet() + 'named_limits = { "C-1" = 250_000, "C-2" = 0 }\ndiscretionary_limit = 20_000\n'
    terms = parse_offer(tomllib.loads(text)).terms
    assert terms.named_limits == {"C-1": 250_000.0, "C-2": 0.0}
    assert terms.discretionary_limit == 20_000
    order = ["buyer_limit", "each_and_every", "insured_share"]
    assert offer(PLAIN | {"order": order, "each_and_every": 5_000.0}).terms.order == tuple(order)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"premium_rate": 0.3},
            "premium_rate = 0.3 means 30%, and usual are 0.01% to 3%; for 0.3% write 0.003",
        ),
        ({"premium_rate": 3}, "premium_rate = 3: allowed is a fraction"),
        ({"premium_rate": -0.001}, "at least 0%"),
        ({"premium_rate": "0.3"}, "premium_rate = '0.3': allowed is a fraction"),
        ({"premium_rate": True}, "premium_rate = True"),
        ({"insured_share": 90}, 'for 90% write 0.9 or "90%"'),
        ({"insured_share": 0.1}, "insured_share = 0.1 means 10%, and usual are 50% to 100%"),
        ({"premium_base": "turnover"}, 'allowed are "sales", "balances"'),
        ({"maximum_liability_multiple": 3000.0}, "usual are 1 to 200"),
        ({"buyers": 2.5}, "a whole number"),
        ({"each_and_every": "500"}, "each_and_every = '500': allowed is currency units, at least 0"),
        ({"order": ["insured_share", "insured_share"]}, "each word once"),
        ({"order": ["insured_shar"]}, 'did you mean "insured_share"'),
        ({"order": "insured_share"}, "expected a list"),
        (
            {"each_and_every": 500.0, "order": ["insured_share"]},
            "each_and_every is set but is not in the order",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(change: dict[str, object], told: str) -> None:
    with pytest.raises(OfferError) as raised:
        offer(PLAIN | change)
    assert str(raised.value).startswith("[terms]: ")
    assert told in str(raised.value)


def test_an_unusual_value_that_is_meant_passes() -> None:
    text = sheet(PLAIN | {"insured_share": 0.4}).replace(
        "[offer]\n", '[offer]\nunusual = ["insured_share"]\n', 1
    )
    assert parse_offer(tomllib.loads(text)).terms.insured_share == 0.4
    wrong = text.replace('unusual = ["insured_share"]', 'unusual = ["insured"]', 1)
    with pytest.raises(OfferError, match=r"unusual = 'insured' \(did you mean \"insured_share\"\?\)"):
        parse_offer(tomllib.loads(wrong))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "premium_base = ",
            "premium_bse = ",
            r"unknown key 'premium_bse' \(did you mean \"premium_base\"\?\)",
        ),
        ('premium_base = "sales"', "", r"premium_base is missing \(what the rate applies to.*\"balances\""),
        ("[terms]", "[term]", r"unknown key 'term' \(did you mean \"terms\"\?\); allowed: offer, terms"),
        ('currency = "EUR"', 'currency = "euro"', "an ISO 4217 code such as EUR"),
        ("valid_until = 2026-03-31", "valid_until = 2025-11-30", "is before dated = 2025-12-15"),
        ("dated = 2025-12-15", 'dated = "15.12.2025"', "dated = '15.12.2025': allowed is a date, 2025-12-31"),
        ('kind = "insurance"', 'kind = "insurence"', r"did you mean \"insurance\"\?"),
        ('provider = "Northern"', 'provider = " "', "provider = ' ': allowed is a text"),
        ('source = "letter"', "", r"source is missing \(where the figures stand"),
    ],
)
def test_a_wrong_sheet_is_refused(old: str, new: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(sheet().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(OfferError, match=told) as raised:
        read_offer(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_files_that_are_no_sheets(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OfferError, match="not a UTF-8 text file"):
        read_offer(path)
    path.write_text("[offer\n", encoding="utf-8")
    with pytest.raises(OfferError, match="not valid TOML"):
        read_offer(path)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(OfferError, match="1,000,001 bytes"):
        read_offer(path)
    path.write_text("a = " + "[" * 4_000, encoding="utf-8")
    with pytest.raises(OfferError, match="not valid TOML"):
        read_offer(path)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(OfferError, match="holds no"):
        read_offers(tmp_path / "nothing")
    with pytest.raises(OfferError, match="no offer sheets were named"):
        read_offers([])


def test_folders_and_double_names(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(sheet(), encoding="utf-8")
    (tmp_path / "a.toml").write_text(sheet(name="other"), encoding="utf-8")
    assert [o.name for o in read_offers(tmp_path)] == ["other", "whole turnover"]
    (tmp_path / "c.toml").write_text(sheet(), encoding="utf-8")
    with pytest.raises(OfferError, match=r"is the name of the offer in .*b\.toml, too"):
        read_offers(tmp_path)


def test_expiry_is_counted_by_day() -> None:
    found = offer()
    assert not found.has_expired(dt.date(2026, 3, 31))
    assert found.has_expired(dt.date(2026, 4, 1))


def test_text_of_others_is_cleaned_and_escaped() -> None:
    text = sheet().replace('"Northern"', '"<b>=cmd|x</b>\\u001b[2J\\u202e \\n N"')
    found = parse_offer(tomllib.loads(text))
    assert found.provider == "<b>=cmd|x</b>[2J N"
    assert "<b>" not in found._repr_html_()
    with pytest.raises(OfferError, match="has 300 characters: allowed are 200"):
        offer(provider="x" * 300)
    with pytest.raises(OfferError) as raised:
        parse_offer(tomllib.loads(sheet() + '"\\u001b[31m" = 1\n'))
    assert "\x1b" not in str(raised.value)


def test_a_kind_is_found_by_its_words() -> None:
    assert 'kind = "non-recourse factoring"' in offer_template("non_recourse-factoring")
    assert 'kind = "securitisation"' in offer_template("abs")
    with pytest.raises(
        OfferError, match="no offers of kind 'leasing'; allowed: insurance, recourse factoring"
    ):
        offer_template("leasing")


def test_what_a_funding_sheet_leaves_out_is_not_there() -> None:
    found = offer({"rate": 0.06}, kind="recourse factoring")
    assert (found.terms.service_fee, found.terms.setup_fee) == (0.0, 0.0)
    assert not found.is_insurance
    line = offer({"rate": "6.8%", "limit": 1e6}, kind="overdraft").terms
    assert (line.rate, line.limit, line.line_fee) == (0.068, 1e6, 0.0)
