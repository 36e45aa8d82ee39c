"""What the running discount earned: designs that the rules allow, the money, and nothing claimed without."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.sample.generator import BASE_TRUTH
from arrisk.models.effects.assignment import find_offer_rules
from arrisk.policy.discount.designs import (
    BOTH,
    DIFFERENCES,
    ORDER,
    THRESHOLD,
    compare_takers,
    design_rows,
    read_design,
    read_sales_effect,
)
from arrisk.policy.discount.verdict import evaluate_running_scheme
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.discount.offers import END, offered, snapshot_of, tables


@pytest.fixture(scope="module")
def verdict():
    return evaluate_running_scheme(snapshot_of())


def test_every_design_is_read_in_the_fixed_order_and_the_first_answers(verdict):
    found = [r.design for r in verdict.readings if r.outcome == "value"]
    assert tuple(found) == ORDER
    assert verdict.primary().design == DIFFERENCES
    assert verdict.primary("days").outcome == "days"


def test_money_is_the_effect_times_what_the_rule_offers(verdict):
    items = snapshot_of().items
    offers = items[items["discount_rate"].notna() & (items["issue_date"] > END - pd.Timedelta(days=365))]
    people = snapshot_of().customers.set_index("customer_id")["segment"]
    net = (offers["amount"] - offers["credited_amount"]).groupby(offers["customer_id"].map(people)).sum()
    yearly = verdict.yearly.set_index("group")
    assert yearly["sales"].to_dict() == pytest.approx(net.to_dict())
    assert yearly["how"].to_dict() == {"Manufacturing": "by hand", "Wholesale": "by rule"}
    assert verdict.earned.value == pytest.approx(verdict.primary().estimate / 100 * net["Wholesale"])


def test_what_was_given_by_hand_is_only_bounded(verdict):
    hand = verdict.yearly.set_index("group").loc["Manufacturing"]
    assert np.isnan(verdict.by_hand.value)
    assert verdict.by_hand.low == pytest.approx(-hand["discount"])
    at_best = hand["taken"] * (1 - 1.08 ** (-120 / 365)) - hand["discount"]
    assert verdict.by_hand.high == pytest.approx(at_best)
    assert not verdict.rows.loc[verdict.rows["picked"], "comparable"].any()


def test_the_rate_that_would_have_paid_leaves_nothing_over(verdict):
    """Had the discount been so low, and taken as often, the effect on value would have been zero."""
    rows = verdict.rows[verdict.rows["ruled"] & verdict.rows["comparable"]]
    lost = (rows["discount"] * 1.08 ** (-rows["days"] / 365)).sum() / rows["amount"].sum()
    at = verdict.primary().estimate + 100 * lost * (1 - verdict.paying_rate.value / 0.02)
    assert verdict.paying_rate.value == 0 or at == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_at_the_cost_of_capital_that_breaks_even_nothing_is_earned():
    verdict = evaluate_running_scheme(snapshot_of(tables(12_000, 20251231)))
    again = evaluate_running_scheme(
        snapshot_of(tables(12_000, 20251231)), cost_of_capital=verdict.breaking_even
    )
    assert abs(again.primary().estimate) < 0.03 * abs(verdict.primary().estimate)


def test_what_the_money_cost_for_the_days_really_gained(verdict):
    share, days = verdict.given["share"], -verdict.primary("days").estimate
    if days > 0:
        assert verdict.annual_cost.value == pytest.approx(share / (1 - share) * 365 / days)
    assert verdict.annual_cost.low <= verdict.annual_cost.value <= verdict.annual_cost.high


@pytest.mark.slow
def test_nothing_booked_after_the_day_changes_a_number():
    day = pd.Timestamp("2025-08-31")
    full = evaluate_running_scheme(snapshot_of(date=day))
    frames = dict(tables())
    events = frames["events"]
    known = events[["date", "recorded_date"]].max(axis=1) <= day
    cut = frames | {
        "invoices": frames["invoices"][frames["invoices"]["issue_date"] <= day],
        "events": events[known],
        "orders": frames["orders"][frames["orders"]["order_date"] <= day],
    }
    alone = evaluate_running_scheme(snapshot_of(cut, day))
    for a, b in zip(full.readings, alone.readings, strict=True):
        assert (a.effect is None) == (b.effect is None)
        if a.effect is not None:
            assert a.effect.estimate == b.effect.estimate
            assert a.effect.ci_low == b.effect.ci_low
    pd.testing.assert_frame_equal(full.to_table().frame, alone.to_table().frame)
    pd.testing.assert_frame_equal(full.money_table().frame, alone.money_table().frame)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (lambda i, _: np.random.default_rng(1).random(len(i)) < 0.3, "follows a rule"),
        (lambda i, _: i["customer_id"].isin(sorted(i["customer_id"].unique())[:5]), "picked by hand"),
        (lambda i, _: i["amount"] > 0, "from the first day"),
    ],
    ids=["noise", "friends", "always"],
)
def test_without_a_rule_nothing_is_identified(mask, reason):
    found = evaluate_running_scheme(offered(mask))
    assert found.primary() is None
    assert not found.identified
    assert found.earned is None
    assert reason in found.finding()
    assert "not possible" in " ".join(found.to_table().frame["checks"])


def test_a_ledger_without_discounts_claims_nothing():
    found = evaluate_running_scheme(offered(lambda i, _: i["amount"] < 0))
    assert not found.rules.exists
    assert "No discount was offered" in found.finding()
    assert found.earned is found.annual_cost is found.paying_rate is found.by_hand is None
    assert len(found.to_table().frame) == 1
    ax = found.plot()
    assert not ax.axison
    ax.figure.clear()


def test_the_naive_comparison_is_grey_and_labelled(verdict):
    table = verdict.to_table().frame
    naive = table[table["design"].str.contains("takers against others")]
    assert len(naive) == 3
    assert naive["design"].str.contains("descriptive only").all()
    ax = verdict.plot()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert "descriptive only" in labels[-1]
    assert ax.collections[-1].get_colors().tolist()[0][:3] == [0.6, 0.6, 0.6]
    ax.figure.clear()


def test_names_from_a_ledger_are_escaped(verdict):
    yearly = verdict.yearly.assign(group="<i>W</i>")
    shown = replace(verdict, yearly=yearly).money_table()
    assert "&lt;i&gt;W" in shown._repr_mimebundle_()["text/html"]
    assert "<i>W" not in shown._repr_mimebundle_()["text/html"]


def test_an_offer_that_begins_within_a_month_leaves_that_month_out():
    truth = replace(BASE_TRUTH, discount_from=pd.Timestamp("2024-04-16").date())
    snapshot = snapshot_of(tables(3000, 7, truth))
    rules = find_offer_rules(snapshot)
    rows = design_rows(snapshot, rules, horizon=120, cost_of_capital=0.08)
    reach = rows[rows["in_reach"]]
    april, may = 12 * 2024 + 3, 12 * 2024 + 4
    assert (reach["first"] == may).all()
    assert not (reach["month"] == april).any()
    assert (rows.loc[~rows["in_reach"], "month"] == april).any()
    assert (reach["ruled"] == (reach["month"] >= may)).all()


def test_takers_against_others_by_hand():
    snapshot = snapshot_of()
    rows = design_rows(snapshot, find_offer_rules(snapshot), horizon=120, cost_of_capital=0.08)
    offers = rows[rows["offered"]]
    means = [np.average(g["days"], weights=g["amount"]) for _, g in offers.groupby("taken")]
    found = compare_takers(rows, "days", 0.95)
    assert found["estimate"] == pytest.approx(means[1] - means[0])
    assert found["ci_low"] < found["estimate"] < found["ci_high"]


def test_extra_sales_of_those_offered_are_found():
    """Customers of one group buy a fifth more from the day of the offer on; seasons are the same for all."""
    rows = []
    months = pd.date_range("2023-01-01", "2025-12-01", freq="MS")
    rng = np.random.default_rng(1)
    for k in range(40):
        group = "T" if k % 2 else "C"
        for m in months:
            season = 3.0 if m.month == 12 else 1.0
            on = group == "T" and m >= pd.Timestamp("2025-01-01")
            amount = round(1000 * season * (1.2 if on else 1.0) * rng.uniform(0.9, 1.1), 2)
            offer = {"discount_rate": 0.02, "discount_days": 10} if on else {}
            rows.append(invoice(f"{k}-{m:%y%m}", f"{m:%Y-%m-%d}", amount, customer_id=f"{group}{k}", **offer))
    people = [
        {"customer_id": f"{'T' if k % 2 else 'C'}{k}", "segment": "T" if k % 2 else "C"} for k in range(40)
    ]
    snapshot = ledger_of(rows, customers=people).as_of("2026-01-05")
    effect = read_sales_effect(snapshot, find_offer_rules(snapshot), 0.95).effect
    assert effect.estimate == pytest.approx(20, abs=2.5)
    assert effect.ci_low < 20 < effect.ci_high


@pytest.mark.parametrize("design", [BOTH, THRESHOLD])
def test_invoices_lifted_over_the_smallest_amount_refute_the_threshold(design, sample_study):
    """Two in three invoices from 3,500 to 5,000 billed as far above 5,000 since the offer began."""
    snapshot = sample_study.snapshot()
    rules = find_offer_rules(snapshot)
    honest = design_rows(snapshot, rules, horizon=120, cost_of_capital=0.08)
    rule = rules.ruled.iloc[0]
    near = (honest["group"] == rule["group"]) & (honest["issue_date"] >= rule["start"])
    near &= (honest["billed"] > 0.7 * rule["threshold"]) & (honest["billed"] < rule["threshold"])
    near &= np.arange(len(honest)) % 3 > 0
    lifted = 2 * rule["threshold"] - honest["billed"]
    bent = honest.assign(billed=honest["billed"].mask(near, lifted), offered=honest["offered"] | near)
    name = "amounts do not bunch at the threshold"
    before, after = (
        read_design(design, rows, rules, "days", 0.95).effect.checks.set_index("check")
        for rows in (honest, bent)
    )
    assert before.loc[name, "passed"]
    assert not after.loc[name, "passed"]


def test_groups_whose_offers_begin_at_different_times():
    """Everyone offered pays 8 days earlier at 2%; the second group, half a year later, shows it as well."""
    starts = {"A": pd.Timestamp("2024-07-01"), "B": pd.Timestamp("2025-01-01"), "C": pd.Timestamp.max}
    rng = np.random.default_rng(1)
    rows, paid = [], []
    for k, m in ((k, m) for k in range(45) for m in pd.date_range("2023-07-01", "2025-06-01", freq="MS")):
        group = "ABC"[k % 3]
        on = m >= starts[group]
        name, amount = f"{k}-{m:%y%m}", round(rng.uniform(900, 1100), 2)
        day = m + pd.Timedelta(days=30 + k % 7 + int(rng.integers(-3, 4)) - 8 * on)
        offer = {"discount_rate": 0.02, "discount_days": 30} if on else {}
        rows.append(invoice(name, f"{m:%Y-%m-%d}", amount, customer_id=f"{group}{k}", **offer))
        paid.append(event(name, f"{day:%Y-%m-%d}", amount))
    people = [{"customer_id": f"{'ABC'[k % 3]}{k}", "segment": "ABC"[k % 3]} for k in range(45)]
    snapshot = ledger_of(rows, paid, customers=people).as_of("2025-12-31")
    found = evaluate_running_scheme(snapshot)
    assert found.rules.ruled.set_index("group")["start"].to_dict() == {g: starts[g] for g in "AB"}
    effect = found.primary("days")
    assert effect.design == DIFFERENCES
    assert effect.estimate == pytest.approx(-8, abs=0.5)
    assert effect.ci_low < -8 < effect.ci_high


# ---- The truth ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_design_holds_the_truth_and_the_naive_comparison_does_not():
    """Ledgers drawn with and without the discount from one seed: what it did to each invoice is known."""
    never = replace(BASE_TRUTH, discount_from=pd.Timestamp("2099-01-01").date())
    settings = {"horizon": 120, "cost_of_capital": 0.08}
    covers = {"days": [], "value": []}
    naive = {"days": [], "value": []}
    misses = []
    for seed in range(301, 307):
        snapshot = snapshot_of(tables(4000, seed))
        rules = find_offer_rules(snapshot)
        rows = design_rows(snapshot, rules, **settings)
        without = snapshot_of(tables(4000, seed, never))
        other = design_rows(without, find_offer_rules(without), **settings).set_index("invoice_id")
        for outcome in covers:
            otherwise = rows["invoice_id"].map(other[outcome])  # none where it would have been credited
            effect = np.where(rows["taken"] & otherwise.notna(), rows[outcome] - otherwise, 0.0)
            ruled, taken = ((rows["ruled"] & rows["comparable"]).to_numpy(), rows["taken"].to_numpy())
            truth, on_takers = (
                np.average(effect[kept], weights=rows["amount"][kept]) for kept in (ruled, taken)
            )
            found = read_design(DIFFERENCES, rows, rules, outcome, 0.95).effect
            covers[outcome].append(found.ci_low <= truth <= found.ci_high)
            if outcome == "value":
                misses.append((found.estimate - truth) / found.se)
            plain = compare_takers(rows, outcome, 0.95)
            naive[outcome].append(plain["ci_low"] <= on_takers <= plain["ci_high"])
    assert min(sum(hits) for hits in covers.values()) >= 5
    assert abs(np.mean(misses)) < 1.3
    assert sum(naive["days"]) + sum(naive["value"]) <= 4  # of 12; ledgers this small have wide intervals
