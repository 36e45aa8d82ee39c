"""What counts by year say about correlation, and how plainly it is said."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import finite_pool_pmf
from arrisk.models.losses.correlation import estimate_correlation
from arrisk.models.losses.correlation_curves import information
from arrisk.models.losses.factor_counts import count_likelihood
from arrisk.models.losses.level_posterior import CorrelationPrior, fit_level_posterior
from arrisk.models.losses.loss_counts import count_losses
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book


def counts(trials, events):
    return pd.DataFrame({"trials": trials, "events": events})


WILD = counts([400] * 6, [4, 9, 30, 6, 2, 14])


def test_maximum_likelihood_is_the_optimum():
    def loss(at):
        rho, probit = special.expit(at[0]), np.array([at[1]])
        return -count_likelihood(WILD["trials"], WILD["events"], [rho], probit).log_likelihood[0, 0]

    best = optimize.minimize(loss, [-2.0, -2.0], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9})
    found = estimate_correlation(WILD)
    assert found.curves.by_profile(0.95).estimate == pytest.approx(special.expit(best.x[0]), abs=0.006)
    flat = count_likelihood(WILD["trials"], WILD["events"], [0.0]).log_likelihood.max()
    assert found.curves.statistic == pytest.approx(2 * (-best.fun - flat), abs=0.02)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.curves.statistic, 1) / 2)


def test_the_posterior_is_that_of_the_joint_one():
    found, joint = estimate_correlation(WILD), fit_level_posterior(WILD["trials"], WILD["events"])
    read = found.curves.by_posterior(0.95)
    assert read.estimate == pytest.approx(joint.mean_rho, abs=0.002)
    assert [read.low, read.high] == pytest.approx(joint.rho_quantile([0.025, 0.975]), abs=0.003)


def test_one_year_says_nothing():
    found = estimate_correlation(counts([183], [8]))
    assert not found.identified
    assert "1 year with 8 lost says nothing" in found.finding()
    assert found.table["term"].tolist() == ["assumed before", "after the counts"]
    assert abs(found.learned) < 0.05
    assert found.p_value == 1.0


@pytest.mark.parametrize("events", [[0] * 5, [1, 0, 0, 0, 0]])
def test_years_without_losses_say_nothing(events):
    found = estimate_correlation(counts([100] * 5, events))
    assert not found.identified
    found.plot().figure.clear()


def test_no_year_at_all():
    found = estimate_correlation(counts([], []))
    assert not found.identified
    assert found.periods_to_halve == np.inf
    assert "none counted" in found.to_table().note


def test_few_years_say_little_and_many_say_much():
    rng = np.random.default_rng(5)
    z = rng.standard_normal(30)
    chance = special.ndtr((special.ndtri(0.04) - np.sqrt(0.15) * z) / np.sqrt(0.85))
    drawn = rng.binomial(400, chance)
    few = estimate_correlation(counts([400] * 4, drawn[:4]))
    many = estimate_correlation(counts([400] * 30, drawn))
    assert few.learned < 0.3
    assert many.learned > 1.5 * few.learned
    assert many.curves.by_average(0.95).low < 0.15 < many.curves.by_average(0.95).high
    assert "more such years" in few.finding()
    assert few.finding() != many.finding()
    assert many.periods_to_halve > few.periods_to_halve > 4


def test_counts_that_contradict_the_prior_are_said_to():
    found = estimate_correlation(counts([5000] * 12, [100] * 12))
    assert "contradicts the 0.05 to 0.25 assumed" in found.finding()


def test_a_known_correlation_is_not_learned():
    found = estimate_correlation(WILD, CorrelationPrior(0.15, 0.15))
    assert found.learned == 0.0
    assert np.isnan(found.periods_to_halve)
    assert "taken as known" in found.finding()
    assert "after the counts" not in found.table["term"].tolist()
    assert "taken as known" in [t.get_text() for t in found.plot().get_legend().get_texts()]


def test_information_is_that_of_the_count():
    # Against the definition: variance of the score, with the level unknown as well.
    n, p, rho, h = 60, 0.05, 0.15, 1e-4
    at = special.ndtri(p)
    pmf = finite_pool_pmf(n, p, rho)
    by_rho = (finite_pool_pmf(n, p, rho + h) - finite_pool_pmf(n, p, rho - h)) / (2 * h)
    up, down = (finite_pool_pmf(n, float(special.ndtr(at + s)), rho) for s in (h, -h))
    by_level = (up - down) / (2 * h)
    rr, rl, ll = (float((a * b / pmf).sum()) for a, b in
                  ((by_rho, by_rho), (by_rho, by_level), (by_level, by_level)))  # fmt: skip
    assert information(p, rho, n) == pytest.approx(rr - rl**2 / ll, rel=1e-3)


def test_words_and_pictures():
    found = estimate_correlation(WILD, event="in default", period="quarter", as_of=pd.Timestamp("2024-12-31"))
    assert found.finding().startswith("6 quarters with 65 in default allow a correlation of")
    table = found.to_table()
    assert table.frame["term"].tolist()[0] == "assumed before"
    assert "4 of 400" in table.note
    ax = found.plot()
    assert ax.get_title().replace("\n", " ") == found.finding()
    assert len(ax.get_lines()) == 3
    assert "6 quarters" in found._repr_html_()
    assert "6 quarters" in repr(found)
    assert found.diagnostics["periods"] == 6


def test_a_prior_that_reaches_nothing_is_kept():
    # Its density is infinite at 0.
    prior = CorrelationPrior(0.0005, 0.25)
    assert prior.shape[0] < 1
    found = estimate_correlation(WILD, prior)
    joint = fit_level_posterior(WILD["trials"], WILD["events"], prior)
    assert found.curves.by_posterior(0.9).estimate == pytest.approx(joint.mean_rho, abs=0.004)
    found.plot().figure.clear()


def test_missing_columns_are_named():
    with pytest.raises(ModelError, match="events"):
        estimate_correlation(pd.DataFrame({"trials": [1]}))


def test_counts_agree_with_the_experience_of_the_ledger():
    snapshot = loss_book(lost_share=0.3).as_of("2024-12-31")
    found = count_losses(snapshot)
    assert found[["trials", "events"]].to_numpy().sum() > 0
    assert (found["end"] <= snapshot.date - pd.Timedelta(days=365)).all()
    quarters = count_losses(snapshot, days=91)
    assert len(quarters) > 3 * len(found)
    assert quarters["events"].sum() >= found["events"].sum()
    late = count_losses(snapshot, of="default")
    assert (late["end"].max(), len(late)) == (snapshot.date, len(found) + 1)


def test_counts_by_industry_add_up():
    rows = [
        invoice(f"{who}{month}", f"2023-{month:02d}-10", 1000.0, f"2023-{month:02d}-28", customer_id=who)
        for who in "abc"
        for month in range(1, 13)
    ]
    paid = [event(r["invoice_id"], r["due_date"], 1000.0) for r in rows if r["customer_id"] != "c"]
    people = [{"customer_id": "a", "industry": "steel"}, {"customer_id": "c", "industry": "food"}]
    snapshot = ledger_of(rows, paid, customers=people).as_of("2024-12-31")
    whole, parts = (count_losses(snapshot, of="default", by=by) for by in (None, "industry"))
    assert parts.groupby("end")[["trials", "events"]].sum().to_numpy().tolist() == (
        whole[["trials", "events"]].to_numpy().tolist()
    )
    assert set(parts["group"]) <= {"steel", "food", "not given"}
    with pytest.raises(ModelError, match="attribute"):
        count_losses(snapshot, by="colour")
    with pytest.raises(ModelError, match="'lost'"):
        count_losses(snapshot, of="late")
    with pytest.raises(ModelError, match="length"):
        count_losses(snapshot, days=0)
