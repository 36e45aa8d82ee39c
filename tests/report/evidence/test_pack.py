"""The pack: rows that add up to each cell, digests of everything, the same bytes on every run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from arrisk.models.provision.provision import Provision
from arrisk.policy.study import Study
from arrisk.report.evidence.pack import write_evidence
from arrisk.report.evidence.rows import file_sha256


def test_the_items_of_a_cell_add_up_to_it(
    sample_study: Study, sample_provision: Provision, tmp_path: Path
) -> None:
    pack = write_evidence(sample_study, sample_provision, tmp_path / "pack")
    items = pd.read_csv(pack.path / "items_behind_balances.csv")
    sums = items.groupby(["segment", "bucket"])["open_amount"].sum().round(2)
    table = pd.read_csv(pack.path / "provision.csv").set_index(["segment", "bucket"])
    assert sums.reindex(table.index).tolist() == table["gross"].tolist()
    known = sample_study.snapshot().items.set_index("invoice_id")["open_amount"]
    assert (items["open_amount"].to_numpy() == known.loc[items["invoice_id"]].to_numpy()).all()


def test_every_file_is_listed_with_its_digest_and_comes_out_the_same(
    sample_study: Study, sample_provision: Provision, tmp_path: Path
) -> None:
    one, two = (write_evidence(sample_study, sample_provision, tmp_path / name) for name in ("one", "two"))
    listed = json.loads((one.path / "manifest.json").read_text())["files"]
    names = sorted(p.name for p in one.path.iterdir() if p.name != "manifest.json")
    assert [f["name"] for f in listed] == names
    assert [f["sha256"] for f in listed] == [file_sha256(one.path / name) for name in names]
    assert one.digest == two.digest
    assert one.files.equals(two.files)
