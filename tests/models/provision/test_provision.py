"""A provision ties to the ledger to the cent, from gross to net, and knows nothing of the future."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.overlay.log import append_overlay
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.framework import Elections
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.open_book import share_out
from arrisk.models.provision.provision import make_provision
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.loss_book import loss_book
from tests.models.provision.bases import AS_OF, EXAMPLE_12, GivenRates, book_of

DATE = "2024-12-31"
MONEY = ["provision_before", "relief", "provision", "reimbursement"]


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2)


@pytest.fixture(scope="module")
def rich(book):
    """A basis with everything in it, on the largest customers of a day."""
    return provision_with_everything(book.as_of(DATE))


def provision_with_everything(snapshot):
    owed = snapshot.open_items.groupby("customer_id")["open_amount"].sum().sort_values()
    first, second = owed.index[-1], owed.index[-2]
    policy = Enhancement(
        "policy", "insurance", True, "in the terms of sale", share=0.9, limit=3_000.0, annual_first_loss=100.0
    )
    parent = Enhancement("parent", "guarantee", False, "a contract of its own", customer_id=second)
    judged = (Assessment(first, DATE, "B. Lee", "insolvent", "court file 7", rate=0.4),)
    return make_provision(snapshot, Basis(overlays=None, assessments=judged, enhancements=(policy, parent)))


def test_published_example_of_a_provision_matrix():
    """IFRS 9, Illustrative Example 12."""
    snapshot = book_of({"a": EXAMPLE_12["balances"]}).as_of(AS_OF)
    provision = make_provision(snapshot, Basis(overlays=GivenRates(EXAMPLE_12["rates"])))
    matrix = provision.matrix_table().frame
    assert tuple(matrix["gross_carrying_amount"][:-1]) == EXAMPLE_12["balances"]
    assert tuple(matrix["lifetime_expected_loss"][:-1]) == EXAMPLE_12["losses"]
    np.testing.assert_allclose(matrix["expected_loss_rate"][:-1], EXAMPLE_12["rates"], rtol=1e-12)
    assert matrix["lifetime_expected_loss"].iloc[-1] == provision.total.value == 580_000.0
    assert provision.overlay_steps["id"].tolist() == ["given"]


def test_the_parts_add_up_to_the_cent(rich):
    table, people = rich.table, rich.by_customer
    assert rich.total.value == round(table["provision"].sum(), 2) == round(people["provision"].sum(), 2)
    for column in MONEY:
        own = table["assessed_loss"].sum() if column == "provision_before" else 0.0
        assert people[column].sum() == pytest.approx(table[column].sum() + own, abs=0.001), column
    cents = (table[["gross", "assessed", "collected", "pooled"]] * 100).round().astype("int64")
    assert (cents["gross"] == cents["assessed"] + cents["collected"] + cents["pooled"]).all()
    net = table["provision_before"] - table["relief"] + table["assessed_loss"]
    np.testing.assert_allclose(table["provision"], net, atol=1e-9)
    assert rich.before.value - table["relief"].sum() == pytest.approx(rich.total.value, abs=0.001)
    owed = rich.rates.counts.today
    assert (rich.net_rates * owed).sum() == pytest.approx(rich.total.value, abs=0.05)


def test_what_is_owed_ties_to_the_open_balance_with_credits_apart():
    rows = [
        invoice("1", "2025-10-01", 100.10, "2025-10-31"),
        invoice("2", "2025-11-01", 50.05, "2025-12-01"),
        invoice("3", "2025-12-01", -30.01, "2025-12-31"),
        invoice("4", "2025-12-01", 9.99, None),
    ]
    events = [event("1", "2025-12-05", 120.0)]
    snapshot = ledger_of(rows, events).as_of(AS_OF)
    tie = make_provision(snapshot).tie.set_index("line")["amount"]
    assert tie["owed"] == 60.04
    assert tie["credits, not netted"] == -30.01
    assert tie["unapplied cash, not netted"] == -19.90
    assert tie["open balance of the ledger"] == snapshot.open_balance == 10.13


def test_judged_customers_leave_the_pool_and_are_not_counted_twice(book):
    snapshot = book.as_of(DATE)
    plain = make_provision(snapshot)
    name, owed = plain.by_customer.loc[plain.by_customer["exposure"].idxmax(), ["customer_id", "exposure"]]
    judged = Basis(assessments=(Assessment(name, DATE, "B. Lee", "insolvent", "court file", rate=0.4),))
    provision = make_provision(snapshot, judged)
    assert provision.table["assessed"].sum() == pytest.approx(owed)
    assert provision.table["pooled"].sum() == pytest.approx(plain.table["pooled"].sum() - owed)
    own = provision.by_customer.set_index("customer_id").loc[name]
    assert own["assessed"]
    assert own["provision"] == pytest.approx(0.4 * owed, abs=0.005)
    other = provision.by_customer.loc[~provision.by_customer["assessed"], "provision"].sum()
    assert provision.total.value == pytest.approx(other + own["provision"])
    np.testing.assert_array_equal(provision.table["rate"], plain.table["rate"])
    assert provision.total.low >= own["provision"]


def test_the_past_of_judged_customers_may_leave_the_rates(book):
    snapshot = book.as_of(DATE)
    items = snapshot.items
    lost = set(items.loc[items["close_kind"] == "written_off", "customer_id"])
    owing = set(snapshot.open_items["customer_id"])
    name = sorted(owing - lost)[0]
    judged = (Assessment(name, DATE, "B. Lee", "late", "file", amount=0.0),)
    stays = make_provision(snapshot, Basis(assessments=judged))
    leaves = make_provision(snapshot, Basis(assessments=judged, assessed_history="leaves"))
    assert (leaves.table["rate"] >= stays.table["rate"]).all()  # it always paid
    assert leaves.table["rate"].iloc[0] > stays.table["rate"].iloc[0]
    assert leaves.conventions["left out"].startswith("the past of 1 customers")
    assert leaves.table["gross"].tolist() == stays.table["gross"].tolist()


def test_gross_and_net_are_both_shown(rich):
    told = rich.enhancements_table()
    assert "before enhancements" in told.title
    assert "after" in told.title
    assert rich.before.value > rich.total.value > 0
    assert told.frame["reason"].tolist() == ["in the terms of sale", "a contract of its own"]
    shown = rich.to_table().frame
    assert {"provision_before", "relief", "provision", "reimbursement"} <= set(shown.columns)


def test_an_integral_share_lowers_the_loss_and_a_separate_one_does_not():
    snapshot = book_of({"a": (1000.0, 0, 0, 0, 0), "b": (500.0, 0, 0, 0, 0)}).as_of(AS_OF)
    rates = GivenRates((0.1, 0.2, 0.3, 0.4, 0.5))

    def provide(integral):
        one = Enhancement("g", "guarantee", integral, "as signed", customer_id="a", share=0.8)
        return make_provision(snapshot, Basis(overlays=rates, enhancements=(one,)))

    within, apart = provide(True), provide(False)
    assert (within.before.value, within.total.value, within.reimbursement.value) == (150.0, 70.0, 0.0)
    assert (apart.before.value, apart.total.value, apart.reimbursement.value) == (150.0, 150.0, 80.0)
    assert (apart.by_customer["reimbursement"] <= apart.by_customer["provision"]).all()


def test_what_secures_a_judged_customer_belongs_into_its_assessment():
    snapshot = book_of({"a": (1000.0, 0, 0, 0, 0)}).as_of(AS_OF)
    judged = (Assessment("a", AS_OF, "B. Lee", "insolvent", "file", rate=0.5),)
    named = Enhancement("parent", "guarantee", True, "as signed", customer_id="a")
    with pytest.raises(ModelError, match="judged by itself"):
        make_provision(snapshot, Basis(assessments=judged, enhancements=(named,)))
    for_all = Enhancement("policy", "insurance", True, "as signed")
    provision = make_provision(snapshot, Basis(assessments=judged, enhancements=(for_all,)))
    assert (provision.total.value, provision.table["secured"].sum()) == (500.0, 0.0)


def test_an_asset_is_recognised_only_when_virtually_certain():
    snapshot = book_of({"a": (1000.0, 0, 0, 0, 0), "b": (500.0, 0, 0, 0, 0)}).as_of(AS_OF)
    parts = (
        Enhancement("a", "insurance", False, "own contract", customer_id="a"),
        Enhancement("b", "insurance", False, "own contract", customer_id="b", virtually_certain=True),
    )
    provision = make_provision(snapshot, Basis(overlays=GivenRates((0.1,) * 5), enhancements=parts))
    assert (provision.total.value, provision.reimbursement.value) == (150.0, 150.0)
    assert provision.recognised.value == 50.0
    assert "50 of it virtually certain" in provision.enhancements_table().note


@pytest.mark.parametrize(
    "choices", [{"by": "segment", "min_losers": 2}, {"conventions": {"unit": "customer"}}]
)
def test_the_sample_ties_and_is_shared_out(sample_study, choices):
    snapshot = sample_study.snapshot()
    provision = make_provision(snapshot, Basis(**choices))
    lines = provision.tie.set_index("line")["amount"]
    assert round(lines["owed"] + lines["credits, not netted"] + lines["unapplied cash, not netted"], 2) == (
        snapshot.open_balance
    )
    assert lines["unapplied cash, not netted"] < 0
    assert provision.total.low < provision.total.value < provision.total.high
    assert round(provision.by_customer["provision"].sum(), 2) == provision.total.value


def test_without_losses_there_is_a_bound_and_the_known_part():
    snapshot = loss_book(lost_share=0.0, customers=30, invoices=1500).as_of(DATE)
    plain = make_provision(snapshot)
    assert plain.total.value is None
    assert plain.total.low == 0
    assert plain.table["ci_high"].iloc[0] == pytest.approx(0.095034, abs=5e-7)  # 0 of 30 customers
    assert plain.total.high == pytest.approx((plain.table["ci_high"] * plain.table["gross"]).sum())
    assert plain.by_customer["provision"].isna().all()
    assert "at most" in plain.finding()
    name, owed = plain.by_customer.loc[0, ["customer_id", "exposure"]]
    judged = Basis(assessments=(Assessment(name, DATE, "B. Lee", "dispute", "letter", rate=0.5),))
    provision = make_provision(snapshot, judged)
    half = round(0.5 * owed, 2)
    assert provision.total.value is None
    assert provision.total.low == pytest.approx(half, abs=0.006)
    assert provision.by_customer.set_index("customer_id").loc[name, "provision"] == pytest.approx(
        half, abs=0.006
    )
    rest = provision.table["ci_high"] * provision.table["pooled"]
    assert provision.total.high == pytest.approx(half + rest.sum(), abs=0.006)
    assert provision.matrix_table().frame["lifetime_expected_loss"].isna().any()


def test_nothing_later_than_the_day_changes_a_number(book):
    early = pd.Timestamp("2024-03-31")
    whole = make_provision(book.as_of(early))
    again = make_provision(book.as_of(DATE).as_of(early))
    pd.testing.assert_frame_equal(whole.table, again.table)
    snapshot = book.as_of(early)
    keep = ["invoice_id", "customer_id", "issue_date", "due_date", "amount"]
    invoices = snapshot.items[keep].to_dict("records")
    events = snapshot.events[["invoice_id", "date", "kind", "amount"]].to_dict("records")
    cut = make_provision(ledger_of(invoices, events).as_of(early))
    pd.testing.assert_frame_equal(cut.table, whole.table)
    pd.testing.assert_frame_equal(cut.by_customer, whole.by_customer)


def test_overlays_of_a_log_stand_between_history_and_provision(book, tmp_path):
    snapshot = book.as_of(DATE)
    plain = make_provision(snapshot)
    log = append_overlay(
        tmp_path / "log", plain.historical, 1.1, id="downturn", who="B. Lee", why="orders fall",
        evidence="minutes 4", made_on=DATE, expires_on="2025-01-31",
    )  # fmt: skip
    provision = make_provision(snapshot, Basis(overlays=log))
    np.testing.assert_allclose(provision.table["rate"], np.minimum(1.1 * plain.table["rate"], 1.0))
    np.testing.assert_array_equal(provision.table["historical_rate"], plain.table["rate"])
    assert provision.total.value == pytest.approx(1.1 * plain.total.value, abs=0.05)
    assert provision.overlay_steps["id"].tolist() == ["downturn"]
    assert "downturn" in " ".join(provision.conventions)
    with pytest.raises(ModelError, match="expired"):
        make_provision(loss_book(lost_share=0.25).as_of("2025-02-28"), Basis(overlays=log))


@pytest.mark.slow
@given(tables=ledgers(), day=as_of_dates)
@settings(max_examples=20)
def test_any_ledger_ties_and_is_shared_out_to_the_cent(tables, day):
    snapshot = ledger_of(**tables).as_of(day)
    provision = make_provision(snapshot, Basis(overlays=GivenRates((0.1, 0.2, 0.3, 0.4, 0.5))))
    assert provision.table["gross"].sum() == pytest.approx(
        provision.tie.set_index("line").loc["owed", "amount"]
    )
    assert provision.tie["amount"].iloc[-1] == snapshot.open_balance
    assert round(provision.by_customer["provision"].sum(), 2) == provision.total.value
    assert (provision.by_customer["provision"] <= provision.by_customer["exposure"]).all()


ELECTED = Elections(entity="other", constant_conditions=True, subsequent_collections=True)


@pytest.fixture(scope="module")
def paid_later():
    owed = {"a": (1000.0, 0, 400.0, 0, 0), "b": (500.0, 0, 0, 0, 0)}
    more = [
        event("a not due", "2026-01-10", 300.0),
        event("a 31-60", "2026-01-12", 200.0),
        event("b not due", "2026-03-01", 500.0),
    ]
    ledger = book_of(owed, more)
    return ledger.as_of(AS_OF), ledger.as_of("2026-01-31")


def test_later_cash_counts_only_when_elected_under_a_framework(paid_later):
    now, later = paid_later
    with pytest.raises(LookAheadError, match="2026-01-31"):
        make_provision(now, Basis(), later)
    with pytest.raises(LookAheadError):
        make_provision(now, Basis(elections=ELECTED), later)
    with pytest.raises(ModelError, match="later snapshot"):
        make_provision(now, Basis(framework="ASC 326", elections=ELECTED))
    with pytest.raises(ModelError, match="after 2025-12-31"):
        make_provision(now, Basis(framework="ASC 326", elections=ELECTED), now)


def test_later_cash_leaves_the_pool_from_the_bucket_of_its_item(paid_later):
    now, later = paid_later
    provision = make_provision(now, Basis(framework="ASC 326", elections=ELECTED), later)
    table = provision.table.set_index("bucket")
    assert table["collected"].to_dict() == {
        "not due": 300.0, "1-30": 0.0, "31-60": 200.0, "61-90": 0.0, "over 90": 0.0,
    }  # fmt: skip
    assert table["pooled"].sum() == 1400.0
    assert provision.conventions["later collections counted"].startswith("yes, by 2026-01-31")


def test_every_choice_is_printed_and_texts_are_escaped():
    ledger = book_of({"<b>": (100.0, 0, 0, 0, 0)})
    bad = Assessment("<b>", AS_OF, "<i>", "why", "file", amount=50.0)
    provision = make_provision(ledger.as_of(AS_OF), Basis(assessments=(bad,)))
    table = provision.assessed_table()
    assert "<i>" not in table._repr_mimebundle_()["text/html"]
    words = provision.conventions_table().frame.set_index("choice")["as done here"]
    assert words["framework"] == "management figure: no accounting framework is claimed"
    for choice in ("their past", "enhancements", "time value", "window", "credibility"):
        assert words[choice]
    assert "management figure" in provision._repr_html_()


def test_picture_states_the_finding(rich):
    ax = rich.plot()
    assert ax.get_title().replace("\n", " ") == rich.finding()
    assert "EUR" in ax.get_ylabel()


def test_an_empty_name_of_history_is_an_error():
    with pytest.raises(ModelError, match="assessed_history"):
        Basis(assessed_history="goes")
    with pytest.raises(ModelError, match="level"):
        Basis(level=1.0)


@given(
    total=st.integers(0, 10**12),
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any),
)
@settings(max_examples=50)
def test_shares_add_up_and_are_within_a_unit(total, weights):
    shares = share_out(total, np.array(weights))
    exact = [total * w / sum(weights) for w in weights]
    assert int(shares.sum()) == total
    assert all(abs(s - e) < 1.001 for s, e in zip(shares, exact, strict=True))
    assert all(s == 0 for s, w in zip(shares, weights, strict=True) if w == 0)


def test_nothing_cannot_be_shared_out_by_nothing():
    assert share_out(0, np.zeros(2)).tolist() == [0, 0]
    with pytest.raises(ModelError):
        share_out(5, np.zeros(2))
