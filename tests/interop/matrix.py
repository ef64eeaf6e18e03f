"""The client matrix: every client in every setting against a real Cassandra, read back row by row.

  tests/interop/run                  all of it; RESULTS.md is written when every client has a row
  tests/interop/run --quick          the clients that tests/e2e installs anyway, in the settings that differ most
  tests/interop/run --only TEXT      clients whose name and version contain TEXT; may be repeated: their rows in RESULTS.md are replaced
  tests/interop/run --setting NAME   this column; may be repeated
  tests/interop/run --record         records the clients' first bytes as seeds of fuzz/corpus/kafka_connection

From the environment: SLUICE_BIN, SLUICE_CASSANDRA_PORT (as tests/e2e), SLUICE_CACHE.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from cassandra import InvalidRequest

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))

import building  # noqa: E402
import report  # noqa: E402
from cells import CELLS, QUICK  # noqa: E402
from gateway import Sluice  # noqa: E402
from node import Node  # noqa: E402
from producers import Failed  # noqa: E402
from records import check, check_same, read  # noqa: E402
from registry import CLIENTS  # noqa: E402
from relay import Relay, best, shape, write_seed  # noqa: E402
from report import FAILED, OK, UNSUPPORTED  # noqa: E402

LATE_ROWS_WITHIN_S = 60


class Outcome(NamedTuple):
    verdict: str
    why: str = ""


class Place:
    """A client's topic on one of the gateways. After a failure it is another, so that late rows hurt no later cell."""

    def __init__(self, sluice, cassandra, name):
        self.sluice, self.cassandra, self.name = sluice, cassandra, name
        self.number = 0
        self.renew()

    def renew(self):
        self.number += 1
        self.topic = f"{self.name}_{self.number}"
        self.next = {}  # the first offset of each partition that is not there yet

    def rows(self):
        """What has come since the last cell."""
        try:
            rows = read(self.cassandra, self.sluice.keyspace, self.topic, fetch_size=1000)
        except InvalidRequest as error:
            assert "does not exist" in str(error), error
            rows = []  # its table is still being made
        return [row for row in rows if row.offset >= self.next.get(row.partition, 0)]

    def advance(self, rows):
        """No offset was left out."""
        for partition in {row.partition for row in rows}:
            offsets = sorted(row.offset for row in rows if row.partition == partition)
            first = self.next.get(partition, 0)
            assert offsets == list(range(first, first + len(offsets))), f"partition {partition} has gaps: {offsets[:20]}..."
            self.next[partition] = first + len(offsets)


def comparable(client, record):
    """Without what the client chooses by itself."""
    return record._replace(partition=0 if "partition" in client.without else record.partition,
                           timestamp=0 if "timestamp" in client.without else record.timestamp,
                           key=None if "any key" in client.without else record.key)


def judge(client, cell, sent, acks, rows):
    told = acks is not None and cell.settings.get("acks", client.acks) != "0"
    rows = [row._replace(record=comparable(client, row.record)) for row in rows]
    sent = [comparable(client, record) for record in sent]
    if told:
        check(rows, sent, acks)
    else:
        check_same(rows, sent)


def run_cell(client, prepared, cell, place, sent):
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        told = client.send(prepared, place.sluice.address, place.topic, sent, pathlib.Path(folder), client.spell(cell.settings))
        try:
            rows = Node.eventually(place.rows, lambda rows: len(rows) >= len(sent), LATE_ROWS_WITHIN_S)
            if len(rows) < len(sent) and hasattr(told, "tail"):
                raise Failed(f"{len(rows)} of {len(sent)} rows came:\n{told.tail()}")
        finally:
            if hasattr(told, "stop"):
                told.stop()
                told = None
        judge(client, cell, sent, told, place.rows())
        place.advance(rows)


def outcome_of(client, prepared, cell, place):
    if cell.name in client.without:
        return Outcome(UNSUPPORTED, client.without[cell.name])
    sent = client.records(client, cell)
    if not sent:
        return Outcome(UNSUPPORTED, client.without.get(cell.name, "can say none of these records"))
    try:
        run_cell(client, prepared, cell, place, sent)
        return Outcome(OK)
    except (AssertionError, OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        place.renew()
        return Outcome(FAILED, f"{type(error).__name__}: {error}")


class Matrix:
    def __init__(self, cassandra, folder):
        self.cassandra = cassandra
        self.sluices = {}
        self.folder = folder

    def sluice(self, partitions):
        if partitions not in self.sluices:
            self.sluices[partitions] = Sluice(self.cassandra, self.folder, partitions)
            self.sluices[partitions].start()
        return self.sluices[partitions]

    def run_client(self, number, client, cells):
        try:
            prepared = client.prepare()
        except building.CannotBuild as error:
            return {cell.name: Outcome(FAILED, f"cannot be built: {error}") for cell in cells}
        places = {}
        outcomes = {}
        for cell in cells:
            begun = time.monotonic()
            sluice = self.sluice(cell.partitions)
            if cell.partitions not in places:
                places[cell.partitions] = Place(sluice, self.cassandra, f"client_{number}_of_{cell.partitions}")
            outcome = outcomes[cell.name] = outcome_of(client, prepared, cell, places[cell.partitions])
            print(f"  {outcome.verdict:5} {cell.name} ({time.monotonic() - begun:.1f} s) {outcome.why}", flush=True)
            if not sluice.alive():
                raise SystemExit(f"sluice ended with {sluice.process.returncode}:\n{sluice.log()[-5000:]}")
        return outcomes

    def close(self):
        for sluice in self.sluices.values():
            sluice.close()


RECORDED = {"defaults", "idempotent"}
RECORDED_RECORDS = 6


def record_client(client, relay, number):
    """A seed of the defaults, and one of idempotence where that is another thing."""
    prepared = client.prepare()
    seen = []
    for cell in CELLS:
        if cell.name not in RECORDED or cell.name in client.without:
            continue
        relay.take()
        with tempfile.TemporaryDirectory(prefix="interop-") as folder:
            sent = client.records(client, cell)[:RECORDED_RECORDS]
            told = client.send(prepared, f"127.0.0.1:{relay.port}", f"recorded_{number}", sent, pathlib.Path(folder),
                               client.spell(cell.settings))
            if hasattr(told, "stop"):
                time.sleep(10)
                told.stop()
        requests = best(relay.take())
        if shape(requests) not in seen:
            print(f"  {cell.name}: {write_seed(f'{client.name} {client.version()} {cell.name}', requests)} bytes", flush=True)
            seen.append(shape(requests))


def record(chosen, cassandra, folder):
    relay = Relay()
    sluice = Sluice(cassandra, folder, settings=[f"listener.advertised=127.0.0.1:{relay.port}"])
    relay.target_port = sluice.port
    sluice.start()
    try:
        for number, client in enumerate(chosen):
            print(f"{client.name} {client.version()}", flush=True)
            record_client(client, relay, number)
        sluice.close()
    finally:
        relay.close()
        if sluice.process:
            sluice.kill()
    return 0


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--setting", action="append", default=[])
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends what was started
    options = arguments()
    chosen = [client for client in CLIENTS if (client.quick or not options.quick) and (not options.only or any(
        text.lower() in f"{client.name} {client.version()}".lower() for text in options.only))]
    cells = [cell for cell in CELLS if (cell.name in QUICK or not options.quick)
             and (not options.setting or cell.name in options.setting)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        port = os.environ.get("SLUICE_CASSANDRA_PORT")
        cassandra = Node(pathlib.Path(folder) / "cassandra", int(port) if port else None)
        cassandra.start()
        if options.record:
            return record(chosen, cassandra, pathlib.Path(folder))
        matrix = Matrix(cassandra, pathlib.Path(folder))
        try:
            for number, client in enumerate(chosen):
                print(f"{client.name} {client.version()}", flush=True)
                results[number] = matrix.run_client(number, client, cells)
                if len(cells) == len(CELLS):
                    report.keep(client, results[number])
                    report.write(CLIENTS, CELLS)
            matrix.close()
        finally:
            for sluice in matrix.sluices.values():
                if sluice.process and sluice.alive():
                    sluice.kill()
            cassandra.leave()
    return report.finish(chosen, cells, results)


if __name__ == "__main__":
    sys.exit(main())
