"""The log of overlays: what is in force, what it does, and that nobody changes it unseen."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LedgerError, LookAheadError, ModelError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.overlay.entries import START, Entry, entry_to_line, parse_line
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.locked_file import locked_file
from arrisk.models.overlay.log import OverlayLog, append_overlay, parse_log, read_overlays, withdraw_overlay
from arrisk.models.overlay.scenarios import Scenario, weigh_scenarios
from tests.loss_book import loss_book

DATE = "2024-12-31"
GROUNDS = {"who": "A. Lee, CFO", "why": "orders fall", "evidence": "board paper 7"}


@pytest.fixture(scope="module")
def rates():
    return fit_loss_rates(loss_book(customers=30, invoices=1500, lost_share=0.3).as_of(DATE))


def add(path, rates, id="slump", change=1.1, made_on=DATE, expires_on="2025-06-30", **more):
    return append_overlay(
        path, rates, change, id=id, made_on=made_on, expires_on=expires_on, **{**GROUNDS, **more}
    )


def test_without_a_log_rates_stay_as_they_are(rates):
    after, steps = read_overlays(None).apply(rates, DATE)
    assert after is rates
    assert steps.empty
    assert OverlayLog().head == START


def test_an_overlay_is_written_read_and_applied(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates, change={"past due": 1.1})
    assert read_overlays(path) == log
    after, steps = log.apply(rates, DATE)
    expected = np.minimum(rates.replicates.rates * [1, 1.1, 1.1, 1.1, 1.1], 1)
    np.testing.assert_allclose(after.replicates.rates, expected)
    assert steps["effect"].item() == pytest.approx(after.total.value - rates.total.value)
    assert steps["amount_before"].item() == rates.total.value
    assert "board paper 7" in steps["evidence"].item()
    assert "overlay slump" in after.conventions
    effect = log.entries[0].effect
    assert effect["before"]["amount"] == rates.total.value
    assert effect["after"]["amount"] == after.total.value
    assert (effect["segments"], effect["buckets"]) == (["all"], rates.buckets)
    assert effect["after"]["high"] == after.total.high
    assert effect["after"]["rates"] == after.replicates.rates.tolist()


def test_an_overlay_holds_from_when_it_is_made_and_valid(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates, made_on="2025-01-10", valid_from="2025-02-01")
    assert log.in_force("2025-01-31") == ()
    assert [e.id for e in log.in_force("2025-02-01")] == ["slump"]
    assert log.apply(rates, DATE)[0] is rates


def test_an_expired_overlay_stops_the_run(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates)
    assert len(log.in_force("2025-06-30")) == 1
    with pytest.raises(ModelError, match=r"'slump' of A\. Lee, CFO .* expired on 2025-06-30 .*withdraw"):
        log.apply(rates, "2025-07-01")
    log = withdraw_overlay(path, rates, "slump", made_on="2025-07-01", **GROUNDS)
    assert log.in_force("2025-07-01") == ()
    assert len(log.in_force("2025-06-30")) == 1


def test_rates_later_than_the_decision_are_refused(tmp_path, rates):
    with pytest.raises(LookAheadError, match="2024-11-30"):
        add(tmp_path / "overlays.jsonl", rates, made_on="2024-11-30")
    assert not (tmp_path / "overlays.jsonl").exists()


def test_entries_are_factors_of_the_rates(tmp_path, rates):
    with pytest.raises(ModelError, match="Retail"):
        add(tmp_path / "a.jsonl", rates, change=Factor(1.1, segments=("Retail",)))


def three_lines(path, rates):
    add(path, rates)
    add(path, rates, id="strike", change={"1-30": 1.5}, made_on="2025-01-31", why="Streik in der Börse 中文")
    withdraw_overlay(path, rates, "slump", made_on="2025-02-28", **GROUNDS)
    return path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory, rates):
    return three_lines(tmp_path_factory.mktemp("log") / "overlays.jsonl", rates)


def test_overlays_are_put_on_one_after_the_other(written, rates):
    log = parse_log(written, "log")
    after, steps = log.apply(rates, "2025-01-31")
    assert steps["id"].tolist() == ["slump", "strike"]
    assert steps["amount_after"].tolist() == [steps["amount_before"].iloc[1], after.total.value]
    assert log.apply(rates, "2025-02-28")[1]["id"].tolist() == ["strike"]


def test_effects_say_what_each_entry_did(written, rates):
    slump, strike, end = (entry.effect for entry in parse_log(written, "log").entries)
    assert strike["before"] == slump["after"]
    assert end["before"] == strike["after"]
    assert end["after"]["amount"] < end["before"]["amount"]


def test_an_entry_made_later_does_not_change_an_earlier_day(written):
    *lines, _ = written.split(b"\n")
    first = parse_log(lines[0] + b"\n", "log")
    whole = parse_log(written, "log")
    for day in ("2024-12-31", "2025-01-30"):
        assert whole.in_force(day) == first.in_force(day)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=6), st.integers(0, 20)
)
def test_no_later_entry_changes_what_is_in_force(steps, day):
    """Random overlays, each valid some days after it was made and perhaps ending the one before it."""
    start, made, entries = pd.Timestamp(DATE), 0, []
    for number, (wait, ahead, ends) in enumerate(steps):
        made += wait
        days = [start + pd.Timedelta(days=d) for d in (made, made + ahead, 999)]
        ended = f"overlay {number - 1}" if ends and number else None
        one = (Scenario("as stated", 1.0, (Factor(1.1),)),)
        entries.append(Entry(number, "overlay", f"overlay {number}", "w", "y", "e", *days, one, ended))
    as_of = start + pd.Timedelta(days=day)
    known = tuple(entry for entry in entries if entry.made_on <= as_of)
    assert OverlayLog(tuple(entries)).in_force(as_of) == OverlayLog(known).in_force(as_of)


def test_a_replacement_ends_what_it_names_on_its_first_day(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    add(path, rates)
    log = add(path, rates, id="deeper", change=1.3, valid_from="2025-03-01", replaces="slump")
    assert [e.id for e in log.in_force("2025-02-28")] == ["slump"]
    assert [e.id for e in log.in_force("2025-03-01")] == ["deeper"]
    log = withdraw_overlay(path, rates, "deeper", made_on="2025-02-01", **GROUNDS)
    assert [e.id for e in log.in_force("2025-03-01")] == ["slump"]


def test_an_expired_overlay_is_replaced(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    add(path, rates, expires_on="2025-03-31")
    log = add(path, rates, id="again", made_on="2025-04-10", expires_on="2025-12-31", replaces="slump")
    assert [e.id for e in log.in_force("2025-04-10")] == ["again"]
    with pytest.raises(ModelError, match="expired"):
        log.in_force("2025-04-09")


def test_scenarios_can_be_an_overlay(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    both = [Scenario("base", 0.7), Scenario("bad", 0.3, (Factor(2.0), Factor(0.01, "points")))]
    log = add(path, rates, change=both)
    assert read_overlays(path) == log
    after, steps = log.apply(rates, DATE)
    expected = weigh_scenarios(rates, both, "test").rates
    np.testing.assert_array_equal(after.replicates.rates, expected.replicates.rates)
    assert "bad (0.3)" in steps["what"].item()


@given(st.data())
def test_a_changed_byte_is_seen(written, data):
    place = data.draw(st.integers(0, len(written) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != written[place]))
    changed = written[:place] + bytes([byte]) + written[place + 1 :]
    with pytest.raises(ModelError, match=r"log, line [123]"):
        parse_log(changed, "log")


@given(st.data())
def test_an_inserted_or_deleted_piece_is_seen(written, data):
    start = data.draw(st.integers(0, len(written)))
    stop = data.draw(st.integers(start, len(written)))
    piece = data.draw(st.binary(max_size=3))
    changed = written[:start] + piece + written[stop:]
    cut_at_a_line = changed in [b"".join(written.splitlines(keepends=True)[:k]) for k in range(4)]
    if cut_at_a_line:
        return
    with pytest.raises(ModelError, match=r"log, line [1234]"):
        parse_log(changed, "log")


def test_lines_that_are_gone_or_moved_are_seen(written):
    one, two, three = written.splitlines(keepends=True)
    for lines, place in (((two, three), 1), ((one, three), 2), ((two, one, three), 1), ((one, one, two), 2)):
        with pytest.raises(ModelError, match=f"log, line {place} .*does not follow"):
            parse_log(b"".join(lines), "log")
    with pytest.raises(ModelError, match="line 3 is not whole"):
        parse_log(written[:-1], "log")


def test_a_changed_line_is_named_with_what_was_seen(written):
    changed = written.replace(b"A. Lee", b"B. Lee", 1)
    stated = written[11:75].decode()
    with pytest.raises(
        ModelError, match=f"line 1 was changed after it was written: its digest says {stated}"
    ):
        parse_log(changed, "log")


def test_a_line_made_anew_with_its_digest_breaks_the_chain(written):
    one, *rest = written.splitlines(keepends=True)
    forged = entry_to_line(replace(parse_line(one[:-1], 1, START, "log"), who="B. Lee"))
    with pytest.raises(ModelError, match="line 2 does not follow"):
        parse_log(b"".join([forged, *rest]), "log")


def test_a_line_of_another_shape_is_no_entry(written):
    entry = parse_line(written.split(b"\n")[0], 1, START, "log")
    with pytest.raises(ModelError, match="log, line 1 is not an entry of this version"):
        parse_log(entry_to_line(replace(entry, effect={"before": {}})), "log")
    body = b'{"number":1}'
    framed = b'{"digest":"' + hashlib.sha256(body).hexdigest().encode() + b'","entry":' + body + b"}\n"
    with pytest.raises(ModelError, match="not an entry of this version"):
        parse_log(framed, "log")


def test_lines_cut_off_at_the_end_are_seen_by_a_recorded_digest(written):
    head = parse_log(written, "log").head
    shorter = parse_log(b"".join(written.splitlines(keepends=True)[:2]), "log")
    parse_log(written, "log").check_head(shorter.head)
    with pytest.raises(ModelError, match=head):
        shorter.check_head(head)


def test_the_digest_is_that_of_the_bytes_in_the_file(written):
    """As documented: from byte 86 to the last but one."""
    previous = START
    for line in written.split(b"\n")[:-1]:
        body = line[85:-1]
        assert line[11:75].decode() == hashlib.sha256(body).hexdigest()
        assert json.loads(body)["previous"] == previous
        previous = line[11:75].decode()


def test_entries_are_written_as_they_stand_in_the_file(written):
    log = parse_log(written, "log")
    assert b"".join(entry_to_line(entry) for entry in log.entries) == written


def test_nothing_is_added_to_a_log_that_was_changed(tmp_path, written, rates):
    path = tmp_path / "overlays.jsonl"
    path.write_bytes(written.replace(b"A. Lee", b"B. Lee", 1))
    before = path.read_bytes()
    with pytest.raises(ModelError, match="line 1 was changed"):
        add(path, rates, id="new", made_on="2025-03-31")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_lose_nothing(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: add(path, rates, id=f"overlay {k}"), range(8)))
    log = read_overlays(path)
    assert {e.id for e in log.entries} == {f"overlay {k}" for k in range(8)}
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_left_behind_is_named(tmp_path, rates, monkeypatch):
    monkeypatch.setattr("arrisk.models.overlay.locked_file.WAIT_SECONDS", 0.05)
    lock = tmp_path / "overlays.jsonl.lock"
    lock.touch()
    with pytest.raises(ModelError, match=r"overlays\.jsonl\.lock is there: another process"):
        add(tmp_path / "overlays.jsonl", rates)
    assert lock.exists()


def test_a_writer_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    with pytest.raises(ZeroDivisionError), locked_file(path) as (data, write):
        write(data[: len(data) // 0])
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("field", ["id", "who", "why", "evidence"])
def test_every_ground_has_to_be_there(tmp_path, rates, field):
    for empty in ("", "  ", None):
        with pytest.raises(ModelError, match=f"needs '{field}'"):
            add(tmp_path / "overlays.jsonl", rates, **{field: empty})


def test_what_is_refused(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    with pytest.raises(ModelError, match="cannot read the overlay log"):
        read_overlays(path)
    with pytest.raises(LedgerError, match="not a calendar day"):
        add(path, rates, expires_on=None)
    with pytest.raises(ModelError, match="before it is made"):
        add(path, rates, expires_on="2024-12-30")
    with pytest.raises(ModelError, match="cannot read the evidence"):
        add(path, rates, evidence_file=tmp_path / "none.pdf")
    add(path, rates, made_on="2025-02-01")
    with pytest.raises(ModelError, match="needs a new name"):
        add(path, rates, made_on="2025-02-01")
    with pytest.raises(ModelError, match="in the order of time"):
        add(path, rates, id="older", made_on="2025-01-31")
    with pytest.raises(ModelError, match=r"no overlay 'flood' to end; there are \['slump'\]"):
        withdraw_overlay(path, rates, "flood", made_on="2025-02-01", **GROUNDS)
    withdraw_overlay(path, rates, "slump", made_on="2025-02-01", **GROUNDS)
    with pytest.raises(ModelError, match="no overlay 'slump' to end"):
        add(path, rates, id="new", made_on="2025-02-01", replaces="slump")


def test_evidence_is_kept_with_its_digest(tmp_path, rates):
    paper = tmp_path / "outlook.txt"
    paper.write_text("orders fall by a fifth", encoding="utf-8")
    entry = add(tmp_path / "overlays.jsonl", rates, evidence_file=paper).entries[0]
    assert entry.evidence_file == "outlook.txt"
    assert entry.evidence_sha256 == hashlib.sha256(paper.read_bytes()).hexdigest()


def test_a_book_without_losses_has_an_overlay_without_amounts(tmp_path):
    """History gives a bound and no rate."""
    bound = fit_loss_rates(loss_book(customers=10, invoices=200, lost_share=0.0).as_of(DATE))
    log = add(tmp_path / "overlays.jsonl", bound)
    after, steps = log.apply(bound, DATE)
    assert after.total.value is None
    assert log.entries[0].effect["after"]["high"] == after.total.high
    assert steps["effect"].isna().all()


def test_it_shows_itself_with_text_escaped(tmp_path, rates):
    log = add(tmp_path / "overlays.jsonl", rates, who="<script>x</script>", why="=cmd()")
    html = log._repr_html_()
    assert "<script>" not in html
    table = log.to_table()
    assert table.frame["effect"].item() == pytest.approx(
        table.frame["amount_after"].item() - table.frame["amount_before"].item()
    )
    assert log.head in table.note
    assert "1 entry" in log.finding()
    assert OverlayLog().to_table().frame.empty
