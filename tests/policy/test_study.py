import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from arrisk.errors import ArriskError, LedgerError, StudyError
from arrisk.policy.assumptions import KNOWN, Assumption, find
from arrisk.policy.study import Queue, Study, find_holes, open_study, study_template

TOML = """
[study]
name = "books"
title = "The books"
as_of = 2025-12-31
currency = "EUR"
seed = 7

[ledger]
path = "ledger"
columns = "arrisk"
options = { day_first = true }
[[ledger.control]]
date = 2025-12-31
balance = 100.0

[assumptions.lgd]
value = 0.6
low = 0.4
high = 0.9
unit = "fraction of exposure"
source = "workout files"

[[ownership.queue]]
name = "sales"
from_day = 1
to_day = 30
[[ownership.queue]]
name = "legal"
from_day = 90

[settings.discount]
rates = [0.01, 0.02]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


@pytest.fixture
def reader(monkeypatch):
    """A ledger whose open balance is known, in place of a file: the study's own duty is the wiring."""
    calls = []

    class Book:
        def as_of(self, date):
            return SimpleNamespace(date=date, open_balance=100.0)

        def tie_out(self, date, balance):
            if balance != 100.0:
                raise LedgerError(f"balance on {date:%Y-%m-%d}: difference {100 - balance:.2f}")

    def read(source, **options):
        calls.append((source, options))
        return Book()

    import arrisk.ledger.reading

    monkeypatch.setattr(arrisk.ledger.reading, "read_ledger", read)
    return calls


def test_a_study_reads_what_its_file_says(folder):
    study = open_study(folder / "study.toml")
    assert (study.name, study.title, study.currency, study.seed) == ("books", "The books", "EUR", 7)
    assert study.as_of == pd.Timestamp("2025-12-31")
    assert study.sources == (str((folder / "ledger").resolve()),)
    assert study.assumption("lgd") == Assumption(
        "lgd", 0.6, 0.4, 0.9, "fraction of exposure", "workout files"
    )
    assert study.queues == (Queue("sales", 1, 30), Queue("legal", 90, None))
    assert study.settings["discount"]["rates"] == [0.01, 0.02]
    assert study.get("take_up") is None


def test_paths_follow_the_file_when_it_is_copied(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("copy")
    shutil.copy(folder / "study.toml", other / "study.toml")
    (other / "own.toml").write_text("", encoding="utf-8")
    text = (other / "study.toml").read_text().replace('"arrisk"', '"own.toml"')
    (other / "study.toml").write_text(text)
    study = open_study(other)
    assert study.sources == (str((other / "ledger").resolve()),)
    assert study.columns == str((other / "own.toml").resolve())


def test_the_default_is_the_variable_then_the_sample_above(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ARRISK_STUDY", str(folder / "study.toml"))
    assert open_study().name == "books"
    monkeypatch.delenv("ARRISK_STUDY")
    sample = tmp_path / "project" / "data" / "sample"
    deep = tmp_path / "project" / "notebooks" / "deep"
    sample.mkdir(parents=True)
    deep.mkdir(parents=True)
    (sample / "study.toml").write_text(TOML.replace('"books"', '"the sample"'), encoding="utf-8")
    monkeypatch.chdir(deep)
    assert open_study().name == "the sample"


def test_the_digest_changes_with_the_text(folder):
    one = open_study(folder)
    (folder / "study.toml").write_text(TOML + "\n# remark\n", encoding="utf-8")
    assert one.digest() != open_study(folder).digest()
    assert one.digest() == Study.from_toml(TOML, folder / "study.toml").digest()


def test_the_ledger_is_read_once_with_the_study_s_options(folder, reader):
    study = open_study(folder)
    assert study.ledger() is study.ledger()
    assert study.snapshot().date == study.as_of
    assert study.snapshot() is study.snapshot()
    assert reader == [
        (str((folder / "ledger").resolve()), {"columns": "arrisk", "currency": "EUR", "day_first": True})
    ]
    assert study.control_table().frame["difference"].tolist() == [0.0]


def test_a_ledger_that_does_not_tie_out_is_refused(folder, reader):
    toml = TOML.replace("balance = 100.0", "balance = 90.0")
    with pytest.raises(StudyError, match=r"balance on 2025-12-31.*difference 10\.00; write tolerance"):
        Study.from_toml(toml, folder / "s.toml").ledger()
    accepted = toml.replace("balance = 90.0", "balance = 90.0\ntolerance = 10.0")
    assert Study.from_toml(accepted, folder / "s.toml").ledger() is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[ledger]", "[ledgr]", r'did you mean "ledger"'),
        ("seed =", "sed =", r'did you mean "seed"'),
        ("columns =", "colums =", r'did you mean "columns"'),
        ("balance =", "balence =", r'did you mean "balance"'),
        ("from_day = 90", "from_days = 90", r'did you mean "from_day"'),
        ("source =", "sauce =", r'did you mean "source"'),
        ("[assumptions.lgd]", "[assumptions.tak_up]", r'did you mean "take_up"'),
        ("value = 0.6", "value = 0.95", "outside its range"),
        ("value = 0.6", 'value = "much"', "not a finite number"),
        ("value = 0.6", "value = nan", "not a finite number"),
        ('source = "workout files"', "", "source is missing"),
        ('source = "workout files"', 'source = " "', "source is missing"),
        ("as_of = 2025-12-31", 'as_of = "31.12.2025"', "not a date"),
        ("as_of = 2025-12-31", "", "as_of is missing"),
        ('"EUR"', '"euro"', "ISO 4217"),
        ("seed = 7", "seed = -1", "whole number"),
        ("to_day = 30", "to_day = 0", "back to day 0"),
        ("to_day = 30", "to_day = 95", "both own day 90"),
        ("[[ledger.control]]", "[ledger.control]", "double brackets"),
        ('path = "ledger"', "path = 3", "list of paths"),
        ('name = "books"', "name = 3", "is not a text"),
        ("[study]", "[study", "not valid TOML"),
    ],
)
def test_a_wrong_study_says_what_is_wrong(folder, old, new, message):
    assert old in TOML
    with pytest.raises(StudyError, match=message):
        Study.from_toml(TOML.replace(old, new), folder / "study.toml")


def test_a_binary_or_absent_study_is_one_clear_line(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ArriskError, match="not a UTF-8 text file"):
        open_study(tmp_path)
    with pytest.raises(ArriskError, match="no study file"):
        open_study(tmp_path / "absent.toml")


def test_a_missing_assumption_says_how_to_add_it(folder):
    with pytest.raises(StudyError) as caught:
        open_study(folder).assumption("take_up")
    assert "[assumptions.take_up]" in str(caught.value)
    assert "fraction of offered sales" in str(caught.value)
    given = [Assumption("default_relief", 0.2, 0.0, 1.0, "fraction", "guess")]
    with pytest.raises(StudyError, match='did you mean "default_relief"'):
        find(given, "default_releif")


def test_an_assumption_of_one_s_own_is_kept(folder):
    extra = '\n[assumptions.pallet_price]\nvalue = 12\nunit = "EUR"\nsource = "price list"\n'
    study = Study.from_toml(TOML + extra, folder / "study.toml")
    assert study.assumption("pallet_price").high == 12


def test_the_template_is_a_valid_study_whose_values_are_marked_typical(tmp_path):
    file = tmp_path / "study.toml"
    text = study_template('books "Ä"\\2025.csv', "ibm_ar", "2013-07-01", "USD")
    study = Study.from_toml(text, file)
    assert study.as_of == pd.Timestamp("2013-07-01")
    assert study.sources[0].endswith("2025.csv")
    assert {a.name for a in study.assumptions} == set(KNOWN)
    assert all(a.is_typical for a in study.assumptions)
    assert "typical values, not the company's own" in study.assumptions_table().note


def test_holes_in_the_ownership_are_shown():
    queues = (Queue("sales", 1, 30), Queue("finance", 31, 60), Queue("legal", 90, None))
    assert find_holes(queues) == ((61, 89),)
    assert find_holes(()) == ((1, None),)
    assert find_holes((Queue("a", 10, 20),)) == ((1, 9), (21, None))
    assert find_holes((Queue("a", 0, None),)) == ()


def test_a_study_shows_its_assumptions_escaped(folder):
    study = Study.from_toml(TOML.replace("workout files", "<b>files</b>"), folder / "study.toml")
    page = study._repr_html_()
    assert "&lt;b&gt;files" in page
    assert "<b>files" not in page
    assert "2025-12-31" in repr(study)


def test_the_sample_study_opens_and_ties_out(root):
    study = open_study(root / "data" / "sample")
    assert study.snapshot().date == study.as_of
    assert abs(study.control_table().frame["difference"]).max() < 0.005


def test_an_address_of_a_database_stays_as_it_is(tmp_path):
    text = (
        '[study]\nname = "s"\ntitle = "S"\nas_of = 2025-12-31\ncurrency = "EUR"\nseed = 1\n'
        '[ledger]\npath = ["postgresql://user@localhost/books", "more.csv"]\n'
    )
    study = Study.from_toml(text, tmp_path / "study.toml")
    assert study.sources == ("postgresql://user@localhost/books", str(tmp_path / "more.csv"))
