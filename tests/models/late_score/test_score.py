from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import arrisk as ar
from arrisk.errors import ModelError
from arrisk.models.features.invoices import make_invoice_features
from arrisk.models.late_score.outcomes import late_outcomes
from arrisk.models.late_score.ridge import fit_ridge
from arrisk.models.late_score.score import LateScore, fit_late_score, learn_late_score
from arrisk.models.late_score.terms import LATE_TERMS, averages, late_terms
from tests.ledger.frames import event, invoice, ledger_of


@pytest.fixture(scope="module")
def ledger():
    return ar.read_ledger(ar.make_sample(invoices=1_500, seed=7), currency="EUR")


@pytest.fixture(scope="module")
def score(ledger) -> LateScore:
    return fit_late_score(ledger.as_of("2025-03-31"))


def test_outcomes_wait_for_the_point_of_prompt_payers_too():
    rows = [
        invoice("in time", "2024-01-01", 10, "2024-01-31"),
        invoice("late", "2024-01-01", 10, "2024-01-31"),
        invoice("open", "2024-01-01", 10, "2024-01-31"),
        invoice("credited", "2024-01-01", 10, "2024-01-31"),
        invoice("early", "2024-02-01", 10, "2024-03-02"),
        invoice("a credit", "2024-01-01", -10, "2024-01-31"),
    ]
    events = [
        event("in time", "2024-01-31", 10), event("late", "2024-02-03", 10), event("early", "2024-02-02", 10),
        event("credited", "2024-02-02", 10, "credit_note"),
    ]  # fmt: skip
    snapshot = ledger_of(rows, events).as_of("2024-02-10")
    found = late_outcomes(snapshot).set_index("invoice_id")["late"]
    assert found.to_dict() == {"in time": False, "late": True, "open": True}
    found = late_outcomes(snapshot, late_days=5).set_index("invoice_id")["late"]
    assert found.to_dict() == {"in time": False, "late": False, "open": True}
    assert late_outcomes(snapshot, late_days=10).empty


def test_what_is_learnt_and_told_does_not_depend_on_later_rows(ledger, score):
    until, day = ledger.as_of("2025-05-15"), "2025-05-15"
    tables = ar.make_sample(invoices=1_500, seed=7)
    early = {
        "invoices": tables["invoices"][tables["invoices"]["issue_date"] <= day],
        "events": tables["events"][
            tables["events"][["date", "recorded_date"]].max(axis=1) <= pd.Timestamp(day)
        ],
        "customers": tables["customers"],
    }
    shorter = ar.read_ledger(early, currency="EUR")
    again = fit_late_score(shorter.as_of("2025-03-31"))
    np.testing.assert_array_equal(again.coefficients, score.coefficients)
    told = score.predict(until)
    assert told["issue_date"].min() > score.as_of
    assert told["issue_date"].max() <= until.date
    pd.testing.assert_frame_equal(told, again.predict(shorter.as_of(day)), check_exact=True)
    later = score.predict(ledger.as_of("2025-12-31"))
    pd.testing.assert_frame_equal(
        told.set_index("invoice_id"), later.set_index("invoice_id").loc[told["invoice_id"]], check_exact=True
    )


def test_features_made_before_teach_the_same(ledger, score):
    features = make_invoice_features(ledger.as_of("2025-12-31"))
    again = learn_late_score(features, ledger.as_of("2025-03-31"))
    np.testing.assert_array_equal(again.coefficients, score.coefficients)


def test_told_probabilities_hold_on_average_and_lie_in_their_intervals(score):
    found = score.diagnostics
    assert found["mean_probability"] == pytest.approx(found["late"], abs=0.03)
    assert found["auc_low"] > 0.55
    told = score.predict(pd.DataFrame(_features_of(score)))
    assert (told["probability_low"] < told["probability"]).all()
    assert (told["probability"] < told["probability_high"]).all()


def _features_of(score):
    ledger = ar.read_ledger(ar.make_sample(invoices=300, seed=8), currency="EUR")
    return make_invoice_features(ledger.as_of("2025-12-31"))


def test_worse_payers_are_told_more(ledger, score):
    rows = make_invoice_features(ledger.as_of("2025-12-31")).tail(200)
    base = score.probability(rows)
    worse = rows.assign(
        late_rate=0.9, mean_days_late=40.0, median_days_late=40.0, last_days_late=60.0, late_lately=1.0,
        mean_days_settled=40.0, settled_late_rate=0.9, late_amount_rate=0.9, late_rate_lately=0.9,
        mean_days_late_lately=40.0,
    )  # fmt: skip
    assert (score.probability(worse) >= base).mean() > 0.95
    assert np.median(score.probability(worse)) > 2 * np.median(base)


def test_terms_are_finite_without_any_history():
    ledger = ledger_of([invoice("1", "2024-01-10", 100, "2024-02-09")])
    features = make_invoice_features(ledger.as_of("2024-01-10"))
    terms = late_terms(features, averages(features))
    assert list(terms.columns) == list(LATE_TERMS)
    assert np.isfinite(terms.to_numpy()).all()


def test_refuses_what_it_cannot_learn_or_know(ledger, score):
    with pytest.raises(ModelError, match="knows more than"):
        score.predict(ledger.as_of("2024-12-31"))
    rows = [invoice(str(k), "2024-01-10", 100, "2024-02-09") for k in range(20)]
    with pytest.raises(ModelError, match="needs both kinds"):
        fit_late_score(ledger_of(rows).as_of("2024-06-30"))
    with pytest.raises(ModelError, match="at least 10"):
        fit_ridge(np.zeros((4, 1)), np.array([True, False] * 2), np.array(["a", "a", "b", "b"]), 0)


def test_ridge_solves_its_equations():
    rng = np.random.default_rng(3)
    z, who = rng.normal(size=(400, 3)), np.repeat(np.arange(40), 10)
    event = rng.random(400) < 1 / (1 + np.exp(-z[:, 0]))
    fit = fit_ridge(z, event, who, seed=0)
    p = 1 / (1 + np.exp(-(fit.coefficients[0] + z @ fit.coefficients[1:])))
    assert (event - p).sum() == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(z.T @ (event - p), fit.coefficients[1:] / fit.variance, atol=1e-4)
    assert fit.coefficients[1] > 3 * abs(fit.coefficients[2])


def test_shows_itself(score):
    table = score.to_table()
    assert len(table.frame) == len(score.terms)
    assert "<table" in score._repr_html_()
    ax = score.plot()
    assert "late" in ax.get_title()
    assert "%" in ax.get_xlabel()
    assert list(score.table.columns) == ["term", "meaning", "estimate", "se", "ci_low", "ci_high"]
