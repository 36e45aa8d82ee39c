from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_latent, make_sample
from arrisk.models.payment.calendar import MONTH_END, PaymentCalendar
from arrisk.models.payment.pay_days import RUN_DAY, UNKNOWN, find_pay_days
from tests.ledger.frames import event, invoice, ledger_of

CALENDAR = PaymentCalendar(holidays=["01-01", "05-01", "12-25", "12-26"])


@pytest.fixture(scope="module")
def snapshot(sample_study):
    return sample_study.ledger().as_of("2025-09-30")


@pytest.fixture(scope="module")
def found(snapshot):
    return find_pay_days(snapshot, CALENDAR)


def true_runs(found, **options) -> np.ndarray:
    latent = make_latent(**options)["latent_customers"].set_index("customer_id")["run"]
    return latent.reindex(found.table["customer_id"]).to_numpy()


def assert_recovered(found, truth):
    table = found.table
    often = (table["payments"] >= 10) & (table["words"] != UNKNOWN)
    assert often.mean() > 0.85
    assert (table["run"] == truth)[often].mean() >= 0.98
    sure = (table["words"] != UNKNOWN).to_numpy()
    right, said = (table["run"] == truth)[sure], table["probability"][sure]
    # A 98% limit of the share right, if every probability holds.
    slack = 2.4 * np.sqrt((said * (1 - said)).sum()) / sure.sum()
    assert right.mean() >= said.mean() - slack - 0.01
    shares = np.bincount(truth, minlength=7) / len(truth)
    np.testing.assert_allclose(found.shares, shares, atol=0.03)


def test_the_runs_of_the_sample_are_found(found):
    assert_recovered(found, true_runs(found))
    effects = found.effects.set_index("term")
    assert effects.loc[RUN_DAY, "ci_low"] > 10
    weekdays = effects.loc[["Monday", "Tuesday", "Thursday", "Friday"], "estimate"]
    assert weekdays.between(0.75, 1.3).all()  # in truth all are alike


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_runs_of_other_worlds_are_found(seed):
    snapshot = read_ledger(make_sample(seed=seed), currency="EUR").as_of("2025-12-31")
    found = find_pay_days(snapshot, CALENDAR)
    assert_recovered(found, true_runs(found, seed=seed))


def weekly_book(days: list[str], later: list[str] = (), customers: int = 3):
    """Customers that pay one invoice on each of the days; issued ten days before."""
    invoices, events = [], []
    for c in range(customers):
        for k, day in enumerate([*days, *later]):
            issued = pd.Timestamp(day) - pd.Timedelta(days=10)
            invoices.append(invoice(f"{c}-{k}", f"{issued:%Y-%m-%d}", 10, customer_id=f"c{c}"))
            events.append(event(f"{c}-{k}", day, 10))
    return ledger_of(invoices, events)


THURSDAYS = [f"{d:%Y-%m-%d}" for d in pd.date_range("2025-01-16", periods=14, freq="7D")]
MONDAYS = [f"{d:%Y-%m-%d}" for d in pd.date_range("2025-05-12", periods=14, freq="7D")]


def test_later_payments_are_not_looked_at():
    with_later, without = weekly_book(THURSDAYS, MONDAYS), weekly_book(THURSDAYS)
    tables = [find_pay_days(ledger.as_of("2025-04-30")).table for ledger in (with_later, without)]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["words"].tolist() == ["Thursdays"] * 3
    assert (tables[0]["on_run"] == 1.0).all()


def test_several_invoices_on_one_day_are_one_payment():
    once, twice = weekly_book(THURSDAYS), weekly_book([day for day in THURSDAYS for _ in range(2)])
    one, two = (find_pay_days(ledger.as_of("2025-04-30")).table for ledger in (once, twice))
    assert one["payments"].tolist() == two["payments"].tolist() == [14] * 3


def test_few_payments_and_strangers_count_as_any_day():
    few = find_pay_days(weekly_book(THURSDAYS[:4]).as_of("2025-04-30"))
    assert few.table["words"].tolist() == [UNKNOWN] * 3
    assert "Nobody" in few.to_table().title
    found = find_pay_days(weekly_book(THURSDAYS).as_of("2025-04-30"))
    assert found.run_of(["c1", "new", "c0"]).tolist() == [4, 0, 4]
    assert found.words_of(["new", "c0"]) == [UNKNOWN, "Thursdays"]


def test_month_ends_are_told_from_weekdays():
    ends = [f"{d:%Y-%m-%d}" for d in pd.bdate_range("2024-01-31", periods=14, freq="BME")]
    found = find_pay_days(weekly_book(ends).as_of("2025-03-31"))
    assert found.run_of(["c0", "c1", "c2"]).tolist() == [MONTH_END] * 3
    assert "at the end of the month" in found.to_table().title


def test_real_payments_keep_to_no_run(shared_data):
    from arrisk.ledger.reading import read_ledger as read

    ledger = read(shared_data / "ibm-ar", columns="ibm_ar", currency="USD")
    found = find_pay_days(ledger.as_of("2013-07-01"), PaymentCalendar(weekend=()))
    assert (found.table["run"] == 0).all()
    assert found.shares[0] > 0.9
    assert found.effects.set_index("term").loc[RUN_DAY, ["ci_low", "ci_high"]].isna().all()
    assert "No customer keeps to a pay run" in found.to_table().title


def test_it_shows_itself(found):
    html = found._repr_html_()
    assert "Thursdays" in html
    assert found.to_table().frame["customers"].sum() == len(found.table)
    ax = found.plot()
    assert "weekly" in ax.get_title()
    assert "share of customers" in ax.get_xlabel()


def test_weights_are_relative_to_a_mean_day(found):
    first = 20000
    weights = found.weights(first, first + 364)
    np.testing.assert_allclose(weights.mean(axis=1), 1.0, rtol=0.06)  # holidays fall on other weekdays
    assert (weights[:, ~CALENDAR.is_open(first, first + 364)] == 0).all()


def test_what_cannot_be_is_refused(snapshot):
    with pytest.raises(ModelError, match="nothing was paid on an open day"):
        find_pay_days(ledger_of([invoice("1", "2025-01-01", 10)]).as_of("2025-01-31"))
    with pytest.raises(ModelError, match="sure=1"):
        find_pay_days(snapshot, sure=1.0)
