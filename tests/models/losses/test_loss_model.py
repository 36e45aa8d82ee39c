"""The inputs of a year's loss as a ledger gives them: balances that tie out, order, level, what if."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import read_default_experience
from arrisk.models.losses.level_posterior import CorrelationPrior
from arrisk.models.losses.loss_model import fit_loss_model
from arrisk.models.losses.open_book import read_open_book
from arrisk.models.losses.pd_levels import HIGHEST_PD, level_pds
from arrisk.models.losses.severity_evidence import AssumedSeverity, read_severity, share_spread
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.loss_book import loss_book

RULE = DefaultDefinition(90, 100)


@pytest.fixture(scope="module")
def lossy():
    return loss_book(customers=120, lost_share=0.3, recovery=0.2)


@pytest.fixture(scope="module")
def model(lossy):
    return fit_loss_model(lossy.as_of("2024-12-31"), definition=RULE)


def card_of(pd_by_customer, horizon=180):
    """Anything that scores as a scorecard does."""

    def predict(snapshot):
        return pd.DataFrame({"customer_id": list(pd_by_customer), "pd": list(pd_by_customer.values())})

    return SimpleNamespace(identified=True, horizon_days=horizon, definition=RULE, predict=predict)


def test_balances_tie_to_the_cent(model, lossy):
    snapshot = lossy.as_of("2024-12-31")
    parts = model.book.parts["balance"]
    assert round(parts.iloc[:3].sum() * 100) == round(parts.iloc[3] * 100) == snapshot.open_minor
    assert model.portfolio.exposure.sum() == pytest.approx(parts.iloc[0], abs=1e-6)
    assert model.excluded == parts.iloc[1]
    assert model.book.parts["customers"].iloc[:3].sum() == model.book.parts["customers"].iloc[3]
    assert not set(model.portfolio.name) & set(model.experience.in_default)


@pytest.mark.slow
@settings(max_examples=12)
@given(rows=ledgers(), day=as_of_dates)
def test_every_ledger_ties_and_runs(rows, day):
    snapshot = ledger_of(**rows).as_of(day)
    found = fit_loss_model(snapshot, prior=CorrelationPrior(0.1, 0.1))
    minor = (found.book.parts["balance"] * snapshot.scale).round().astype(int)
    assert minor.iloc[:3].sum() == minor.iloc[3] == snapshot.open_minor
    assert found.cases["weight"].sum() == pytest.approx(1.0)
    assert ((found.portfolio.pd >= 0) & (found.portfolio.pd <= HIGHEST_PD)).all()
    assert found.sales.shape == found.portfolio.exposure.shape


def test_credits_and_cash_on_account_are_netted():
    rows = [
        invoice("1", "2024-12-01", 100.0, customer_id="a"),
        invoice("2", "2024-12-01", -30.0, customer_id="a"),
        invoice("3", "2024-12-01", -5.0, customer_id="b"),
        invoice("4", "2024-12-01", 10.01, customer_id="c"),
    ]
    cash = [
        event(None, "2024-12-05", 10.01, customer_id="c"),
        event(None, "2024-12-05", 0.02, customer_id="d"),
    ]
    book = read_open_book(ledger_of(rows, cash).as_of("2024-12-31"))
    assert book.included[["customer_id", "exposure"]].to_numpy().tolist() == [["a", 70.0]]
    assert book.parts["balance"].tolist() == [70.0, 0.0, -5.02, 64.98]
    assert book.included["sales"].tolist() == [70.0]


def test_level_is_the_rate_of_lost_customers(model, lossy):
    seen = read_default_experience(lossy.as_of("2024-12-31"), RULE)
    assert model.identified
    assert model.level == seen.rate == seen.events / seen.trials
    assert model.portfolio.pd == pytest.approx(np.full(len(model.portfolio), seen.rate))
    assert model.what_if == ""
    low, high = model.posterior.level_quantile([0.025, 0.975])
    assert low < seen.interval.low
    assert seen.interval.high < high  # dependent years leave more open


def test_cases_are_a_law_about_the_central_level(model):
    cases = model.cases
    assert list(cases) == ["scale", "rho", "industry_rho", "weight"]
    assert cases["weight"].sum() == pytest.approx(1.0)
    assert 21 <= len(cases) <= 49
    assert model.mean_scale * model.level == pytest.approx(model.posterior.mean_level)
    assert model.dependence.rho == pytest.approx(cases["rho"] @ cases["weight"])
    book, dependence = model.at(1.5, 0.2)
    assert book.pd.mean() == pytest.approx(1.5 * model.portfolio.pd.mean())
    assert (dependence.rho, dependence.industry_rho) == (0.2, 0.0)
    assert model.at(1.0, 0.1)[0] is model.portfolio
    with pytest.raises(ModelError, match="scale"):
        model.at(0.0, 0.1)


def test_probabilities_keep_the_order_of_the_card_and_the_level(lossy):
    snapshot = lossy.as_of("2024-12-31")
    names = sorted(snapshot.items["customer_id"].unique())
    chance = dict(zip(names, np.linspace(0.9, 0.001, len(names)), strict=True))
    found = fit_loss_model(snapshot, card_of(chance), RULE)
    own = np.array([chance[name] for name in found.portfolio.name])
    assert (np.diff(found.portfolio.pd[np.argsort(own)]) > 0).all()
    # The level is that of those counted as at risk: invoiced in the last year and not in default.
    recent = snapshot.items
    recent = recent[recent["issue_date"] > snapshot.date - pd.Timedelta(days=365)]["customer_id"].unique()
    active = sorted(set(recent) - set(found.experience.in_default))
    yearly = 1 - (1 - np.array([chance[name] for name in active])) ** (365 / 180)
    ratio = found.portfolio.pd / (1 - (1 - own) ** (365 / 180))
    assert np.ptp(ratio) < 1e-9
    assert yearly.mean() * ratio[0] == pytest.approx(found.level)
    assert "scorecard over 180 days" in found.scored


def test_customers_without_a_score_stand_in_the_middle(lossy):
    snapshot = lossy.as_of("2024-12-31")
    names = sorted(snapshot.items["customer_id"].unique())
    unknown = str(read_open_book(snapshot).included["customer_id"].iloc[0])
    names.remove(unknown)
    chance = dict(zip(names, np.linspace(0.01, 0.2, len(names)), strict=True))
    found = fit_loss_model(snapshot, card_of(chance), RULE)
    lone = found.portfolio.pd[list(found.portfolio.name).index(unknown)]
    assert np.quantile(found.portfolio.pd, 0.3) < lone < np.quantile(found.portfolio.pd, 0.7)


def test_nothing_later_changes_a_number(lossy):
    early = "2024-03-31"
    whole = fit_loss_model(lossy.as_of(early), definition=RULE)
    rows, moves = lossy.as_of("2024-12-31").items, lossy.as_of("2024-12-31").events
    rows = rows[rows["issue_date"] <= early]
    cut = ledger_of(
        [
            invoice(r.invoice_id, f"{r.issue_date:%Y-%m-%d}", r.amount, f"{r.due_date:%Y-%m-%d}",
                    customer_id=r.customer_id)
            for r in rows.itertuples()
        ],
        [
            event(e.invoice_id, f"{e.date:%Y-%m-%d}", e.amount, e.kind)
            for e in moves[moves["date"] <= early].itertuples()
        ],
    )  # fmt: skip
    short = fit_loss_model(cut.as_of(early), definition=RULE)
    pd.testing.assert_frame_equal(short.portfolio.table, whole.portfolio.table)
    pd.testing.assert_frame_equal(short.cases, whole.cases)
    assert short.book.parts.equals(whole.book.parts)
    assert (short.sales == whole.sales).all()
    assert short.growth == whole.growth


def test_too_few_losses_become_a_what_if():
    snapshot = loss_book(lost_share=0.0).as_of("2024-12-31")
    found = fit_loss_model(snapshot, definition=RULE, severity=AssumedSeverity(0.7, 0.5, 0.9))
    assert not found.identified
    assert "are not ruled out" in found.what_if
    assert "70%" in found.what_if
    assert found.level == pytest.approx(float(found.posterior.level_quantile(0.975)))
    assert found.mean_scale < 0.5  # the central level is the worst not ruled out
    assert (found.severity.mean, found.severity.observed) == (0.7, False)
    assert found.portfolio.lgd_spread[0] == pytest.approx(0.4 / 3.29, rel=0.01)
    assert "too few were ever lost" in found.finding()
    assert "not ruled out" in found.to_table().note
    # With no correlation held it is today's binomial bound.
    alone = fit_loss_model(snapshot, definition=RULE, prior=CorrelationPrior(0.0, 0.0))
    assert alone.level == pytest.approx(alone.experience.interval.high, rel=0.02)


def test_one_lost_customer_is_not_enough():
    rows, moves = [], []
    for month in range(24):
        start = pd.Timestamp("2022-01-10") + pd.DateOffset(months=month)
        for who in "abcd":
            number = f"{who}{month}"
            due = f"{start + pd.Timedelta(days=30):%Y-%m-%d}"
            rows.append(invoice(number, f"{start:%Y-%m-%d}", 1000.0, due, customer_id=who))
            moves.append(event(number, due if who != "d" else "2022-12-20", 1000.0,
                               "payment" if who != "d" or month < 5 else "write_off"))  # fmt: skip
    rows = [r for r in rows if r["customer_id"] != "d" or int(r["invoice_id"][1:]) < 8]
    kept = {r["invoice_id"] for r in rows}
    found = fit_loss_model(ledger_of(rows, [m for m in moves if m["invoice_id"] in kept]).as_of("2024-01-31"))
    assert len(found.experience.losses) == 1
    assert not found.identified
    assert found.what_if


def test_a_book_without_a_year_or_without_balances_still_runs():
    young = fit_loss_model(ledger_of([invoice("1", "2024-10-01", 10.0, "2024-10-31")]).as_of("2024-12-31"))
    assert not young.identified
    assert young.level <= HIGHEST_PD
    paid = ledger_of(
        [invoice("1", "2024-10-01", 10.0, "2024-10-31")], [event("1", "2024-10-31", 10.0)]
    ).as_of("2024-12-31")
    empty = fit_loss_model(paid)
    assert (len(empty.portfolio), empty.portfolio.expected_loss, empty.sales.tolist()) == (1, 0.0, [0.0])
    assert empty.at(2.0, 0.1)[0].expected_loss == 0.0
    for found in (young, empty):
        found.plot().figure.clear()
        assert "<table" in found._repr_html_()


def test_balances_at_default_may_be_usual_or_peak():
    rows = [invoice(f"{m}", f"2024-{m:02d}-05", 100.0 * m, customer_id="a") for m in range(1, 13)]
    paid = [event(f"{m}", f"2024-{m:02d}-25", 100.0 * m) for m in range(1, 11)]
    snapshot = ledger_of(rows, paid).as_of("2024-12-31")
    owed = {
        b: read_open_book(snapshot, basis=b).customers["exposure"].item() for b in ("today", "usual", "peak")
    }
    assert owed == pytest.approx({"today": 2300.0, "usual": (1100 + 2300) / 12, "peak": 2300.0})
    with pytest.raises(ModelError, match="'today', 'usual', 'peak', 'grown'"):
        read_open_book(snapshot, basis="worst")


def test_industries_come_from_the_customers():
    rows = [invoice(who, "2024-12-01", 100.0, customer_id=who) for who in "abc"]
    people = [
        {"customer_id": who, "industry": what}
        for who, what in zip("abc", ("steel", "food", None), strict=True)
    ]
    found = fit_loss_model(ledger_of(rows, customers=people).as_of("2024-12-31"), industry_rho=0.05)
    assert found.portfolio.industries == ("food", "not given", "steel")
    assert found.dependence.industry_rho == 0.05
    assert (found.cases["industry_rho"] == 0.05).all()


def test_severity_is_the_ledgers_with_its_spread(model, lossy):
    snapshot = lossy.as_of("2024-12-31")
    assert model.severity.observed
    assert model.severity.low < model.severity.mean < model.severity.high
    assert model.severity.mean == pytest.approx(0.8, abs=0.02)
    # Every customer gives a fifth back in this book, so shares hardly differ.
    assert model.severity.spread < 0.15
    assert model.severity.customers == len(read_default_experience(snapshot, RULE).losses)
    few = read_default_experience(snapshot, RULE)
    few = type(few)(**{f: getattr(few, f) for f in few.__slots__} | {"losses": few.losses.iloc[:3]})
    assert "spread assumed" in read_severity(snapshot, few).source


def test_what_lost_customers_owed_in_the_end_is_compared_with_the_year_before():
    rows, moves = [], []
    for who in "abcdef":
        for month in range(1, 13):
            rows.append(
                invoice(
                    f"{who}{month}", f"2022-{month:02d}-05", 100.0, f"2022-{month:02d}-15", customer_id=who
                )
            )
            if month < 10:
                moves.append(event(f"{who}{month}", f"2022-{month + 1:02d}-10", 100.0))
            else:
                moves.append(event(f"{who}{month}", "2023-06-30", 100.0, "write_off"))
    snapshot = ledger_of(rows, moves).as_of("2024-12-31")
    found = fit_loss_model(snapshot, definition=DefaultDefinition(90, 50))
    # 300 in the end. Default is on 2023-01-13, 90 days after 15 October; before: nine month ends of 100, then
    # 100, 200 and 300. Those of the year before are January to December.
    assert found.growth.factor == pytest.approx(300 * 12 / (9 * 100 + 100 + 200 + 300))
    assert found.growth.low == pytest.approx(found.growth.factor)  # all customers alike
    assert found.growth.customers == 6


def test_grown_balances_are_those_of_today_times_the_growth(model, lossy):
    grown = fit_loss_model(lossy.as_of("2024-12-31"), definition=RULE, exposure="grown")
    assert model.growth.identified
    assert model.growth.low < model.growth.factor < model.growth.high
    assert grown.portfolio.exposure == pytest.approx(model.portfolio.exposure * model.growth.factor)
    assert grown.book.parts.equals(model.book.parts)


def test_spread_of_shares_is_that_of_equal_customers():
    rng = np.random.default_rng(1)
    share = rng.random(50)
    assert share_spread(share, np.ones(50)) == pytest.approx(share.std(ddof=1))
    assert share_spread(np.array([0.3]), np.array([5.0])) == 0.0


@pytest.mark.parametrize("level", [0.001, 0.04, 0.5, 0.9, 0.998])
def test_levels_are_met_exactly_at_any_height(level):
    given = np.random.default_rng(3).beta(0.5, 8, 60) + 1e-6
    found = level_pds(given, level)
    assert found.mean() == pytest.approx(level, rel=1e-9)
    assert (np.diff(found[np.argsort(given)]) >= 0).all()
    assert found.max() <= HIGHEST_PD


def test_impossible_levels_are_refused():
    for chances, level in (([1.2], 0.1), ([0.1], 0.0), ([0.1], 1.0), ([0.0], 0.1), ([], 0.1)):
        with pytest.raises(ModelError):
            level_pds(chances, level)
    with pytest.raises(ModelError, match="share lost"):
        AssumedSeverity(0.5, 0.6, 0.9)


def test_words_tables_and_picture(model):
    assert "of customers are lost a year" in model.finding()
    table = model.to_table()
    assert table.frame["term"].tolist()[0] == "lost customers a year"
    assert "prior of the correlation" in table.note
    assert model.balance_table().frame["part"].tolist()[-1] == "all"
    assert model.diagnostics["cases"] == len(model.cases)
    ax = model.plot()
    assert ax.get_title().replace("\n", " ") == model.finding()
    assert "%" in ax.get_xlabel()
    assert "LossModel(2024-12-31" in repr(model)
    assert model.evidence.counts["events"].sum() == model.experience.events
