from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.trial.assignment import assign_trial
from arrisk.models.trial.past import enrol, observe_trial, past_trials
from arrisk.models.trial.plan import TrialPlan, trial_rows
from arrisk.models.trial.power import power_of_shift
from arrisk.models.trial.power_curve import information, power_curve, simulate_trials, take_up_curve
from arrisk.models.trial.reading import read_pilot, read_trial
from tests.models.trial.trials import OFFER, PLAN, READ, START, ledger_of_book, make_book, offer_to, rows_of


def _draw(book, seed=1, share=0.5):
    units = enrol(rows_of(book[book["issue_date"] < START]), PLAN)
    return assign_trial(units, pd.Series(units.index, index=units.index), share=share, seed=seed)


def _treated(arms):
    return arms.table.loc[arms.table["arm"] == "treated", "customer_id"]


def _read(book, arms, plan=PLAN, **more):
    return read_trial(
        rows_of(book, plan), arms, plan, digest=arms.digest, **({"as_of": READ, "permutations": 99} | more)
    )


@pytest.fixture(scope="module")
def trial():
    book = make_book(seed=3, customers=120)
    arms = _draw(book)
    after, true = offer_to(book, _treated(arms), 0.4, seed=3)
    return book, arms, after, true


@pytest.fixture(scope="module")
def ledger(trial):
    return ledger_of_book(trial[2])


def test_a_planted_effect_is_found_from_a_ledger(trial, ledger):
    _, arms, after, true = trial
    read = read_pilot(ledger.as_of(READ), arms, PLAN, digest=arms.digest, offer=OFFER, permutations=199)
    truth = true.reindex(arms.units.index).dropna().mean()
    assert read.effect.ci_low < truth < read.effect.ci_high
    assert read.decision == "benefit"
    assert read.permutation_p < 0.02
    assert read.effect.identified
    assert read.effect.clusters == int(read.compliance["with_invoices"].sum())
    low, high = read.takers_interval
    takers = true[true < 0]
    assert low < takers.mean() < high
    assert read.takers["take_up"] == pytest.approx(0.4, abs=0.15)
    same = _read(after, arms, offer=OFFER)
    assert same.effect.estimate == pytest.approx(read.effect.estimate)
    assert same.effect.se == pytest.approx(read.effect.se)


def test_nothing_later_than_the_look_changes_its_reading(trial, ledger):
    _, arms, _, _ = trial
    first = pd.Timestamp(PLAN.look_dates[0])
    then = read_pilot(ledger.as_of(first), arms, PLAN, digest=arms.digest, permutations=9)
    later = read_pilot(ledger.as_of(READ), arms, PLAN, digest=arms.digest, look=1, permutations=9)
    assert then.looks.equals(later.looks)
    assert trial_rows(ledger.as_of(first), PLAN)["issue_date"].max() < pd.Timestamp(PLAN.cuts[0])


def test_too_early_there_is_nothing_to_read(trial):
    _, arms, after, _ = trial
    day = pd.Timestamp(PLAN.look_dates[0]) - pd.Timedelta(days=1)
    with pytest.raises(ModelError, match="nothing to read yet: look 1 of 2 is on 2026-04-15"):
        _read(after, arms, as_of=day)
    with pytest.raises(ModelError, match="look 2 of 2"):
        _read(after, arms, as_of=pd.Timestamp(PLAN.look_dates[0]), look=2)
    with pytest.raises(ModelError, match="looks 1 to 2"):
        _read(after, arms, look=3)


def test_changed_arms_are_refused(trial):
    _, arms, after, _ = trial
    table = arms.table.copy()
    table.loc[0, "arm"] = "control" if table.loc[0, "arm"] == "treated" else "treated"
    changed = replace(arms, table=table)
    with pytest.raises(ModelError, match="not the one on record"):
        read_trial(rows_of(after), changed, PLAN, digest=arms.digest, as_of=READ)


def test_other_offers_than_assigned_are_refused_and_a_few_are_counted(trial):
    book, arms, _, _ = trial
    given = list(_treated(arms))
    wrong, _ = offer_to(book, given[:-20], 0.4, seed=3)
    with pytest.raises(ModelError, match=r"not show the offers as assigned: \d+ of \d+ customers.*C0"):
        _read(wrong, arms)
    few, _ = offer_to(book, given[:-3], 0.4, seed=3)
    read = _read(few, arms)
    assert 1 <= read.compliance["not_as_assigned"].sum() <= 3
    assert "not treated as assigned" in " ".join(read.effect.checks["words"])
    after, _ = offer_to(book, given, 0.4, seed=3)
    with pytest.raises(ModelError, match="offers as assigned"):
        _read(after, arms, offer=(0.02, 10))


def test_with_one_look_the_interval_is_the_usual_one(trial):
    _, arms, after, _ = trial
    read = _read(after, arms, replace(PLAN, looks=1, fractions=()))
    e = read.effect
    half = stats.t.ppf(0.975, e.df) * e.se
    assert (e.ci_low, e.ci_high) == pytest.approx((e.estimate - half, e.estimate + half))


def test_a_reading_shows_itself(trial):
    _, arms, after, _ = trial
    read = _read(after, arms)
    assert "Look 2 of 2, stop: it works" in read.finding()
    assert "days from issue to payment" in read.finding()
    assert read.plot().get_title(loc="left") != ""
    for table in (read.to_table(), read.outcomes_table(), read.compliance_table(), read.checks_table()):
        assert len(table.frame)
        assert "<table" in table._repr_mimebundle_()["text/html"]
    assert set(read.outcomes["role"]) == {"decides", "for information"}


def test_harm_stops_a_trial(trial):
    """Read by value, a discount that is too dear is harm."""
    book, arms, _, _ = trial
    dear, _ = offer_to(book, _treated(arms), 0.5, seed=3, offer=(0.05, 10))
    plan = replace(PLAN, outcome="value")
    read = _read(dear, arms, plan, offer=(0.05, 10))
    assert read.decision == "harm"
    assert read.effect.ci_high < 0


def test_simulated_power_is_that_of_the_formula_for_the_spread_it_finds():
    rows = rows_of(make_book(seed=5, customers=150))
    plan = replace(PLAN, looks=1, fractions=())
    pasts = past_trials(rows, plan, pd.Timestamp("2026-03-31").date(), most=1)
    drawn = simulate_trials(pasts, 0.5, trials=1500, seed=1)
    curve = power_curve(drawn, plan.rule, sign=-1, unit="days", as_of=READ)
    spread = float(drawn.shift.std())
    formula = power_of_shift(curve.detectable, spread, 2, level=0.95)  # two a side: the variance is spread**2
    assert formula == pytest.approx(0.8, abs=0.06)
    assert curve.table["power"].iloc[0] == pytest.approx(0.025, abs=0.015)
    assert curve.table["power"].iloc[-1] > 0.99


def test_the_more_take_the_more_is_seen_and_the_seed_decides():
    rows = rows_of(make_book(seed=6, customers=80))
    gain = rows["days"].clip(upper=10) - rows["days"]
    last = pd.Timestamp("2026-03-31").date()
    pasts = past_trials(rows.assign(gain=gain), PLAN, last, most=2)
    assert len(pasts) == 2
    one, two = (
        take_up_curve(pasts, 0.5, PLAN.rule, sign=-1, unit="days", as_of=READ, trials=100, seed=4)
        for _ in range(2)
    )
    assert one.table.equals(two.table)
    assert one.table["shift"].is_monotonic_increasing
    assert one.table["power"].iloc[0] < 0.12
    assert one.table["power"].iloc[-1] > 0.9
    assert f"{one.units:,} customers" in one.finding()
    assert one.plot().get_xlabel().startswith("size of the effect")
    fractions = information(simulate_trials(pasts, 0.5, trials=100))
    assert fractions[-1] == 1.0
    assert 0.3 < fractions[0] < 1


def test_outcomes_of_a_ledger_are_those_of_the_book(trial, ledger):
    found = trial_rows(ledger.as_of(READ), PLAN).sort_values("invoice_id", ignore_index=True)
    made = rows_of(trial[2]).sort_values("invoice_id", ignore_index=True)
    for column in ("days", "value", "unpaid"):
        assert np.allclose(found[column], made[column])
    for column in ("unit", "offered", "taken"):
        assert found[column].tolist() == made[column].tolist()


def test_a_short_ledger_is_refused_and_pasts_never_use_the_trial_s_own_time():
    rows = rows_of(make_book(seed=7, customers=60))
    last = pd.Timestamp("2025-10-31").date()
    for data in past_trials(rows, PLAN, last):
        assert pd.Timestamp(data.start) + pd.Timedelta(days=90) <= pd.Timestamp(last) + pd.Timedelta(days=1)
    young = rows[rows["issue_date"] > pd.Timestamp("2025-08-01")]
    with pytest.raises(ModelError, match="too short for a trial"):
        past_trials(young, PLAN, last)
    with pytest.raises(ModelError, match="a trial needs 4"):
        enrol(young[young["issue_date"] > pd.Timestamp("2026-01-01")], PLAN)


def test_looks_only_add_invoices():
    rows = rows_of(make_book(seed=8, customers=60))
    data = observe_trial(rows, replace(PLAN, weigh="invoices"), enrol(rows, PLAN))
    assert (np.diff(data.weight, axis=1) >= 0).all()
    assert data.weight[:, -1].sum() == rows["issue_date"].ge(START).sum() - _outside(rows, data)


def _outside(rows, data):
    return int((rows["issue_date"].ge(START) & ~rows["unit"].isin(data.units.index)).sum())


def test_a_wrong_plan_is_refused():
    for wrong in (
        {"outcome": "joy"},
        {"weigh": "euros"},
        {"looks": 0},
        {"end": PLAN.start},
        {"fractions": (1.0,)},
    ):
        with pytest.raises(ValueError, match=r"allowed|at least 1|not after|fractions"):
            replace(PLAN, **wrong)
    assert isinstance(PLAN.moved(PLAN.end), TrialPlan)


@pytest.mark.slow
def test_readings_hold_the_truth_and_the_promised_error():
    """24 pilots with takers and without; larger figures come from benchmarks/coverage_pilot.py."""
    held, wrong = [], []
    for seed in range(12):
        book = make_book(seed=seed, customers=60)
        arms = _draw(book, seed)
        for take_up in (0.0, 0.4):
            after, true = offer_to(book, _treated(arms), take_up, seed=seed)
            read = _read(after, arms, permutations=1)
            truth = true.reindex(arms.units.index).dropna().mean()
            held.append(read.effect.ci_low <= truth <= read.effect.ci_high)
            if take_up == 0:
                wrong.append(read.decision in ("benefit", "harm"))
    assert np.mean(held) > 0.8
    assert np.mean(wrong) < 0.3
