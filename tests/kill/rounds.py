"""A round: producers send to a topic of their own while Sluice and Cassandra die and stop, one life of Sluice after the
other; at its end every record is answered, and the table is read whole and checked."""

import os
import random
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass, field

import checker
import points
from parts import DEFINITE, Broken, Member, Producer, numbered, read_table
from record import MAX_MESSAGE_BYTES

PARTITIONS = 3
BIG_RATE = 150
BATCH_BYTES = 200_000  # below the topic's limit: only a record that is too large by itself is refused
RESPAWN_SECONDS = 0.05  # what a supervisor takes; answers that were on their way have arrived by then
POINT_PATIENCE = 6
RENEWAL_PATIENCE = 9
FIRST_ANSWER_AFTER_NS = 10_000_000  # an answer sooner after exec than this is one of the life before


@dataclass
class Tally:
    """What happened, over all rounds."""
    kills: int = 0
    at_points: dict = field(default_factory=dict)
    missed: int = 0
    stops: int = 0
    long_stops: int = 0
    fenced: int = 0
    back_in_time: int = 0
    cassandra_kills: int = 0
    cassandra_stops: int = 0
    acked: int = 0
    rows: int = 0
    refused: int = 0
    unknown: int = 0
    without_offset: int = 0
    jumps: int = 0
    restarts_ms: list = field(default_factory=list)
    outages_ms: list = field(default_factory=list)  # restarts while Cassandra was away too
    takeovers_ms: list = field(default_factory=list)
    failed_rounds: int = 0
    complaints: dict = field(default_factory=dict)

    def times(self, values):
        return f"median {statistics.median(values):.0f} ms, worst {max(values):.0f} ms" if values else "none"

    def __str__(self):
        wrong = ", ".join(f"{what} {self.complaints.get(what, 0)}" for what in checker.COMPLAINTS)
        return (f"Sluice killed {self.kills} times ({sum(self.at_points.values())} at {len(self.at_points)} named points, "
                f"{self.missed} named points not reached in time), stopped {self.stops} times ({self.long_stops} longer "
                f"than its lease), Cassandra killed {self.cassandra_kills} and stopped {self.cassandra_stops} times\n"
                f"{self.acked} records acknowledged ({self.without_offset} without an offset), {self.rows} rows, {self.refused} refused, {self.unknown} unknown, "
                f"{self.jumps} times the log went on above offsets left out between segments\n{wrong}\n"
                f"exec to first acknowledgement: {self.times(self.restarts_ms)} ({len(self.restarts_ms)} restarts); "
                f"with Cassandra away: {self.times(self.outages_ms)} ({len(self.outages_ms)})\n"
                f"takeover by another host, from the leader's end to the first acknowledgement: "
                f"{self.times(self.takeovers_ms)} ({len(self.takeovers_ms)}); {self.fenced} resumed after it and ended, {self.back_in_time} resumed in "
                f"time and went on\n"
                f"rounds failed: {self.failed_rounds}; load average {os.getloadavg()[0]:.1f}")


class Round:
    def __init__(self, node, keyspace, port, seed, number, directory, tally, rate=700):
        self.node, self.number, self.tally, self.rate = node, number, tally, rate
        self.random = random.Random(f"{seed}/{number}")
        self.directory = numbered(directory, f"round-{number}")
        self.keyspace, self.topic = keyspace, f"round{number}"
        self.address = f"127.0.0.1:{port}"
        settings = [f"topics.num_partitions={PARTITIONS}", f"topics.max_message_bytes={MAX_MESSAGE_BYTES}",
                    f"log_tables.segment_max_rows={self.random.choice([1000, 2000, 5000, 100_000])}",
                    f"log_tables.mutation_max_bytes={self.random.choice(['64KiB', '64KiB', '0'])}"]
        self.member = Member("killed", keyspace, node.address, self.directory / "sluice.log", port, settings=settings)
        self.members = [self.member]
        self.producers, self.events, self.outages = [], [], []

    def say(self, text):
        self.events.append(f"{time.monotonic():.3f} {text}")

    # --- the ways to die ---

    def plan(self, first):
        """How the next life ends: (kind, point or None)."""
        kind = self.random.choices(["moment", "early", "start", "run", "drain"], [30, 8, 22, 35, 5])[0]
        if first:
            kind = self.random.choice(["topic", "start", "run", "moment"])
        table = {"start": points.START, "run": points.RUN, "drain": points.DRAIN, "topic": points.TOPIC}.get(kind)
        if table is None:
            return kind, None
        name = self.random.choice(sorted(table))
        return kind, f"{name}:{self.random.randint(1, table[name])}"

    def live(self, kind, point):
        """One life, to its end by kill -9."""
        life = self.member.launch(point, plan=f"{kind} {point or ''}")
        self.say(f"exec pid {life.process.pid}: {kind} {point or ''}")
        if kind == "early":
            self.pause(0.0, 0.4)
        elif point is None or kind == "drain":
            self.member.wait_ready()
            self.pause(0.2, 1.5)
            self.disturb(life)
        if kind == "drain":
            life.signal(signal.SIGTERM)
        status = None
        if point:
            status = life.wait(RENEWAL_PATIENCE if "rene" in point else POINT_PATIENCE)
        self.count_end(life, point, life.kill() if status is None else status, status is None)
        time.sleep(RESPAWN_SECONDS)

    def count_end(self, life, point, status, by_us):
        if status != -signal.SIGKILL and not (status == 0 and "drain" in life.plan):
            raise Broken(f"Sluice ended with {status} ({life.plan}): {life.log()[-2000:]}")
        self.say(f"dead: {'by us' if by_us else 'at ' + point if status else 'exit 0'}")
        self.tally.kills += status != 0
        if point and not by_us and status != 0:
            name = point.partition(":")[0]
            self.tally.at_points[name] = self.tally.at_points.get(name, 0) + 1
        self.tally.missed += bool(point) and by_us

    def pause(self, shortest, longest):
        time.sleep(self.random.uniform(shortest, longest))

    def disturb(self, life):
        """Sometimes the process stops for a while before its end."""
        if self.random.random() < 0.25:
            self.stop_sluice(life, self.random.uniform(0.3, 3))

    def stop_sluice(self, life, seconds):
        self.say(f"SIGSTOP for {seconds:.1f} s")
        life.stopped_ns = life.stopped_ns or time.monotonic_ns()
        life.signal(signal.SIGSTOP)
        time.sleep(seconds)
        life.signal(signal.SIGCONT)
        self.tally.stops += 1
        self.tally.long_stops += seconds > 10

    # --- rounds ---

    def begin(self, kinds, **settings):
        big = self.random.choice([0, len(kinds) - 1, None])
        for position, kind in enumerate(kinds):
            codec = self.random.choice(["none", "lz4", "zstd", "snappy", "gzip"])
            linger_ms, rate = "5" if kind == "librdkafka" else self.random.choice(["0", "5"]), self.rate
            name = f"{kind[:2]}{position}" + ("-x" if position == 1 else "")
            if position == big:
                name, linger_ms, rate = name.removesuffix("-x") + "-b", "200", min(rate, BIG_RATE)
            self.producers.append(Producer(kind, name, self.address, self.topic, PARTITIONS, rate, self.directory,
                                           compression_type=codec, linger_ms=linger_ms, batch_size=BATCH_BYTES, **settings))

    def run(self, kills, cassandra_kill=False, cassandra_stop=False, long_stop=False,
            kinds=("librdkafka", "librdkafka", "4")):
        began = time.monotonic()
        try:
            self.begin(kinds)
            special = self.random.randrange(kills)
            for turn in range(kills):
                self.live(*self.plan(turn == 0))
                if turn == special:
                    self.trouble(cassandra_kill, cassandra_stop, long_stop)
            self.last_life()
            self.stop_producers()
            report = self.check()
        except Broken as broken:
            report = broken
        finally:
            self.close()
        return self.report(report, time.monotonic() - began)

    def trouble(self, cassandra_kill, cassandra_stop, long_stop):
        """A life with more than its own end."""
        if not (cassandra_kill or cassandra_stop or long_stop):
            return
        life = self.member.launch(plan="trouble")
        self.say("exec: trouble")
        self.member.wait_ready()
        self.pause(0.5, 2)
        if long_stop:
            self.stop_sluice(life, self.random.uniform(10.5, 14))
            self.pause(0.5, 2)
        if cassandra_stop:
            began = time.monotonic_ns()
            self.node.pause()
            self.pause(0.5, 6)
            self.node.resume()
            self.outages.append((began, time.monotonic_ns()))
            self.tally.cassandra_stops += 1
            self.say("Cassandra was stopped")
            self.pause(0.5, 2)
        if cassandra_kill:
            life = self.kill_cassandra(life)
        if life.alive():
            self.count_end(life, None, life.kill(), True)
        time.sleep(RESPAWN_SECONDS)

    def kill_cassandra(self, life):
        """And in every other case Sluice as well while it is away."""
        began = time.monotonic_ns()
        self.say("Cassandra killed")
        self.node.kill()
        if self.random.random() < 0.5:
            self.pause(0.1, 2)
            self.count_end(life, None, life.kill(), True)
            time.sleep(RESPAWN_SECONDS)
            life = self.member.launch(plan="trouble: Cassandra away")
        self.start_cassandra()
        self.outages.append((began, time.monotonic_ns() + 1_000_000_000))
        self.tally.cassandra_kills += 1
        self.say("Cassandra is back")
        self.member.wait_ready()
        self.pause(1, 3)
        return life

    def start_cassandra(self):
        """On a busy machine it may take longer than tools/cassandra waits."""
        for _ in range(4):
            try:
                self.node.start()
                return
            except subprocess.CalledProcessError:
                pass
        raise Broken("Cassandra does not start")

    def last_life(self):
        self.member.launch(plan="last")
        self.say("exec: last")
        if not self.member.wait_ready():
            raise Broken(f"Sluice ended: {self.member.life.log()[-2000:]}")
        self.wait_acks()
        time.sleep(1)

    def wait_acks(self, within=60):
        until = time.monotonic() + within
        while not all(producer.has_acks() for producer in self.producers):
            if time.monotonic() > until:
                raise Broken("a producer was never answered")
            time.sleep(0.1)

    def stop_producers(self):
        for producer in self.producers:
            producer.end()
        self.ends = {producer: producer.finish() for producer in self.producers}

    def check(self):
        acks, failed, sent, times = [], {}, {}, []
        gave_up = {}
        for producer, end in self.ends.items():
            for ack, ns in producer.acks():
                acks.append(ack)
                times.append(ns)
            for record, error in producer.failed().items():
                failed[record] = error in DEFINITE
                if error not in DEFINITE:
                    gave_up[error] = gave_up.get(error, 0) + 1
            sent |= {(producer.name, partition): count for partition, count in enumerate(end["sent"])}
            if end["fatal"] or end["unanswered"]:
                gave_up[f"{producer.name}: {end}"] = 1
        self.measure(sorted(times))
        rows, index = read_table(self.node, self.keyspace, self.topic)
        report = checker.check(rows, index, checker.Answers(acks, failed, sent))
        self.rows = rows
        self.tally.refused += sum(failed.values())
        if gave_up:
            report.complain("clients gave up", str(gave_up))
        for life in self.lives():
            for line in life.log().splitlines():
                if "has lost acknowledged records" in line or "ERROR: AddressSanitizer" in line:
                    report.complain("damage told", line)
        return report

    def measure(self, times):
        """From exec to the first acknowledgement, for each life that gave one before it was stopped."""
        position = 0
        for life in self.member.lives[1:]:
            while position < len(times) and times[position] < life.exec_ns + FIRST_ANSWER_AFTER_NS:
                position += 1
            end_ns = life.stopped_ns or life.end_ns or time.monotonic_ns()
            if position < len(times) and times[position] < end_ns:
                first_ms = (times[position] - life.exec_ns) / 1e6
                away = any(begin < times[position] and life.exec_ns < end for begin, end in self.outages)
                (self.tally.outages_ms if away else self.tally.restarts_ms).append(first_ms)

    def lives(self):
        return [life for member in self.members for life in member.lives]

    def report(self, report, seconds):
        """Prints the line of the round, keeps what explains a failure; was it sound?"""
        sound = isinstance(report, checker.Report)
        if sound:
            tally = self.tally
            tally.acked += report.acks
            tally.rows += report.rows
            tally.unknown += report.unknown
            tally.without_offset += report.nowhere
            tally.jumps += report.jumps
            for what, count in report.counts.items():
                tally.complaints[what] = tally.complaints.get(what, 0) + count
        print(f"round {self.number}: {len(self.lives())} lives, {seconds:.0f} s: {'' if sound and report else 'FAILED: '}{report}"
              + ("" if sound and report else f"\n  evidence in {self.directory}"), flush=True)
        if sound and report:
            for file in self.directory.iterdir():
                file.unlink()
            self.directory.rmdir()
            return True
        self.tally.failed_rounds += 1
        (self.directory / "events").write_text("\n".join(self.events) + "\n")
        if sound:
            (self.directory / "report").write_text(repr(dict(report.examples)) + "\n")
            with open(self.directory / "rows", "w") as out:
                for row in sorted(self.rows):
                    print(*row[:3], row.value[:40], sep="\t", file=out)
        return False

    def close(self):
        for member in self.members:
            member.close()
        for producer in self.producers:
            producer.close()
