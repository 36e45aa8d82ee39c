"""Offers compared: ranking, regret, expiry, currency, tables, pictures; the sample's offers on the sample."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import OfferError
from arrisk.models.losses.portfolio import Dependence
from arrisk.policy.insurance.retained import NO_INSURANCE
from arrisk.policy.loss_basis import make_loss_model
from arrisk.policy.offers.comparison import OfferComparison, compare_offers
from arrisk.policy.offers.reading import read_offers
from arrisk.policy.offers.summary import summarise
from arrisk.policy.offers.years import simulate_cases
from arrisk.policy.study import Study, open_study
from arrisk.report.offer_report import offers_json, write_comparison
from tests.policy.offers.sheets import PLAIN, offer, small_model, small_snapshot

WICKED = "=1+1 <script>x</script> $\\alpha$"


def study_of(currency: str = "EUR", capital: float = 0.08) -> Any:
    assumption = SimpleNamespace(value=capital)
    return SimpleNamespace(
        currency=currency, seed=3, assumption=lambda name: assumption, get=lambda name: None
    )


def compare(*offers: Any, **more: Any) -> OfferComparison:
    given = {"loss_model": small_model(), "years": 600, **more}
    return compare_offers(study_of(), small_snapshot(), offers, **given)


@pytest.fixture(scope="module")
def compared() -> OfferComparison:
    first = offer(PLAIN | {"aggregate_first_loss": 10_000.0, "premium_rate": 0.0005}, name="first loss")
    old = offer(PLAIN | {"premium_rate": 0.0001}, name="old", valid_until="2025-12-20")
    return compare(offer(provider=WICKED), first, old)


def test_ranking_orders_by_cost_and_never_names_an_expired_offer(compared: OfferComparison) -> None:
    table = compared.ranking.set_index("offer")
    assert table.index[-1] == "Northern: old"
    assert table["expired"].tolist() == [False, False, False, True]
    assert table["cost"].iloc[:3].is_monotonic_increasing
    assert compared.best != "Northern: old"
    assert table["cost"]["Northern: old"] < table["cost"][compared.best]
    assert np.isnan(table["p_best"]["Northern: old"])
    assert table["p_best"].sum() == pytest.approx(1)
    assert table["behind"].iloc[0] == 0
    np.testing.assert_allclose(table["money"], table["charges"] + table["kept"])
    assert "Expired on 2025-12-31" in compared.to_table().note
    assert compare(offer(valid_until="2025-12-20"), day=dt.date(2025, 12, 19)).ranking["expired"].sum() == 0


def test_regret_is_the_cost_above_the_best_of_each_case(compared: OfferComparison) -> None:
    wide = compared.cases.pivot(index="scale", columns="offer", values="cost")
    names = [n for n in wide.columns if n != "Northern: old"]
    expected = wide[names].sub(wide[names].min(axis=1), axis=0)
    weight = compared.cases.drop_duplicates("scale").set_index("scale")["weight"]
    table = compared.ranking.set_index("offer")
    for name in names:
        assert table["mean_regret"][name] == pytest.approx(float(expected[name] @ weight))
        assert table["cost"][name] == pytest.approx(float(wide[name] @ weight))


def test_clauses_add_up_to_the_cost_of_each_offer(compared: OfferComparison) -> None:
    cost = compared.ranking.set_index("offer")["cost"]
    for name, own in compared.clauses.groupby("offer"):
        assert compared.bare[str(name)] + own["share"].sum() == pytest.approx(cost[name])
        assert compared.bare[str(name)] == pytest.approx(
            next(o.terms.premium_rate for o in compared.offers if o.label == name) * small_model().sales.sum()
        )


def test_the_same_seed_gives_the_same_comparison_for_any_number_of_workers() -> None:
    one, two = compare(offer(), n_jobs=1), compare(offer(), n_jobs=2)
    pd.testing.assert_frame_equal(one.ranking, two.ranking)
    other = compare(offer(), seed=9)
    assert not np.allclose(one.ranking["cost"], other.ranking["cost"])


def test_monte_carlo_error_is_that_of_repeated_runs() -> None:
    model, terms = small_model(), offer(PLAIN | {"aggregate_first_loss": 10_000.0}).terms
    costs, errors = [], []
    for seed in range(40):
        years = simulate_cases(model, 600, seed, 0.08)
        cost = years.cost(terms)
        costs.append(years.mean(cost))
        errors.append(years.error(cost))
    assert 0.5 < np.std(costs) / np.mean(errors) < 1.6


def test_another_currency_is_refused_with_a_clear_sentence() -> None:
    with pytest.raises(OfferError, match="offer of Northern is in EUR, the study is in USD; ask for a quote"):
        compare_offers(study_of("USD"), small_snapshot(), [offer()], loss_model=small_model())
    with pytest.raises(OfferError, match="no offers to compare"):
        compare()
    with pytest.raises(OfferError, match="must differ"):
        compare(offer(), offer())


def test_wicked_text_is_text_everywhere(compared: OfferComparison, tmp_path: Path) -> None:
    html = compared._repr_html_()
    assert "<script>" not in html
    page = write_comparison(compared, tmp_path / "o.html").read_text(encoding="utf-8")
    assert "<script>x" not in page
    assert "data:image/png;base64," in page
    assert "http" not in page.split("<body")[1]
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(write_comparison(compared, tmp_path / "o.xlsx"))
    cells = [c for ws in book for row in ws.iter_rows() for c in row if isinstance(c.value, str)]
    assert not any(c.data_type == "f" or c.value.startswith("=") for c in cells)
    assert any(c.value.startswith("'=1+1 <script>") for c in cells)
    told = json.loads(write_comparison(compared, tmp_path / "o.json").read_text(encoding="utf-8"))
    assert told["tables"][0]["name"] == "offers_ranking"
    assert offers_json(compared).endswith("}\n")
    assert all(line.isprintable() for line in summarise(compared).split("\n"))
    with pytest.raises(OfferError, match=r"written as \.html, \.xlsx, \.json"):
        write_comparison(compared, tmp_path / "o.pdf")


def test_it_renders_itself(compared: OfferComparison) -> None:
    assert compared.finding().startswith("Cheapest: ")
    assert len({t.name for t in compared.tables()}) == len(compared.tables()) == 6
    ax = compared.plot()
    ax.figure.canvas.draw()
    assert "capital included (EUR)" in ax.get_xlabel()
    assert compared.best[:10] in ax.get_title(loc="left").replace("\\$", "$")
    text = summarise(compared)
    assert "EXPIRED on 2025-12-20" in text
    assert "ask first: " in text
    assert "against " in text
    assert "first loss of the year " in text.split("against ")[1]


def test_a_what_if_is_called_one() -> None:
    model = small_model()
    model.what_if = "up to 9% of customers lost a year are not ruled out"
    found = compare(offer(), loss_model=model)
    assert found.finding().startswith("What-if, cheapest: ")
    assert found.to_table().note.startswith("Up to 9% of customers lost")
    assert "what-if: up to 9%" in summarise(found)


def test_without_insurance_is_the_yardstick() -> None:
    model = small_model()
    found = compare(offer(PLAIN | {"insured_share": 1.0, "premium_rate": 0.0001}))
    table = found.ranking.set_index("offer")
    mean = float((model.cases["weight"] * model.cases["scale"]).sum()) * model.portfolio.expected_loss
    assert table["kept"][NO_INSURANCE] == pytest.approx(mean, rel=0.1)
    assert table["kept"]["Northern: whole turnover"] == pytest.approx(0)
    assert table["charges"][NO_INSURANCE] == 0


@pytest.mark.slow
def test_the_sample_offers_are_read_and_compared_on_the_sample(sample_study: Study, root: Path) -> None:
    offers = read_offers(root / "data" / "sample" / "offers")
    assert {o.kind for o in offers} == {
        "insurance", "recourse factoring", "non-recourse factoring", "overdraft"
    }  # fmt: skip
    chosen = [o for o in offers if o.name in ("above a first loss", "without recourse", "line for one year")]
    snapshot = sample_study.snapshot()
    model = make_loss_model(sample_study, None, snapshot)
    found = compare_offers(sample_study, snapshot, chosen, model, years=2_000)
    table = found.ranking.set_index("offer")
    assert found.wanted > 0
    line = table.loc["Savings Bank of the Valley: line for one year"]
    assert line["cash"] == min(1_500_000, found.wanted)
    gap = 0.08 * (found.wanted - line["cash"])
    assert line["charges"] == pytest.approx(0.068 * line["cash"] + 4_000 + gap)
    assert line["retained_99.5"] == table["retained_99.5"][NO_INSURANCE]
    assert table["charges"][NO_INSURANCE] == pytest.approx(0.08 * found.wanted)
    for name, own in found.clauses.groupby("offer"):
        assert found.bare[str(name)] + own["share"].sum() == pytest.approx(table["cost"][name])
    assert "protection_fee" in set(found.clauses["clause"])
    assert "is wanted" in found.to_table().note


@pytest.mark.slow
def test_real_books_in_dollars_refuse_offers_in_euros(shared_data: Path, root: Path, tmp_path: Path) -> None:
    from arrisk.policy.study import study_template

    path = tmp_path / "study.toml"
    path.write_text(study_template(str(shared_data / "ibm-ar"), "ibm_ar", "2013-07-01", "USD"))
    study = open_study(path)
    offers = read_offers(root / "data" / "sample" / "offers")
    with pytest.raises(OfferError, match="is in EUR, the study is in USD"):
        compare_offers(study, study.snapshot(), offers)
    dollars = offer(currency="USD", dated="2013-06-01", valid_until="2013-08-01")
    found = compare_offers(study, study.snapshot(), [dollars], years=1_000)
    assert found.finding().startswith("What-if, cheapest: ")
    assert found.what_if


def test_an_offer_without_clauses_and_a_book_without_balances() -> None:
    bare = offer(PLAIN | {"insured_share": 1.0, "premium_rate": 0.0005}, name="bare")
    found = compare(bare)
    assert found.clauses.empty
    assert found.bare[bare.label] == pytest.approx(0.0005 * small_model().sales.sum())
    assert [len(t.frame) for t in found.tables()[1:]] == [1, 0, 1, 1, 5]
    found.plot().figure.canvas.draw()
    assert bare.label in summarise(found)
    model = small_model()
    empty = dataclasses.replace(model.portfolio, exposure=np.zeros(30))
    model.at, model.portfolio = (lambda scale, rho: (empty, Dependence(rho))), empty
    nothing = compare(offer(PLAIN | {"aggregate_first_loss": 100.0}), loss_model=model)
    assert nothing.best == NO_INSURANCE
    assert (nothing.ranking["kept"] == 0).all()
    assert summarise(nothing)
