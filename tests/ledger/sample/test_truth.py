"""What the sample ledger shows agrees with the truth that wrote it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.sample.generator import BASE_TRUTH, make_latent, make_sample
from arrisk.ledger.sample.payment import baseline, make_clock
from arrisk.ledger.sample.world import NEVER, make_calendar
from arrisk.ledger.tables import TABLES

END = pd.Timestamp("2025-12-31")
BIG = {"invoices": 60_000, "seed": 7}

# UK statutory payment practices reports 2017-2026 (114,758 reports), distribution over reporting companies;
# gov.uk, Open Government Licence v3.0, aggregated by P. Edwards 2026.
UK_SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
UK_DAYS_TO_PAY = (15, 24, 33, 46, 58)
UK_PERCENT_NOT_ON_TIME = (2, 8, 20, 39, 62)
# Median over the reports of a year, lowest and highest year 2017 to 2026: % of invoices paid later than 60
# days after the issue.
UK_PERCENT_AFTER_60_DAYS = (5, 9)


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return make_sample() | make_latent()


@pytest.fixture(scope="module")
def latent() -> dict[str, pd.DataFrame]:
    return make_latent()


@pytest.fixture(scope="module")
def big() -> dict[str, pd.DataFrame]:
    return make_sample(**BIG) | make_latent(**BIG)


@pytest.fixture(scope="module")
def settled(big: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Invoices of the large sample with the truth about them and the day of their last receipt."""
    events = big["events"]
    cash = events[(events["kind"] == "payment") & (events["amount"] > 0)]
    out = big["invoices"].merge(big["latent_invoices"].drop(columns="due_date"), on="invoice_id")
    out = out.merge(big["latent_customers"].drop(columns="terms"), on="customer_id")
    out = out.merge(big["customers"][["customer_id", "segment"]], on="customer_id")
    return out.assign(paid=out["invoice_id"].map(cash.groupby("invoice_id")["date"].max()))


def _settlements(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Positive invoices with a due date and the day nothing was left of them; after the end when open."""
    out = tables["invoices"].dropna(subset=["due_date"]).query("amount > 0")
    events = tables["events"][tables["events"]["kind"] != "recovery"].sort_values("date", kind="stable")
    owed = events["invoice_id"].map(out.set_index("invoice_id")["amount"])
    paid = events.groupby("invoice_id")["amount"].agg("sum").reindex(out["invoice_id"]).fillna(0.0)
    last = events[owed.notna()].groupby("invoice_id")["date"].max().reindex(out["invoice_id"])
    still = out["amount"].to_numpy() - paid.to_numpy() > 0.005
    settled = last.where(~still, END + pd.Timedelta(days=1)).to_numpy()
    failed = tables["latent_customers"][["customer_id", "default_date"]]
    return out.assign(settled=settled).merge(failed, on="customer_id")


# ---- Invariants -----------------------------------------------------------------------------------------


def test_nothing_is_known_after_the_end(big: dict[str, pd.DataFrame]) -> None:
    for name in ("invoices", "events", "orders", "limits", "signals"):
        for column, spec in TABLES[name].items():
            if spec.kind == "date" and column in big[name] and column != "due_date":
                assert not (big[name][column] > END).any(), (name, column)


def test_events_follow_their_invoice(big: dict[str, pd.DataFrame]) -> None:
    events = big["events"].merge(big["invoices"], on="invoice_id", suffixes=("", "_of_invoice"))
    assert (events["date"] >= events["issue_date"]).all()
    assert (events["customer_id"] == events["customer_id_of_invoice"]).all()
    assert (events["recorded_date"].isna() | (events["recorded_date"] > events["date"])).all()
    deducted = events[events["kind"] == "discount"]
    assert (deducted["discount_rate"] == BASE_TRUTH.discount_rate).all()
    assert not (events["amount"] == 0).any()


def test_amounts_are_positive_but_for_credits_and_returns(big: dict[str, pd.DataFrame]) -> None:
    invoices, events = big["invoices"], big["events"]
    assert 0.001 < (invoices["amount"] < 0).mean() < 0.006
    negative = events[events["amount"] < 0]
    assert set(negative["kind"]) == {"payment"}
    owed = negative["invoice_id"].map(invoices.set_index("invoice_id")["amount"])
    returned = negative[owed > 0]
    paid_before = events[(events["amount"] > 0) & events["invoice_id"].isin(returned["invoice_id"])]
    first = paid_before[paid_before["kind"] == "payment"].groupby("invoice_id")["date"].min()
    assert (returned["date"] > returned["invoice_id"].map(first)).all()
    assert len(returned) > 20


def test_nothing_is_paid_or_bought_after_an_insolvency(
    settled: pd.DataFrame, big: dict[str, pd.DataFrame]
) -> None:
    failed = settled[settled["default_date"].notna()]
    assert (failed["issue_date"] < failed["default_date"]).all()
    events = big["events"].merge(big["latent_customers"][["customer_id", "default_date"]], on="customer_id")
    late = events[events["date"] >= events["default_date"]]
    assert set(late["kind"]) == {"write_off", "recovery"}


def test_write_offs_take_exactly_what_the_failed_left(big: dict[str, pd.DataFrame]) -> None:
    events, truth = big["events"], big["latent_customers"].set_index("customer_id")
    lost = events[events["kind"] == "write_off"]
    wait = (lost["date"] - lost["customer_id"].map(truth["default_date"])).dt.days
    assert wait.min() >= BASE_TRUTH.write_off_days[0]
    assert wait.max() <= BASE_TRUTH.write_off_days[1] + 4  # moved to the next open day
    assert len(lost[["customer_id", "date"]].drop_duplicates()) == lost["customer_id"].nunique()
    settled = events[events["kind"] != "recovery"].groupby("invoice_id")["amount"].sum()
    invoices = big["invoices"].set_index("invoice_id")
    gone = invoices[invoices["customer_id"].isin(lost["customer_id"]) & (invoices["amount"] > 0)]
    left = (gone["amount"] - settled.reindex(gone.index).fillna(0.0)).round(2)
    assert (left <= 0).all()  # nothing of a written-off customer stays open; what was overpaid stays a credit
    back = events[events["kind"] == "recovery"].groupby("invoice_id")["amount"].sum()
    assert (back <= lost.groupby("invoice_id")["amount"].sum().reindex(back.index) + 0.005).all()


def test_nobody_pays_on_closed_days(big: dict[str, pd.DataFrame]) -> None:
    cash = big["events"][big["events"]["kind"].isin(["payment", "discount", "write_off", "recovery"])]
    assert (cash["date"].dt.weekday < 5).all()
    assert not cash["date"].dt.strftime("%m-%d").isin(["01-01", "05-01", "12-25", "12-26"]).any()


def test_orders_lead_to_invoices(big: dict[str, pd.DataFrame]) -> None:
    orders, invoices = big["orders"], big["invoices"]
    billed = orders[orders["invoice_id"].notna()].merge(
        invoices, on="invoice_id", suffixes=("", "_of_invoice")
    )
    assert (billed["order_date"] <= billed["issue_date"]).all()
    assert (billed["order_id"] == billed["order_id_of_invoice"]).all()
    assert (billed["amount"] == billed["amount_of_invoice"]).all()
    assert len(billed) == (invoices["amount"] > 0).sum()
    waiting = orders[orders["invoice_id"].isna() & orders["cancelled_date"].isna()]
    assert len(waiting) > 100
    assert (waiting["order_date"] > END - pd.Timedelta(days=35)).all()
    assert (
        (orders["cancelled_date"] >= orders["order_date"]).sum() == orders["cancelled_date"].notna().sum() > 0
    )


def test_limits_are_dated_and_some_are_missing(sample: dict[str, pd.DataFrame]) -> None:
    limits = sample["limits"]
    without = set(sample["customers"]["customer_id"]) - set(limits["customer_id"])
    assert 1 <= len(without) <= 20
    assert not limits.duplicated(["customer_id", "valid_from"]).any()
    assert (limits.groupby("customer_id")["credit_limit"].max() == 0).sum() == 1
    assert set(limits["valid_from"].dt.year) == {2023, 2024, 2025}


def test_signals_are_known_later_than_they_happen(sample: dict[str, pd.DataFrame]) -> None:
    signals = sample["signals"]
    assert (signals["recorded_date"] > signals["date"]).all()
    macro = signals[signals["signal"] == "pmi"]
    assert len(macro) == 35  # December is published in January
    assert macro[["customer_id", "industry"]].isna().all().all()
    assert signals.loc[signals["signal"] == "litigation", "customer_id"].notna().all()


# ---- The truth can be found again -----------------------------------------------------------------------


def test_payment_days_follow_the_stated_hazard_exactly() -> None:
    """Draws against day-by-day probabilities computed from the formula, in and out of a slow spell."""
    calendar = make_calendar(BASE_TRUTH, np.random.default_rng(1))
    clock = make_clock(BASE_TRUTH, calendar)
    rng, count = np.random.default_rng(2), 200_000
    run, since, anchor = 4, calendar.start + 100, calendar.start + 118
    spell = (calendar.start + 110, calendar.start + 125, -1.3)
    for spells in ((), (spell,)):
        open_share, expected = 1.0, []
        for day in range(since, since + 60):
            hazard = (
                baseline(np.array([day - anchor]), BASE_TRUTH)[0] * calendar.pay[run, day - calendar.first]
            )
            hazard *= np.exp(sum(effect for begin, end, effect in spells if begin <= day < end))
            expected.append(open_share * -np.expm1(-hazard))
            open_share *= np.exp(-hazard)
        full = [np.full(count, v) for v in (run, anchor, since)]
        need = rng.standard_exponential(count)
        if spells:
            cut = tuple((np.full(count, b), np.full(count, e), x) for b, e, x in spells)
            drawn = clock.first_day_in_spells(*full, need, cut)
        else:
            drawn = clock.first_day(*full, need)
        share = np.bincount(np.minimum(drawn - since, 60), minlength=61)[:60] / count
        error = np.sqrt(np.maximum(np.array(expected), 1e-6) / count)
        assert (np.abs(share - expected) < 5 * error).all()
        assert drawn.min() >= since
        assert (drawn[drawn < NEVER] <= anchor + 450).all()


def test_late_share_by_segment_is_what_the_hazards_imply(settled: pd.DataFrame) -> None:
    """Without disputes and distress, P(late) of each invoice is known from its customer's truth."""
    root_seed = np.random.SeedSequence(BIG["seed"]).spawn(1)[0]
    calendar = make_calendar(BASE_TRUTH, np.random.default_rng(root_seed))
    clock = make_clock(BASE_TRUTH, calendar)
    due = settled["due_date"].notna() & (settled["amount"] > 0) & (settled["issue_date"] < "2025-09-01")
    plain = settled[due & settled["distress_from"].isna() & settled["dispute_opened"].isna()]
    issue, last = (
        plain[c].to_numpy().astype("datetime64[D]").astype(np.int64) for c in ("issue_date", "due_date")
    )
    run, anchor = plain["run"].to_numpy(), last + plain["habit"].to_numpy()
    total = clock.before(run, anchor, last + 1) - clock.before(run, anchor, issue)
    chance = np.exp(-total * np.exp(plain["frailty"].to_numpy()))
    late = (plain["usual_date"].isna() | (plain["usual_date"] > plain["due_date"])).to_numpy()
    groups = pd.DataFrame(
        {"segment": plain["segment"], "late": late, "chance": chance, "v": chance * (1 - chance)}
    )
    sums = groups.groupby("segment").sum()
    # Disputed invoices are left out and are later than others, hence the small allowance beside the noise.
    gap = (sums["late"] - sums["chance"]).abs() / groups.groupby("segment").size()
    assert (gap < 4 * np.sqrt(sums["v"]) / groups.groupby("segment").size() + 0.015).all()
    share = sums["late"] / groups.groupby("segment").size()
    assert share["Public"] == share.max()
    assert share["Retail"] == share.min()


@pytest.mark.parametrize("which", ["sample", "big"])
def test_delays_resemble_published_payment_statistics(which: str, request: pytest.FixtureRequest) -> None:
    """Customers' average days to pay and late shares against the deciles of UK reports."""
    tables = request.getfixturevalue(which)
    invoices, events = tables["invoices"], tables["events"]
    cash = events[(events["kind"] == "payment") & (events["amount"] > 0)].groupby("invoice_id")["date"].max()
    seen = invoices[(invoices["amount"] > 0) & (invoices["issue_date"] < "2025-09-01")]
    seen = seen.assign(paid=seen["invoice_id"].map(cash)).dropna(subset=["paid", "due_date"])
    seen = seen.assign(days=(seen["paid"] - seen["issue_date"]).dt.days, late=seen["paid"] > seen["due_date"])
    means = seen.groupby("customer_id").agg(
        count=("days", "size"), days=("days", "mean"), late=("late", "mean")
    )
    means = means[means["count"] >= 10]
    # 200 customers estimate an outer decile to about 3 days and 4 points (standard errors), 1,000 to half.
    # The slowest quarter is faster than in the reports by choice, see the data card: hence the wider two.
    days, points = ((6, 6, 6, 11, 13), 10) if which == "sample" else ((4, 4, 4, 7, 11), 8)
    assert (np.abs(means["days"].quantile(UK_SHARES) - UK_DAYS_TO_PAY) <= days).all()
    assert np.abs(100 * means["late"].quantile(UK_SHARES) - UK_PERCENT_NOT_ON_TIME).max() <= points


@pytest.mark.parametrize("which", ["sample", "big"])
def test_few_invoices_are_paid_very_late(which: str, request: pytest.FixtureRequest) -> None:
    """Shares of all invoices, the never paid ones included, against the published 60 days."""
    seen = _settlements(request.getfixturevalue(which))
    old = seen[seen["issue_date"] < "2025-09-01"]
    after_issue = (old["settled"] - old["issue_date"]).dt.days
    overdue = (old["settled"] - old["due_date"]).dt.days
    low, high = UK_PERCENT_AFTER_60_DAYS
    assert low <= 100 * (after_issue > 60).mean() <= high
    assert 0.19 < (overdue > 0).mean() < 0.275
    worst = old[overdue > 90]
    assert 0.008 < len(worst) / len(old) < 0.018
    assert (worst["default_date"].notna() | worst["dispute_opened"].notna()).mean() > 0.85


@pytest.mark.parametrize("which", ["sample", "big"])
def test_few_customers_are_ever_90_days_late(which: str, request: pytest.FixtureRequest) -> None:
    """An item of more than EUR 500 open 90 days after it was due marks the failing, not the ordinary."""
    tables = request.getfixturevalue(which)
    seen = _settlements(tables)
    day = seen.set_index("invoice_id")["due_date"] + pd.Timedelta(days=90)
    events = tables["events"][tables["events"]["invoice_id"].isin(day.index)]
    events = events[(events["kind"] != "recovery") & (events["date"] <= events["invoice_id"].map(day))]
    left = seen["amount"] - seen["invoice_id"].map(events.groupby("invoice_id")["amount"].sum()).fillna(0.0)
    late = seen.loc[(left > 500) & (seen["due_date"] + pd.Timedelta(days=90) < END), "customer_id"].unique()
    customers = tables["latent_customers"].set_index("customer_id")
    assert 0.10 < len(late) / len(customers) < 0.30
    assert customers.loc[late, "default_date"].notna().mean() > 0.4


def test_weekly_runs_show_in_the_calendar(settled: pd.DataFrame) -> None:
    """Customers with a Thursday run pay on Thursdays, others in proportion to their own days."""
    paid = settled.dropna(subset=["paid"])
    weekday = paid["paid"].dt.weekday
    assert weekday[paid["run"] == 4].eq(3).mean() > 0.75
    assert weekday[paid["run"] == 1].eq(0).mean() > 0.75
    assert weekday[paid["run"] == 0].value_counts(normalize=True).max() < 0.25
    assert weekday.eq(3).mean() > 0.3
    month_end = paid["paid"] + pd.offsets.BDay(2) > paid["paid"] + pd.offsets.MonthEnd(0)
    assert month_end[paid["run"] == 6].mean() > 3 * month_end[paid["run"] == 0].mean()


def test_number_of_defaults_allows_a_thin_score(
    latent: dict[str, pd.DataFrame], big: dict[str, pd.DataFrame]
) -> None:
    assert 20 <= latent["latent_customers"]["default_date"].notna().sum() <= 30
    truth = big["latent_customers"]
    failed = truth["default_date"].notna()
    assert 0.08 < failed.mean() < 0.18
    assert truth.loc[failed, "risk"].mean() - truth.loc[~failed, "risk"].mean() > 0.5
    segment = big["customers"].set_index("customer_id")["segment"]
    assert failed.groupby(truth["customer_id"].map(segment)).mean().idxmin() == "Public"


def test_default_intensity_is_the_stated_one(big: dict[str, pd.DataFrame]) -> None:
    """The count of defaults against the sum of the customers' own probabilities, with shocks unknown."""
    truth = big["latent_customers"].merge(big["customers"], on="customer_id")
    effect = {s.name: s.log_default for s in BASE_TRUTH.segments}
    trade = {i.name: i.log_default for i in BASE_TRUTH.industries}
    push = (
        BASE_TRUTH.log_default
        + BASE_TRUTH.risk_default * truth["risk"]
        + BASE_TRUTH.size_default * truth["size"]
    )
    push += truth["segment"].map(effect) + truth["industry"].map(trade)
    start = truth["since_date"].clip(lower=pd.Timestamp("2023-01-01"))
    months = (END - start).dt.days / 30.4
    expected = -np.expm1(-np.exp(push) * months)
    # The PMI is below 50 for a year, which adds about a tenth; common shocks widen the band.
    assert 0.75 < truth["default_date"].notna().sum() / expected.sum() < 1.5


def test_naive_comparison_of_discount_takers_misleads(settled: pd.DataFrame) -> None:
    offered = settled[
        settled["discount_rate"].notna() & settled["paid"].notna() & settled["dispute_opened"].isna()
    ]
    taken = offered["taken"]
    days = (offered["paid"] - offered["issue_date"]).dt.days
    usual = (offered["usual_date"] - offered["issue_date"]).dt.days
    naive = days[~taken].mean() - days[taken].mean()
    true = (usual - days)[taken].mean()
    assert usual[~taken].mean() - usual[taken].mean() > 1.0  # takers pay earlier anyway
    assert naive > true + 1.0
    assert true > 5.0
    assert offered.loc[taken, "risk"].mean() < offered.loc[~taken, "risk"].mean() - 0.3


def test_discount_is_offered_by_the_stated_rule(settled: pd.DataFrame, big: dict[str, pd.DataFrame]) -> None:
    running = (settled["issue_date"] >= pd.Timestamp(BASE_TRUTH.discount_from)) & (settled["amount"] > 0)
    rule = (settled["segment"] == "Wholesale") & (settled["amount"] >= BASE_TRUTH.discount_minimum)
    offered = settled["discount_rate"].notna()
    assert (offered == (running & (rule | settled["friend"]))).all()
    cash = big["events"].merge(big["invoices"][["invoice_id", "issue_date"]], on="invoice_id")
    cash = cash[cash["kind"] == "discount"]
    late = (cash["date"] - cash["issue_date"]).dt.days > BASE_TRUTH.discount_days
    assert 0.02 < late.mean() < BASE_TRUTH.unearned_share + 0.02


def test_shares_of_other_papers(big: dict[str, pd.DataFrame]) -> None:
    invoices, events = big["invoices"], big["events"]
    cash = events[(events["kind"] == "payment") & (events["amount"] > 0)]
    assert cash["recorded_date"].notna().mean() == pytest.approx(BASE_TRUTH.late_booking_share, abs=0.004)
    lag = (cash["recorded_date"] - cash["date"]).dt.days.dropna()
    assert (lag.min(), lag.max()) == (1, 7)
    assert invoices["due_date"].isna().mean() == pytest.approx(BASE_TRUTH.no_due_share, abs=0.0008)
    disputed = invoices["dispute_opened"].notna()
    assert (invoices["dispute_closed"].notna() <= disputed).all()
    assert 0.015 < disputed.mean() < 0.05
    length = (invoices["dispute_closed"] - invoices["dispute_opened"]).dt.days
    assert 80 < length.max() <= BASE_TRUTH.dispute_days[1] + 4  # moved to the next open day
    assert events["invoice_id"].isna().mean() == pytest.approx(BASE_TRUTH.on_account_share, abs=0.0005)
    parts = cash.groupby("invoice_id").size()
    assert (parts > 1).mean() == pytest.approx(BASE_TRUTH.partial_share, abs=0.02)
    assert 0.015 < events["kind"].eq("credit_note").sum() / len(invoices) < 0.04


def test_disputes_and_distress_slow_payment(settled: pd.DataFrame) -> None:
    days = (settled["paid"] - settled["issue_date"]).dt.days
    assert days[settled["dispute_opened"].notna()].mean() > days[settled["dispute_opened"].isna()].mean() + 10
    window = settled["issue_date"].between(settled["distress_from"], settled["distress_to"])
    late = settled["paid"].isna() | (settled["paid"] > settled["due_date"])
    assert late[window].mean() > late[settled["distress_from"].isna()].mean() + 0.1


def test_sales_grow_and_have_seasons(settled: pd.DataFrame) -> None:
    month = settled["issue_date"].dt.month
    retail = settled["segment"] == "Retail"
    assert (month[retail] == 11).mean() > 1.4 * (month[retail] == 2).mean()
    by_year = settled.groupby(settled["issue_date"].dt.year).size()
    assert by_year[2025] > by_year[2023]
