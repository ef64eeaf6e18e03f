"""What must be true of the table after all kills, given what the producers were told. Pure: rows and answers in,
complaints out. test_checker.py shows that each complaint is made."""

from collections import Counter, defaultdict
from typing import NamedTuple

from record import content, identify, is_oversized

EXAMPLES = 5
NO_OFFSET = -1
LOST, MOVED, TWICE, TWO_NAMES, BYTES, ORDER, HOLE, REFUSED, STRANGER, INDEX = COMPLAINTS = (
    "lost", "not at its offset", "stored twice", "one offset for two records", "changed bytes", "order inversions",
    "holes", "refused and stored", "sent by nobody",
    "outside the segment index")


class Row(NamedTuple):
    partition: int
    segment: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple
    timestamp: int  # ms


class Ack(NamedTuple):
    producer: str
    partition: int
    sequence: int
    offset: int  # NO_OFFSET: it is stored, and the client was not told where


class Answers:
    """What the producers know. acks: of Ack. failed: {(producer, partition, sequence): whether it was refused for
    sure}. sent: {(producer, partition): records sent}; one without any answer may be there or not."""

    def __init__(self, acks, failed=(), sent=()):
        self.acks, self.failed, self.sent = list(acks), dict(failed), dict(sent)


class Report:
    def __init__(self):
        self.counts = Counter()
        self.examples = defaultdict(list)
        self.rows = self.acks = self.unknown = self.jumps = self.nowhere = 0

    def complain(self, what, text):
        self.counts[what] += 1
        if len(self.examples[what]) < EXAMPLES:
            self.examples[what].append(text)

    def __bool__(self):
        return not self.counts

    def __str__(self):
        if self:
            return f"{self.acks} acknowledged, {self.rows} rows"
        return "; ".join(f"{what}: {count}, such as {self.examples[what][0]}" for what, count in self.counts.items())


def check(rows, index, answers):
    """rows: of Row, the whole table in any order. index: {(partition, segment): (first, limit)}."""
    report = Report()
    by_place = defaultdict(list)
    places = defaultdict(list)
    for row in rows:
        report.rows += 1
        record = identify(row.value)
        by_place[row.partition, row.offset].append(record)
        check_content(report, row, record, answers)
        if record:
            places[record].append((row.partition, row.offset))
    for place, records in by_place.items():
        if len(records) > 1:
            report.complain(TWO_NAMES, f"rows at {place} in several segments: {records}")
    for record, found in places.items():
        if len(found) > 1:
            report.complain(TWICE, f"{record} is at {sorted(found)}")
    check_acks(report, by_place, places, answers)
    check_silent(report, places, answers)
    check_order(report, by_place)
    check_segments(report, rows, index)
    return report


def check_content(report, row, record, answers):
    if record is None or record[1] != row.partition or record[2] >= answers.sent.get(record[:2], 0):
        report.complain(STRANGER, f"{row[:3]} holds {row.value[:60]!r}, which nobody sent there")
        return
    wanted = content(*record)
    if (row.key, row.value, row.headers, row.timestamp) != wanted:
        names = [name for name, is_, should in zip(wanted._fields, row[3:], (wanted.key, wanted.value, wanted.headers,
                                                                             wanted.timestamp)) if is_ != should]
        report.complain(BYTES, f"{record} at {row[:3]} differs in {' '.join(names)}")


def check_acks(report, by_place, places, answers):
    told = {}
    for ack in answers.acks:
        report.acks += 1
        record, place = ack[:3], (ack.partition, ack.offset)
        if ack.offset == NO_OFFSET:
            report.nowhere += 1
            if record not in places:
                report.complain(LOST, f"{record}, acknowledged without an offset")
            continue
        if told.setdefault(place, record) != record:
            report.complain(TWO_NAMES, f"{place} was acknowledged for {told[place]} and for {record}")
        if record not in places:
            report.complain(LOST, f"{record}, acknowledged at {place}")
        elif record not in by_place.get(place, ()):
            report.complain(MOVED, f"{record}, acknowledged at {place}, is at {places[record]}")


def check_silent(report, places, answers):
    """Records that are there without an acknowledgement: only those with an unknown outcome may be."""
    acked = {ack[:3] for ack in answers.acks}
    for record in places:
        if record not in acked and (answers.failed.get(record) or is_oversized(record[0], record[2])):
            report.complain(REFUSED, f"{record} is at {places[record]}")
    refused = sum(answers.failed.values())
    report.unknown = sum(answers.sent.values()) - len(acked) - refused


def check_order(report, by_place):
    newest = {}
    for place in sorted(by_place):
        for record in by_place[place]:
            if record is None:
                continue
            before = newest.get(record[:2])
            if before and record[2] < before[0]:
                report.complain(ORDER, f"{record} at {place} comes after {before[0]} at {before[1]}")
            else:
                newest[record[:2]] = record[2], place


def check_segments(report, rows, index):
    offsets = defaultdict(set)
    for row in rows:
        offsets[row.partition, row.segment].add(row.offset)
    last = {}
    for (partition, segment), held in sorted(offsets.items()):
        lowest, highest = min(held), max(held)
        first, limit = index.get((partition, segment), (None, None))
        if first is None or lowest < first or highest >= limit:
            report.complain(INDEX, f"segment {partition}/{segment} holds {lowest} to {highest}, the index says "
                                   f"{first} to {limit}")
            first = lowest
        missing = highest + 1 - first - len({offset for offset in held if offset >= first})
        if missing:
            gap = next(offset for offset in range(first, highest) if offset not in held)
            report.complain(HOLE, f"segment {partition}/{segment}, {first} to {highest}: {missing} missing, from {gap}")
        if partition in last and first != last[partition] + 1:
            report.jumps += 1  # the log may go on in a new segment above an empty end
        last[partition] = highest
