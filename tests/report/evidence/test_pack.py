"""The pack: rows that add up to each cell, digests of everything, the same bytes on every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrisk.errors import RunError
from arrisk.models.overlay.log import read_overlays
from arrisk.models.provision.provision import Provision, make_provision
from arrisk.policy.study import Study, open_study
from arrisk.report.evidence import rows
from arrisk.report.evidence.pack import write_evidence
from arrisk.report.evidence.rows import Column, file_sha256, write_frame, write_rows
from arrisk.report.evidence.verification import verify_evidence
from tests.report.evidence.test_workbook import full_basis
from tests.report.stage import FORMULA, SCRIPT


@pytest.fixture(scope="module")
def written(sample_study: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Provision]:
    base = tmp_path_factory.mktemp("full")
    provision = make_provision(sample_study.snapshot(), full_basis(sample_study, base))
    return write_evidence(sample_study, provision, base / "pack").path, provision


def test_the_items_of_a_cell_add_up_to_it(written: tuple[Path, Provision], sample_study: Study) -> None:
    folder, _ = written
    items = pd.read_csv(folder / "items_behind_balances.csv")
    table = pd.read_csv(folder / "provision.csv").set_index(["segment", "bucket"])
    for rows_of, column in ((items, "gross"), (items[items["judged_by_itself"]], "assessed")):
        sums = rows_of.groupby(["segment", "bucket"])["open_amount"].sum().round(2)
        assert sums.reindex(table.index, fill_value=0.0).tolist() == table[column].tolist()
    known = sample_study.snapshot().items.set_index("invoice_id")["open_amount"]
    assert (items["open_amount"].to_numpy() == known.loc[items["invoice_id"]].to_numpy()).all()
    assert items["invoice_id"].is_unique


def test_the_sums_of_customers_add_up_to_the_sheet_of_sums(written: tuple[Path, Provision]) -> None:
    folder, _ = written
    table = pd.read_csv(folder / "sums_by_customer.csv", keep_default_na=False)
    table["period"] = table["period"].replace("", "whole window")
    sums = table.groupby(["segment", "period", "sum"])["value"].sum()
    sheet = openpyxl.load_workbook(folder / "provision.xlsx", data_only=True)["counts"]
    names, compared = [cell.value for cell in sheet[4]], 0
    for row in sheet.iter_rows(min_row=5, values_only=True):
        for name, value in zip(names[2:], row[2:], strict=True):
            if value and (row[0], row[1], name) in sums.index:
                assert sums[row[0], row[1], name] == pytest.approx(value, rel=1e-12)
                compared += 1
    assert compared == len(sums[sums != 0])


def test_customers_and_secured_amounts_add_up(written: tuple[Path, Provision]) -> None:
    folder, provision = written
    customers = pd.read_csv(folder / "customers.csv")
    assert customers["provision"].sum() == pytest.approx(provision.total.value, abs=1e-6)
    owed = customers[[c for c in customers if c.startswith("owed ")]].sum()
    assert owed.sum() == pytest.approx(provision.table["gross"].sum(), abs=1e-6)
    secured = pd.read_csv(folder / "secured_by_customer.csv").groupby(["segment", "bucket"])["integral"].sum()
    told = provision.table.set_index(["segment", "bucket"])["secured"]
    assert secured.reindex(told.index, fill_value=0.0).round(2).tolist() == told.tolist()


def test_every_file_is_listed_with_its_digest_and_comes_out_the_same(
    written: tuple[Path, Provision], sample_study: Study, tmp_path: Path
) -> None:
    folder, provision = written
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    names = sorted(p.name for p in folder.iterdir() if p.name != "manifest.json")
    assert [f["name"] for f in listed] == names
    assert [f["sha256"] for f in listed] == [file_sha256(folder / name) for name in names]
    again = write_evidence(sample_study, provision, tmp_path / "again")
    assert again.digest == file_sha256(folder / "manifest.json")
    assert again.to_table().frame["name"].tolist() == sorted([*names, "manifest.json"])


def test_the_manifest_holds_inputs_choices_versions_and_checks(
    written: tuple[Path, Provision], sample_study: Study
) -> None:
    folder, provision = written
    told = json.loads((folder / "manifest.json").read_text())
    assert told["as_of"] == "2025-12-31"
    assert told["provision"]["value"] == provision.total.value
    assert told["study"] == {
        "name": "sample",
        "title": sample_study.title,
        "sha256": sample_study.digest(),
        "seed": 20251231,
    }
    source = Path(sample_study.sources[0]) / "invoices.csv"
    assert {"name": "invoices.csv", "sha256": file_sha256(source)} in told["sources"]
    basis = told["configuration"]["basis"]
    assert basis["credibility"] == "buhlmann"
    assert basis["enhancements"][0]["limit"] == 50_000.0
    assert basis["overlays"]["entries"][1]["scenarios"][0]["probability"] == 0.7
    assert told["configuration"]["rates"] == provision.rates.conventions
    assert told["configuration"]["provision"] == provision.conventions
    assert {"python", "arrisk", "numpy", "pandas", "xlsxwriter"} <= {*told["versions"]}
    assert told["checks"]["owed"] == provision.table["gross"].sum().round(2)
    assert told["checks"]["control_totals"][0]["difference"] == 0
    quarantine = told["checks"]["quarantine"]
    assert quarantine["rows"] == len(sample_study.ledger().quarantine) > 0
    assert sum(t["rows"] for t in quarantine["totals"]) == quarantine["rows"]


def test_the_guide_names_every_file_and_every_choice(written: tuple[Path, Provision]) -> None:
    folder, provision = written
    guide = (folder / "README.md").read_text()
    for path in folder.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in guide, path.name
    assert all(f"- {name}: " in guide for name in provision.conventions)
    assert f"{provision.total.value:,.2f}" in guide


def test_the_overlay_log_is_copied_line_by_line(written: tuple[Path, Provision]) -> None:
    folder, _ = written
    assert (folder / "overlay_log.jsonl").read_bytes() == (folder.parent / "log.jsonl").read_bytes()
    told = json.loads((folder / "manifest.json").read_text())["checks"]["overlay_log"]
    head = read_overlays(folder / "overlay_log.jsonl").head
    assert told == {"file": "overlay_log.jsonl", "entries": 2, "head": head}
    assert pd.read_csv(folder / "overlays_in_force.csv")["id"].tolist() == ["sector", "outlook"]


def test_hostile_names_are_text_everywhere(study: Study, tmp_path: Path) -> None:
    pack = write_evidence(study, make_provision(study.snapshot()), tmp_path / "pack")
    items = (pack.path / "items_behind_balances.csv").read_text()
    assert f'"\'{FORMULA}"' in items
    assert f'"{FORMULA}"' not in items
    assert f'"{SCRIPT}"' in items
    assert "<script>" not in (pack.path / "README.md").read_text()
    assert {p.parent for p in tmp_path.rglob("*") if p.is_file() and p.suffix == ".xlsx"} == {pack.path}


@pytest.mark.parametrize(
    "name",
    ["../../up", "/etc/passwd", "a\nb", 'say "x"', "Müller 株式会社", "=1+1", "＝1", "\t", "a,b;c", ""],
)
def test_names_of_any_kind_come_back_from_csv(tmp_path: Path, name: str) -> None:
    file = write_frame(tmp_path, "names", pd.DataFrame({"name": [name, None], "n": [1, 2]}))
    assert [p.name for p in tmp_path.iterdir()] == [file] == ["names.csv"]
    back = pd.read_csv(tmp_path / file, keep_default_na=False, dtype={"name": str})["name"].tolist()
    marked = f"'{name}" if name[:1] in ("=", "＝", "\t") and name else name
    assert back == [marked, ""]


def test_study_names_make_no_path(study_file: Path, tmp_path: Path) -> None:
    text = study_file.read_text().replace('title = "', 'title = "../../<script>')
    study_file.write_text(text)
    study = open_study(study_file)
    pack = write_evidence(study, make_provision(study.snapshot()), tmp_path / "pack")
    assert verify_evidence(pack.path).intact
    assert pack.path == tmp_path / "pack"


def test_long_tables_go_to_parquet_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SPREADSHEET_ROWS", 2)
    columns = [Column("name", pa.string()), Column("n", pa.int64())]
    chunks = (pd.DataFrame({"name": ["=1"], "n": [n]}) for n in range(3))
    assert write_rows(tmp_path, "long", columns, chunks, 3) == "long.parquet"
    assert pq.read_table(tmp_path / "long.parquet").to_pydict() == {"name": ["=1"] * 3, "n": [0, 1, 2]}


@pytest.mark.parametrize("rows_told", [10, 10_000_000], ids=["csv", "parquet"])
def test_one_chunk_is_held_at_a_time(tmp_path: Path, rows_told: int) -> None:
    columns, given, most = [Column("n", pa.int64())], [], 0

    def chunks() -> Iterator[pd.DataFrame]:
        nonlocal most
        for n in range(30):
            frame = pd.DataFrame({"n": [n]})
            given.append(weakref.ref(frame))
            most = max(most, sum(one() is not None for one in given))
            yield frame

    write_rows(tmp_path, "rows", columns, chunks(), rows_told)
    assert most <= 2


def test_a_pack_is_replaced_whole_or_not_at_all(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision = make_provision(study.snapshot())
    pack = write_evidence(study, provision, tmp_path / "pack")

    def breaks(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arrisk.report.evidence.pack.write_guide", breaks)
    with pytest.raises(KeyboardInterrupt):
        write_evidence(study, provision, pack.path)
    assert verify_evidence(pack.path).intact
    assert file_sha256(pack.path / "manifest.json") == pack.digest
    assert [p.name for p in tmp_path.iterdir() if "pack" in p.name] == ["pack"]


KILLED = """
import os, sys
from arrisk.models.provision.provision import make_provision
from arrisk.policy.study import open_study
from arrisk.report.evidence import pack
pack.write_guide = lambda *_: os._exit(9)
study = open_study(sys.argv[1])
pack.write_evidence(study, make_provision(study.snapshot()), sys.argv[2])
"""


@pytest.mark.slow
def test_a_killed_run_leaves_the_previous_pack(study: Study, tmp_path: Path) -> None:
    pack = write_evidence(study, make_provision(study.snapshot()), tmp_path / "pack")
    command = [sys.executable, "-c", KILLED, str(study.path), str(pack.path)]
    assert subprocess.run(command, env=dict(os.environ), check=False).returncode == 9
    assert verify_evidence(pack.path).intact
    assert file_sha256(pack.path / "manifest.json") == pack.digest
    assert write_evidence(study, make_provision(study.snapshot()), pack.path).digest == pack.digest


def test_folders_that_are_not_a_pack_are_refused(study: Study, tmp_path: Path) -> None:
    provision = make_provision(study.snapshot())
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match=r"no manifest\.json"):
        write_evidence(study, provision, tmp_path / "notes")
    with pytest.raises(RunError, match="among the files of the ledger"):
        write_evidence(study, provision, tmp_path / "books" / "pack")
    pack = write_evidence(study, provision, tmp_path / "pack")
    (pack.path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match=r"mine\.txt, which is no part of the pack"):
        write_evidence(study, provision, pack.path)
    assert (pack.path / "mine.txt").read_text() == "mine"


def test_a_provision_of_another_day_or_ledger_is_refused(
    study: Study, sample_study: Study, sample_provision: Provision, tmp_path: Path
) -> None:
    early = make_provision(sample_study.snapshot().as_of("2025-11-30"))
    with pytest.raises(RunError, match="2025-11-30 in EUR, the study of 2025-12-31"):
        write_evidence(sample_study, early, tmp_path / "pack")
    with pytest.raises(RunError, match="a customer that the loss rates do not know"):
        write_evidence(study, sample_provision, tmp_path / "pack")
    counts = sample_provision.historical.counts
    less = replace(counts, today=counts.today * 0.5)
    other = replace(sample_provision, historical=replace(sample_provision.historical, counts=less))
    with pytest.raises(RunError, match="made of another ledger or day"):
        write_evidence(sample_study, other, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
