from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.scoring.blending import blend, over_horizon
from arrisk.models.scoring.expert import ExpertCard
from arrisk.models.scoring.newcomers import history_months, score_new_customers
from tests.ledger.frames import event, invoice, ledger_of

CARD = ExpertCard.read("2025-12-31")
FEATURES = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "months_customer": [2.0, 5.0, 40.0, 3.0],
        "industry": ["Food", None, "Food", "Food"],
    }
)
BEHAVIOUR = pd.DataFrame(
    {"customer_id": ["b", "a", "c", "d"], "pd": [0.3, 0.02, 0.01, 1.0], "pd_low": [0.1, 0.01, 0.005, 1.0],
     "pd_high": [0.6, 0.04, 0.02, 1.0], "in_default": [False, False, False, True],
     "reason": ["60 days late", "nothing worse", "nothing worse", "in default now: overdue"]}
)  # fmt: skip
REGISTRY = pd.DataFrame(
    {"customer_id": ["z", "b"], "debt_ratio": [0.95, 0.2], "industry": ["Construction", "Construction"]}
)


def scored(**changed):
    return score_new_customers(
        **{
            "features": FEATURES,
            "card": CARD,
            "behaviour": BEHAVIOUR,
            "horizon_days": 180,
            "registry": REGISTRY,
        }
        | changed
    )


def test_each_customer_is_blended_by_its_history():
    got = scored().table.set_index("customer_id")
    joined = FEATURES.merge(REGISTRY, on="customer_id", how="outer", suffixes=("_x", ""))
    joined["industry"] = joined["industry"].fillna(joined["industry_x"])
    expert = over_horizon(CARD.score(joined)["pd"], 365, 180)
    assert got["expert_pd"].tolist() == pytest.approx(expert.tolist())
    live = got.drop(index="d")
    want = blend(live["expert_pd"], live["behaviour_pd"], live["history"], 12.0)
    assert live["pd"].tolist() == want.tolist()
    assert live["weight"].tolist() == pytest.approx([2 / 14, 5 / 17, 40 / 52, 0.0])
    assert (got["pd_low"] <= got["pd"]).all()
    assert (got["pd"] <= got["pd_high"]).all()


def test_a_customer_without_invoices_stands_on_the_experts_alone():
    row = scored().table.set_index("customer_id").loc["z"]
    assert row["history"] == 0
    assert row["pd"] == row["expert_pd"]
    assert row["reason"] == "liabilities are 95% of assets (-14 points); industry: Construction (-10 points)"


def test_a_customer_in_default_is_in_default():
    result = scored()
    row = result.table.set_index("customer_id").loc["d"]
    assert (row["pd"], row["pd_low"], row["pd_high"], row["grade"]) == (1.0, 1.0, 1.0, "D")
    assert "in default now" in row["reason"]
    assert result.newcomers["customer_id"].tolist() == ["z", "b", "a"]


def test_both_voices_are_heard():
    reasons = scored().table.set_index("customer_id")["reason"]
    assert reasons["b"] == "industry: Construction (-10 points); behaviour: 60 days late"


def test_without_behaviour_the_experts_stand():
    alone = scored(behaviour=None)
    assert alone.table["pd"].tolist() == alone.table["expert_pd"].tolist()
    assert (alone.table["weight"] == 0).all()
    assert "on expert points alone" in alone.finding()
    unfitted = scored(behaviour=BEHAVIOUR.assign(pd=np.nan, pd_low=0.0, pd_high=0.1, in_default=False))
    assert unfitted.table["pd"].tolist() == alone.table["pd"].tolist()
    assert unfitted.table["pd_high"].tolist() == pytest.approx(alone.table["pd_high"].tolist())


def test_history_may_be_given_in_another_unit():
    got = scored(history=pd.Series({"a": 30.0, "c": 10.0}), k=30.0, unit="settled invoices", new=20.0)
    assert got.table.set_index("customer_id")["weight"].to_dict() == pytest.approx(
        {"a": 0.5, "b": 0.0, "c": 0.25, "d": 0.0, "z": 0.0}
    )
    assert "less than 20 settled invoices" in got.finding()
    with pytest.raises(ModelError, match="no history"):
        scored(features=FEATURES.drop(columns="months_customer"))


def test_customers_twice_are_errors_and_frames_are_left_alone():
    kept = [f.copy() for f in (FEATURES, BEHAVIOUR, REGISTRY)]
    scored()
    for frame, before in zip((FEATURES, BEHAVIOUR, REGISTRY), kept, strict=True):
        pd.testing.assert_frame_equal(frame, before)
    for name, frame in [("features", FEATURES), ("registry", REGISTRY), ("behaviour", BEHAVIOUR)]:
        with pytest.raises(ModelError, match="twice"):
            scored(**{name: pd.concat([frame, frame])})
    with pytest.raises(ModelError, match="customer_id"):
        scored(registry=REGISTRY.drop(columns="customer_id"))


def test_the_table_and_the_picture_say_whose_word_it_is():
    result = scored(as_of=pd.Timestamp("2025-12-31"))
    table = result.to_table()
    assert "judgement" in table.note
    assert "plus 12 months" in table.note
    assert table.frame["pd"].is_monotonic_decreasing
    assert "3 customers have less than 6 months of history" in result.plot().get_title()
    nobody = scored(new=0.0)
    assert nobody.to_table().frame["customer_id"].tolist() == ["z", "a", "b", "c"]
    assert "No customer" in nobody.plot().get_title()
    assert "<i>" not in scored(behaviour=BEHAVIOUR.assign(reason="<i>"))._repr_html_()


def test_history_begins_with_the_first_invoice_of_the_ledger():
    rows = [("1", "a", "2025-01-01"), ("2", "a", "2025-06-01"), ("3", "b", "2025-06-01")]
    bills = [invoice(n, issued, 10.0, "2025-07-01", customer_id=who) for n, who, issued in rows]
    book = ledger_of(bills, [event("1", "2025-02-01", 10.0)]).as_of("2025-07-01")
    got = history_months(book)
    assert got.to_dict() == pytest.approx({"a": 181 / (365.25 / 12), "b": 30 / (365.25 / 12)})
