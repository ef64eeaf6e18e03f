"""The checker finds each kind of damage in a table that was sound."""

import checker
import pytest
from checker import Ack, Answers, Row, check
from record import content

COUNT = 40
INDEX = {(0, 0): (0, 30), (0, 1): (30, 100)}


def sound():
    """Two producers take turns in one partition and two segments."""
    rows, acks = [], []
    for offset in range(2 * COUNT):
        producer, sequence = ("a", "b")[offset % 2], offset // 2
        rows.append(Row(0, int(offset >= 30), offset, *content(producer, 0, sequence)))
        acks.append(Ack(producer, 0, sequence, offset))
    return rows, acks


SENT = {("a", 0): COUNT, ("b", 0): COUNT}


def counts(rows, acks, failed=(), sent=SENT, index=INDEX):
    return dict(check(rows, index, Answers(acks, failed, sent)).counts)


def test_a_sound_table_is_left_alone():
    assert counts(*sound()) == {}


def test_a_lost_record_is_found():
    rows, acks = sound()
    assert counts(rows[:-1], acks) == {checker.LOST: 1}


def test_a_record_that_is_acknowledged_without_its_offset_must_be_there():
    rows, acks = sound()
    acks[79] = acks[79]._replace(offset=checker.NO_OFFSET)
    assert counts(rows, acks) == {}
    assert counts(rows[:-1], acks) == {checker.LOST: 1}


def test_a_record_that_is_stored_twice_is_found():
    rows, acks = sound()
    assert counts([*rows, rows[79]._replace(offset=80)], acks) == {checker.TWICE: 1}


def test_a_record_at_another_offset_than_acknowledged_is_found():
    rows, acks = sound()
    assert counts([*rows[:79], rows[79]._replace(offset=80)], acks) == {checker.MOVED: 1, checker.HOLE: 1}


def test_two_records_in_each_others_place_are_found():
    rows, acks = sound()
    rows[40], rows[42] = rows[40]._replace(offset=42), rows[42]._replace(offset=40)
    assert counts(rows, acks) == {checker.MOVED: 2, checker.ORDER: 1}


def test_an_order_inversion_that_was_acknowledged_so_is_found():
    rows, acks = sound()
    rows[40], rows[42] = rows[40]._replace(offset=42), rows[42]._replace(offset=40)
    acks[40], acks[42] = acks[40]._replace(offset=42), acks[42]._replace(offset=40)
    assert counts(rows, acks) == {checker.ORDER: 1}


def test_a_hole_is_found():
    rows, acks = sound()
    del rows[40], acks[40]
    assert counts(rows, acks, failed={("a", 0, 20): True}) == {checker.HOLE: 1}


def test_a_hole_at_the_beginning_of_a_segment_is_found():
    rows, acks = sound()
    del rows[30], acks[30]
    assert counts(rows, acks, failed={("a", 0, 15): True}) == {checker.HOLE: 1}


def test_a_missing_end_of_a_segment_is_no_hole():
    rows, acks = sound()
    rows, acks = rows[:25] + rows[30:], acks[:25] + acks[30:]
    report = check(rows, INDEX, Answers(acks, sent=SENT))
    assert not report.counts and report.jumps == 1 and report.unknown == 5


@pytest.mark.parametrize("change", [
    {"key": b"other"}, {"headers": (("n", b"other"),)}, {"timestamp": 1}])
def test_a_changed_field_is_found(change):
    rows, acks = sound()
    rows[7] = rows[7]._replace(**change)
    assert counts(rows, acks) == {checker.BYTES: 1}


def test_one_changed_byte_of_a_value_is_found():
    rows, acks = sound()
    value = bytearray(rows[7].value)
    value[-1] ^= 1
    rows[7] = rows[7]._replace(value=bytes(value))
    assert counts(rows, acks) == {checker.BYTES: 1}


def test_one_offset_in_two_segments_is_found():
    rows, acks = sound()
    rows.append(rows[30]._replace(segment=0))
    assert counts(rows, acks) == {checker.TWO_NAMES: 1, checker.TWICE: 1, checker.INDEX: 1}


def test_one_offset_acknowledged_for_two_records_is_found():
    rows, acks = sound()
    acks[5] = acks[5]._replace(offset=4)
    assert counts(rows, acks) == {checker.TWO_NAMES: 1, checker.MOVED: 1}


def test_a_refused_record_that_is_there_is_found():
    rows, acks = sound()
    assert counts(rows, acks[:-1], failed={("b", 0, 39): True}) == {checker.REFUSED: 1}


def test_a_record_with_an_unknown_outcome_may_be_there_or_not():
    rows, acks = sound()
    assert counts(rows, acks[:-1], failed={("b", 0, 39): False}) == {}
    assert counts(rows[:-1], acks[:-1], failed={("b", 0, 39): False}) == {}
    assert counts(rows, acks[:-1]) == {}


def test_an_unknown_record_that_is_there_twice_is_found():
    rows, acks = sound()
    rows.append(rows[79]._replace(offset=80))
    assert counts(rows, acks[:-1], failed={("b", 0, 39): False}) == {checker.TWICE: 1}


def test_a_record_that_nobody_sent_is_found():
    rows, acks = sound()
    rows.append(Row(0, 1, 80, *content("a", 0, COUNT)))
    assert counts(rows, acks) == {checker.STRANGER: 1}
    rows[-1] = Row(0, 1, 80, b"", b"noise", (), 0)
    assert counts(rows, acks) == {checker.STRANGER: 1}


def test_rows_of_a_segment_that_the_index_does_not_have_are_found():
    rows, acks = sound()
    assert counts(rows, acks, index={(0, 0): (0, 30)}) == {checker.INDEX: 1}
