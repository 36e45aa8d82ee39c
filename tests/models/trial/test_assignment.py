import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.trial.assignment import assign_trial, read_assignment
from arrisk.models.trial.strata import count_treated, find_units, make_strata


def _units(count=60, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "segment": rng.choice(["Retail", "Trade", "Public"], count),
            "amount": rng.lognormal(8, 1, count),
            "days": rng.normal(35, 8, count),
        },
        index=[f"C{k:03d}" for k in range(count)],
    )
    return frame.assign(stratum=make_strata(frame))


def _own(units):
    return pd.Series(units.index, index=units.index)


def test_the_same_seed_gives_the_same_arms_in_whatever_order_the_customers_come():
    units = _units()
    one = assign_trial(units, _own(units), seed=7)
    shuffled = units.sample(frac=1, random_state=3)
    two = assign_trial(shuffled, _own(shuffled), seed=7)
    assert one.table.equals(two.table)
    assert one.digest == two.digest
    assert assign_trial(units, _own(units), seed=8).digest != one.digest


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1])
def test_every_stratum_has_its_share(share):
    units = _units(200)
    arms = assign_trial(units, _own(units), share=share, seed=1).units
    by = arms.groupby("stratum")["treated"].agg(["sum", "count"])
    assert ((by["sum"] - share * by["count"]).abs() < 1).all()
    assert arms["treated"].sum() == round(share * 200)


def test_strata_make_the_arms_more_alike_than_a_plain_draw():
    units = _units(80)
    one = units.assign(stratum="all")
    apart = {
        name: np.mean(
            [
                assign_trial(frame, _own(frame), seed=s)
                .balance.set_index("measure")
                .loc["days", "difference"]
                ** 2
                for s in range(25)
            ]
        )
        for name, frame in (("blocked", units), ("plain", one))
    }
    assert apart["blocked"] < 0.7 * apart["plain"]


def test_balance_is_the_standardised_difference_by_hand():
    units = _units(40)
    drawn = assign_trial(units, _own(units), seed=2)
    arm = drawn.units["treated"].reindex(units.index)
    one, two = units.loc[arm, "days"], units.loc[~arm, "days"]
    by_hand = (one.mean() - two.mean()) / np.sqrt((one.var(ddof=0) + two.var(ddof=0)) / 2)
    row = drawn.balance.set_index("measure").loc["days"]
    assert row["difference"] == pytest.approx(by_hand)
    assert "segment Retail" in set(drawn.balance["measure"])


def test_related_customers_stay_together():
    people = pd.DataFrame(
        {
            "customer_id": [f"C{k}" for k in range(30)],
            "group_id": [f"G{k // 3}" if k < 15 else None for k in range(30)],
        }
    )
    members = find_units(people)
    units = pd.DataFrame({"stratum": "all"}, index=sorted(members.unique()))
    table = assign_trial(units, members, seed=1).table
    assert (len(table), table["unit"].nunique()) == (30, 20)
    assert len(table.drop_duplicates(["unit", "arm"])) == 20


def test_a_file_comes_back_and_a_changed_one_is_refused(tmp_path):
    ids = ["=cmd()", "'quoted", "-1", "plain", "a,b", 'say "x"', "line\nbreak", "@x"]
    units = pd.DataFrame({"stratum": "=s"}, index=ids)
    drawn = assign_trial(units, _own(units), seed=3)
    path = drawn.write(tmp_path / "arms.csv")
    text = path.read_text(encoding="utf-8")
    assert "\n=cmd" not in text
    assert "'=cmd()" in text
    back = read_assignment(path, drawn.digest)
    assert back.table.equals(drawn.table)
    arm = drawn.table.set_index("customer_id").loc["plain", "arm"]
    other = "control" if arm == "treated" else "treated"
    path.write_text(text.replace(f"plain,plain,'=s,{arm}", f"plain,plain,'=s,{other}"), encoding="utf-8")
    with pytest.raises(ModelError, match="not the assignment on record"):
        read_assignment(path, drawn.digest)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ModelError, match="is no assignment"):
        read_assignment(path, drawn.digest)
    assert [p.name for p in tmp_path.iterdir()] == ["arms.csv"]


def test_small_segments_join_and_strata_are_large_enough():
    frame = _units(50).drop(columns="stratum")
    frame.loc[frame.index[:2], "segment"] = "Tiny"
    strata = make_strata(frame)
    assert strata.value_counts().min() >= 6
    assert not strata.str.startswith("Tiny").any()


def test_an_empty_arm_is_refused():
    units = _units(8)
    with pytest.raises(ModelError, match="an arm is empty"):
        assign_trial(units, _own(units), share=0.01)
    with pytest.raises(ValueError, match=r"share = 1\.0"):
        assign_trial(units, _own(units), share=1.0)


def test_rounding_is_shared_out_at_random():
    sizes = np.array([3, 3, 3, 3])
    drawn = np.array([count_treated(sizes, 0.5, np.random.default_rng(s)) for s in range(400)])
    assert (drawn.sum(axis=1) == 6).all()
    assert drawn.mean(axis=0) == pytest.approx(np.full(4, 1.5), abs=0.1)
