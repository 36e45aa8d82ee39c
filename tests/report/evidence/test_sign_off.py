"""A signed pack: it verifies, every tampering is named, and nothing writes into it again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from arrisk.errors import RunError
from arrisk.models.provision.provision import Provision
from arrisk.policy.study import Study
from arrisk.report.evidence.pack import write_evidence
from arrisk.report.evidence.register import REGISTER, read_register
from arrisk.report.evidence.sign_off import find_sign_off, sign_off
from arrisk.report.evidence.verification import verify_evidence

Copy = Callable[[str], Path]
DAY = "2026-01-15"


@pytest.fixture(scope="module")
def written(
    sample_study: Study, sample_provision: Provision, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return write_evidence(sample_study, sample_provision, tmp_path_factory.mktemp("written") / "pack").path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Copy:
    def make(name: str = "pack") -> Path:
        return Path(shutil.copytree(written, tmp_path / name))

    return make


def problems(folder: Path) -> list[tuple[str, str]]:
    return [(row.file, row.problem) for row in verify_evidence(folder).problems.itertuples()]


def test_a_fresh_pack_verifies_unsigned(copy: Copy) -> None:
    found = verify_evidence(copy("pack"))
    assert found.intact
    assert found.signed is None
    assert found.finding().endswith("not signed")
    assert found.checked == len(json.loads((found.path / "manifest.json").read_text())["files"])


def test_every_change_is_named(copy: Copy) -> None:
    pack = copy("pack")
    with (pack / "provision.csv").open("a") as stream:
        stream.write("\n")
    (pack / "quarantine.csv").unlink()
    (pack / "more.txt").write_text("x")
    assert problems(pack) == [
        ("more.txt", "added"),
        ("provision.csv", "changed"),
        ("quarantine.csv", "missing"),
    ]
    with pytest.raises(RunError, match="only an intact pack can be signed"):
        sign_off(pack, "A. Meyer", "controller", DAY)


def test_a_link_to_the_same_bytes_is_a_change(copy: Copy, tmp_path: Path) -> None:
    pack = copy("pack")
    (pack / "provision.csv").rename(tmp_path / "elsewhere.csv")
    (pack / "provision.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert problems(pack) == [("provision.csv", "changed")]


def test_a_signed_pack_cannot_be_written_again(
    copy: Copy, sample_study: Study, sample_provision: Provision
) -> None:
    pack = copy("pack")
    signed = sign_off(pack, " A. Meyer ", "controller", DAY, "after review")
    before = {p.name: p.read_bytes() for p in pack.iterdir()}
    found = verify_evidence(pack)
    assert found.intact
    assert found.signed == signed
    assert "signed by A. Meyer (controller) on 2026-01-15" in found.finding()
    with pytest.raises(RunError, match=r"signed off by A\. Meyer on 2026-01-15 and cannot be edited"):
        write_evidence(sample_study, sample_provision, pack)
    with pytest.raises(RunError, match="cannot be edited"):
        sign_off(pack, "B. Other", "auditor", DAY)
    assert {p.name: p.read_bytes() for p in pack.iterdir()} == before
    assert {oct(p.stat().st_mode & 0o777) for p in pack.iterdir()} == {"0o444"}


def test_taking_the_sign_off_out_of_the_folder_does_not_unlock_it(
    copy: Copy, sample_study: Study, sample_provision: Provision
) -> None:
    pack = copy("pack")
    sign_off(pack, "A. Meyer", "controller", DAY)
    (pack / "sign_off.json").unlink()
    assert problems(pack) == [("sign_off.json", "missing: the register says that the pack was signed")]
    with pytest.raises(RunError, match="cannot be edited"):
        write_evidence(sample_study, sample_provision, pack)


def test_a_forged_manifest_does_not_match_the_register(copy: Copy) -> None:
    pack = copy("pack")
    sign_off(pack, "A. Meyer", "controller", DAY)
    for path in pack.iterdir():
        path.chmod(0o644)
    manifest = json.loads((pack / "manifest.json").read_text())
    (pack / "provision.csv").write_text("segment\n")
    from arrisk.report.evidence.rows import file_sha256

    for entry in manifest["files"]:
        entry["sha256"] = file_sha256(pack / entry["name"])
    (pack / "manifest.json").write_text(json.dumps(manifest))
    assert problems(pack) == [("manifest.json", "changed since it was signed")]
    own = json.loads((pack / "sign_off.json").read_text())
    own["manifest_sha256"] = file_sha256(pack / "manifest.json")
    (pack / "sign_off.json").write_text(json.dumps(own))
    assert problems(pack) == [
        ("manifest.json", "changed since it was signed"),
        ("sign_off.json", "changed: the register says something else"),
    ]


def test_a_new_pack_supersedes_a_signed_one_when_it_is_signed(
    copy: Copy, sample_study: Study, sample_provision: Provision, tmp_path: Path
) -> None:
    old, new = copy("old"), tmp_path / "new"
    with pytest.raises(RunError, match="not signed off"):
        write_evidence(sample_study, sample_provision, new, supersedes=old)
    first = sign_off(old, "A. Meyer", "controller", DAY)
    pack = write_evidence(sample_study, sample_provision, new, supersedes=old)
    manifest = json.loads((new / "manifest.json").read_text())
    assert manifest["supersedes"] == {"folder": "old", "manifest_sha256": first.manifest_sha256}
    assert verify_evidence(old).superseded_by is None
    sign_off(new, "A. Meyer", "controller", "2026-01-20", "one invoice corrected")
    assert verify_evidence(old).superseded_by == pack.digest
    assert verify_evidence(old).intact
    assert "superseded by the pack" in verify_evidence(old).finding()
    entries = read_register(tmp_path / REGISTER)
    assert [(e.action, e.folder) for e in entries] == [
        ("signed", "old"), ("superseded", "old"), ("signed", "new"),
    ]  # fmt: skip
    with pytest.raises(RunError, match="cannot be edited"):
        write_evidence(sample_study, sample_provision, old, supersedes=old)


def test_a_sign_off_cut_short_is_finished_by_the_same_one(copy: Copy, tmp_path: Path) -> None:
    pack = copy("pack")
    signed = sign_off(pack, "A. Meyer", "controller", DAY)
    (tmp_path / REGISTER).unlink()
    assert find_sign_off(pack) == signed
    assert verify_evidence(pack).intact
    assert "no evidence_register.jsonl beside it" in verify_evidence(pack).finding()
    assert sign_off(pack, "A. Meyer", "controller", DAY) == signed
    assert len(read_register(tmp_path / REGISTER)) == 1


@pytest.mark.parametrize("cut", [0, 1])
def test_the_register_shows_what_was_changed_or_taken_out(copy: Copy, tmp_path: Path, cut: int) -> None:
    for name in ("one", "two", "three"):
        sign_off(copy(name), "A. Meyer", "controller", DAY)
    register = tmp_path / REGISTER
    lines = register.read_bytes().splitlines(keepends=True)
    register.write_bytes(b"".join(lines[:cut] + lines[cut + 1 :]))
    with pytest.raises(RunError, match="does not follow the line before"):
        verify_evidence(tmp_path / "one")
    register.write_bytes(b"".join(lines).replace(b"A. Meyer", b"B. Meyer", 1))
    with pytest.raises(RunError, match="line 1 was changed"):
        verify_evidence(tmp_path / "one")
    register.write_bytes(b"".join(lines)[:-1])
    with pytest.raises(RunError, match="not whole"):
        verify_evidence(tmp_path / "one")


@pytest.mark.parametrize(
    ("who", "role", "date", "told"),
    [
        (" ", "controller", DAY, "name and the role"),
        ("A", "", DAY, "name and the role"),
        ("A", "b", "2025-12-30", "cannot be signed before that day"),
        ("A", "b", "soon", "date of a sign-off"),
    ],
)
def test_a_sign_off_needs_a_name_a_role_and_a_day(
    copy: Copy, who: str, role: str, date: str, told: str
) -> None:
    pack = copy("pack")
    with pytest.raises(RunError, match=told):
        sign_off(pack, who, role, date)
    assert find_sign_off(pack) is None


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\b", "C:/x", ""])
def test_a_manifest_names_nothing_outside_its_pack(copy: Copy, name: str) -> None:
    pack = copy("pack")
    manifest = json.loads((pack / "manifest.json").read_text())
    manifest["files"].append({"name": name, "sha256": "0" * 64, "bytes": 1})
    (pack / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="outside the pack"):
        verify_evidence(pack)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', '{"files": []}', '{"files": [3]}', "\xff"])
def test_what_is_no_manifest_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match="manifest"):
        verify_evidence(tmp_path)


def test_inputs_are_compared_with_their_digests(copy: Copy, sample_study: Study) -> None:
    pack = copy("pack")
    assert verify_evidence(pack, sample_study).intact
    other = replace(sample_study, text=sample_study.text + "\n")
    found = verify_evidence(pack, other)
    assert [(r.file, r.problem) for r in found.problems.itertuples()] == [
        ("study.toml", "the study was changed")
    ]
