"""The sample ledger: same seed, same bytes; canonical tables that tie out to their control total."""

from __future__ import annotations

import csv
import dataclasses
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import Truth, make_sample, write_sample
from arrisk.ledger.sample.names import HARD_NAMES
from arrisk.ledger.sample.offers import OFFERS_FOLDER, SHEETS
from arrisk.ledger.tables import TABLES, required
from arrisk.policy.study import Study

END = pd.Timestamp("2025-12-31")
CSV_FILES = ("invoices.csv", "events.csv", "customers.csv", "orders.csv", "limits.csv", "signals.csv")
OFFERS = tuple(f"{OFFERS_FOLDER}/{name}.toml" for name in SHEETS)


@pytest.fixture(scope="module")
def sample() -> dict[str, pd.DataFrame]:
    return make_sample()


# ---- Same seed, same bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_same_seed_same_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, invoices=800, seed=5, format=kind)
    one, two = (sorted(f for f in (tmp_path / name).rglob("*") if f.is_file()) for name in ("one", "two"))
    assert [f.name for f in one] == [f.name for f in two]
    assert len(one) == 7 + len(SHEETS)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_other_seed_other_ledger() -> None:
    one, two = make_sample(invoices=300, seed=1), make_sample(invoices=300, seed=2)
    for name in ("invoices", "events", "customers", "orders", "limits", "signals"):
        assert not one[name].equals(two[name]), name


@pytest.mark.parametrize("name", [*CSV_FILES, "study.toml", *OFFERS])
def test_the_committed_sample_is_what_the_generator_writes(
    root: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "default_sample"
    if not folder.exists():
        write_sample(folder)
    assert (folder / name).read_bytes() == (root / "data" / "sample" / name).read_bytes()


def test_the_committed_sample_is_a_few_megabytes(root: Path) -> None:
    size = sum((root / "data" / "sample" / name).stat().st_size for name in CSV_FILES)
    assert 1_000_000 < size < 5_000_000


def test_the_data_card_counts_right(root: Path) -> None:
    folder = root / "data" / "sample"
    card = (folder / "README.md").read_text(encoding="utf-8")
    for name in CSV_FILES:
        with open(folder / name, encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.DictReader(file))
        assert f"| {name} | {rows:,} |" in card


def test_files_and_frames_say_the_same(tmp_path: Path) -> None:
    frames = make_sample(invoices=1_500, seed=3, customers=1_200)  # two blocks of customers
    write_sample(tmp_path / "c", invoices=1_500, seed=3, customers=1_200)
    write_sample(tmp_path / "p", invoices=1_500, seed=3, customers=1_200, format="parquet")
    for name, frame in frames.items():
        parquet = pd.read_parquet(tmp_path / "p" / f"{name}.parquet")
        pd.testing.assert_frame_equal(parquet, frame, check_dtype=False)
        text = pd.read_csv(tmp_path / "c" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert list(text.columns) == list(frame.columns)
        for column in frame:
            shown = text[column].iloc[: len(frame)]
            assert (shown != "").tolist() == frame[column].notna().tolist(), (name, column)
            if TABLES[name][column].kind == "money":
                assert shown[shown != ""].astype(float).tolist() == frame[column].dropna().tolist()
    assert frames["invoices"]["invoice_id"].is_unique
    assert frames["events"]["event_id"].is_unique
    assert frames["orders"]["order_id"].is_unique


def test_blocks_of_customers_do_not_disturb_each_other() -> None:
    """The economy and the seeds of the first block stay when there are more blocks."""
    few, many = (
        make_sample(invoices=600, seed=4, customers=600),
        make_sample(invoices=3_000, seed=4, customers=3_000),
    )
    macro = [t["signals"].query("signal == 'pmi'")["value"].tolist() for t in (few, many)]
    assert macro[0] == macro[1]


# ---- Form -----------------------------------------------------------------------------------------------


def test_tables_are_canonical(sample: dict[str, pd.DataFrame]) -> None:
    assert set(sample) == {"invoices", "events", "customers", "orders", "limits", "signals"}
    for name, frame in sample.items():
        assert set(frame.columns) <= set(TABLES[name]), name
        assert frame[list(required(name))].notna().all().all(), name
        for column, spec in TABLES[name].items():
            if spec.kind == "date" and column in frame:
                dates = frame[column].dropna()
                assert (dates == dates.dt.normalize()).all(), (name, column)


def test_size_and_keys(sample: dict[str, pd.DataFrame]) -> None:
    invoices = sample["invoices"]
    assert len(invoices) == 12_000
    assert len(sample["customers"]) == 200
    assert invoices["invoice_id"].is_unique
    assert sample["customers"]["customer_id"].is_unique
    assert sample["customers"]["name"].is_unique
    assert set(invoices["customer_id"]) <= set(sample["customers"]["customer_id"])
    named = sample["events"]["invoice_id"].dropna()
    assert set(named) <= set(invoices["invoice_id"])
    assert set(HARD_NAMES.values()) <= set(sample["customers"]["name"])


@pytest.mark.parametrize(
    ("invoices", "customers", "kind"),
    [(1, 1, "csv"), (20, None, "csv"), (50, 3, "csv"), (400, 900, "csv"), (400, None, "parquet")],
)
def test_any_size(tmp_path: Path, invoices: int, customers: int | None, kind: str) -> None:
    study = write_sample(tmp_path, invoices=invoices, seed=1, customers=customers, format=kind)  # type: ignore[arg-type]
    control = tomllib.loads(study.read_text())["ledger"]["control"][0]["balance"]
    ledger = read_ledger(tmp_path, columns="arrisk", currency="EUR")
    assert ledger.as_of(END).open_balance == pytest.approx(control, abs=0.004)
    assert len(ledger.as_of(END).items) == invoices
    assert len(ledger.quarantine) == (8 if kind == "csv" else 0)


def test_every_parameter_of_the_truth_is_explained() -> None:
    text = Truth.__doc__ or ""
    missing = [f.name for f in dataclasses.fields(Truth) if f"`{f.name}`" not in text]
    assert not missing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"invoices": 0}, "invoices=0"),
        ({"customers": 0}, "customers=0"),
        ({"seed": -1}, "seed=-1"),
        ({"format": "xlsx"}, "allowed: csv, parquet"),
    ],
)
def test_refuses_what_makes_no_sense(tmp_path: Path, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(LedgerError, match=re.escape(said)):
        write_sample(tmp_path / "x", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_never_overwrites_what_is_not_a_sample(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text("mine")
    with pytest.raises(LedgerError, match="not of a sample"):
        write_sample(tmp_path, invoices=50)
    assert (tmp_path / "invoices.csv").read_text() == "mine"
    assert [f.name for f in tmp_path.iterdir()] == ["invoices.csv"]


def test_replaces_an_earlier_sample_but_does_not_mix_formats(tmp_path: Path) -> None:
    write_sample(tmp_path, invoices=50, seed=1)
    (tmp_path / "notes.txt").write_text("mine")
    before = (tmp_path / "events.csv").read_bytes()
    write_sample(tmp_path, invoices=60, seed=2)
    assert (tmp_path / "events.csv").read_bytes() != before
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(LedgerError, match=r"invoices\.csv"):
        write_sample(tmp_path, invoices=60, seed=2, format="parquet")


# ---- Money ties out -------------------------------------------------------------------------------------


def test_control_total_is_the_sum_of_the_papers(root: Path) -> None:
    folder = root / "data" / "sample"

    def read(name: str) -> list[dict[str, str]]:
        with open(folder / name, encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if "-X" not in row[next(iter(row))]]

    invoices = {row["invoice_id"]: Decimal(row["amount"]) for row in read("invoices.csv")}
    owed = sum(invoices.values()) - sum(
        Decimal(e["amount"]) for e in read("events.csv") if e["kind"] != "recovery"
    )
    study = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    assert study["ledger"]["control"] == [{"date": END.date(), "balance": owed}]


@pytest.mark.slow
def test_quarantine_holds_the_rows_that_belong_there(sample_study: Study) -> None:
    ledger = sample_study.ledger()
    assert sorted(zip(ledger.quarantine["table"], ledger.quarantine["reason"], strict=True)) == [
        ("events", "not_a_date"),
        ("events", "unknown_invoice"),
        ("events", "unknown_kind"),
        ("invoices", "duplicate_invoice"),
        ("invoices", "missing_customer_id"),
        ("invoices", "not_an_amount"),
        ("invoices", "unknown_customer"),
        ("orders", "not_an_amount"),
    ]


def test_the_books_look_like_a_company(sample: dict[str, pd.DataFrame]) -> None:
    invoices, events = sample["invoices"], sample["events"]
    year = invoices.loc[invoices["issue_date"] >= "2025-01-01", "amount"].sum()
    balance = invoices["amount"].sum() - events.loc[events["kind"] != "recovery", "amount"].sum()
    assert 38 < balance / year * 365 < 48  # DSO in days
    assert 50e6 < year < 75e6
    lost = events.loc[events["kind"] == "write_off", "amount"].sum()
    assert 0.005 < lost / invoices["amount"].sum() < 0.02
    assert invoices.groupby("customer_id")["amount"].sum().max() / invoices["amount"].sum() < 0.15


@pytest.mark.slow
def test_large_ledger_in_blocks(tmp_path: Path) -> None:
    write_sample(tmp_path, invoices=300_000, seed=11, format="parquet")
    invoices = pd.read_parquet(tmp_path / "invoices.parquet", columns=["invoice_id", "customer_id", "amount"])
    events = pd.read_parquet(tmp_path / "events.parquet", columns=["event_id", "kind", "amount"])
    assert len(invoices) == 300_000
    assert invoices["invoice_id"].is_unique
    assert events["event_id"].is_unique
    assert invoices["customer_id"].nunique() > 4_900
    owed = invoices["amount"].sum() - events.loc[events["kind"] != "recovery", "amount"].sum()
    control = tomllib.loads((tmp_path / "study.toml").read_text())["ledger"]["control"][0]["balance"]
    assert owed == pytest.approx(control, abs=0.01)
