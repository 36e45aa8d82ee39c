"""Lost customers counted by year, against ledgers whose failures are known."""

import pandas as pd
import pytest

from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import read_default_experience
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book


def history():
    """Three customers: one pays, one pays very late, one is written off in its second year."""
    rows, events = [], []
    for i, start in enumerate(pd.date_range("2022-01-15", "2024-11-15", freq="MS")):
        for who in "abc":
            if who == "c" and start >= pd.Timestamp("2023-03-01"):
                continue
            number, due = f"{who}{i:02d}", start + pd.Timedelta(days=30)
            rows.append(invoice(number, str(start.date()), 1000.0, str(due.date()), customer_id=who))
            if who == "a":
                events.append(event(number, str(due.date()), 1000.0))
            if who == "b":
                events.append(event(number, str((due + pd.Timedelta(days=120)).date()), 1000.0))
            if who == "c" and start < pd.Timestamp("2022-12-01"):
                events.append(event(number, str(due.date()), 1000.0))
    for number in [r["invoice_id"] for r in rows if r["customer_id"] == "c"][-3:]:
        events.append(event(number, "2023-08-01", 1000.0, "write_off"))
        events.append(event(number, "2023-12-01", 250.0, "recovery"))
    known = [e for e in events if e["date"] <= "2024-12-31"]
    return ledger_of(rows, known).as_of("2024-12-31")


def test_late_is_not_lost():
    seen = read_default_experience(history(), DefaultDefinition(90, 500))
    assert seen.losses["customer_id"].tolist() == ["c"]
    assert seen.in_default == ("b", "c")
    assert seen.lgd == pytest.approx(0.75)
    row = seen.losses.iloc[0]
    assert (row["owed"], row["written_off"], row["recovered"]) == (3000, 3000, 750)
    assert not seen.identified  # one lost customer is not enough


def test_years_count_back_from_the_day_and_young_ones_wait():
    seen = read_default_experience(history(), DefaultDefinition(90, 500))
    assert seen.years["end"].tolist()[-1] == pd.Timestamp("2024-12-31")
    assert seen.years["counted"].tolist() == [True, False]
    first = seen.years.iloc[0]
    assert (first["at_risk"], first["lost"]) == (2, 1)  # b is in default when the year begins
    assert (seen.events, seen.trials) == (1, 2)


def test_the_rate_of_failing_customers_is_recovered():
    events = trials = gone = 0
    for seed in range(3):
        snapshot = loss_book(customers=200, invoices=5000, lost_share=0.3, seed=seed).as_of("2024-12-31")
        seen = read_default_experience(snapshot, DefaultDefinition(90, 100))
        events, trials = events + seen.events, trials + seen.trials
        gone += snapshot.items.loc[snapshot.items["written_off_amount"] > 0, "customer_id"].nunique() / 200
        assert seen.lgd == pytest.approx(1.0)
    share = gone / 3  # failed with something open, evenly over 780 days
    within, gone_before = share * 365 / 780, share * (365 - 105 - 120) / 780
    truth = within / (1 - gone_before)
    assert events / trials == pytest.approx(truth, abs=3 * (truth * (1 - truth) / trials) ** 0.5)


def test_severity_nets_recoveries():
    seen = read_default_experience(loss_book(lost_share=0.3, recovery=0.4).as_of("2024-12-31"))
    assert seen.identified
    assert 0.6 <= seen.lgd < 0.75


def test_nothing_lost_is_not_identified():
    seen = read_default_experience(loss_book(lost_share=0.0).as_of("2024-12-31"))
    assert not seen.identified
    assert seen.lgd is None
    assert seen.events == 0
    assert 0 < seen.interval.high < 0.1
    assert seen.posterior([0.025, 0.975])[1] == pytest.approx(seen.interval.high)


def test_a_ledger_without_a_full_year_has_no_rate():
    seen = read_default_experience(
        ledger_of([invoice("1", "2024-10-01", 10.0, "2024-10-31")]).as_of("2024-12-31")
    )
    assert seen.trials == 0
    assert not seen.identified
    assert tuple(seen.interval) == (0.0, 1.0)


def test_picture_and_page():
    seen = read_default_experience(loss_book(lost_share=0.3).as_of("2024-12-31"))
    ax = seen.plot()
    assert "customers lost" in ax.get_title()
    assert "default" in seen._repr_html_()
    ax.figure.clear()


def test_the_table_counts_by_year_and_together():
    seen = read_default_experience(loss_book(lost_share=0.3).as_of("2024-12-31"))
    shown = seen.to_table().frame
    assert len(shown) == len(seen.years) + 1
    assert shown["lost"].iloc[-1] == seen.events
    assert shown["customers_at_risk"].iloc[-1] == seen.trials
    assert shown["lost_share"].iloc[-1] == pytest.approx(seen.rate)
    assert shown["year"].str.contains("too young").tolist()[:-1] == (~seen.years["counted"]).tolist()


def test_words_for_no_loss_and_no_year():
    none = read_default_experience(loss_book(lost_share=0.0).as_of("2024-12-31"))
    assert none.finding().startswith("No customer lost")
    none.plot().figure.clear()
    young = read_default_experience(
        ledger_of([invoice("1", "2024-10-01", 10.0, "2024-10-31")]).as_of("2024-12-31")
    )
    assert "younger than a year" in young.finding()
    assert "younger than a year" in repr(young.to_table())
    young.plot().figure.clear()
