"""Rounds with two gateways of one keyspace on two hosts: the second has a network namespace of its own, so its host
identity differs and nothing proves to one that the other is gone but the lease. Producers reach whichever leads through
one address (a relay). The leader dies or stops, the other takes over; a stopped one is resumed afterwards and must end."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import points
from parts import HERE, Broken, Member, free_port
from record import MAX_MESSAGE_BYTES
from rounds import PARTITIONS, Round

REQUEST_TIMEOUT_MS = 5000
STOP_POINTS = {name: hits for name, hits in points.RUN.items() if name.partition(".")[0] not in ("member", "node_socket")}
STOP_POINTS |= {"partition.loaded": 3, "recovery.page_sent": 2, "recovery.page_written": 2, "recovery.tail_sealed": 2,
                "recovery.index_written": 2}
LATE = ("append.admitted", "mutation.before_send", "mutation.sent")  # what is written after the takeover, by a dead hand


class Hosts:
    """A namespace with a cable to this one, and relays: for the second host's Cassandra and for the producers."""

    def __init__(self, node, directory, port):
        self.name = f"sluice-{os.getpid()}"
        net = f"10.213.{os.getpid() % 250}"
        self.here, self.there = f"{net}.1", f"{net}.2"
        self.node, self.leader = node, directory / "leader"
        self.address = f"127.0.0.1:{port}"
        self.relays = []
        self.up = False
        self.directory = directory

    def ip(self, *arguments, check=True):
        subprocess.run(["ip", *arguments], check=check, capture_output=not check)

    def start(self):
        cable, end = f"sl{os.getpid()}a", f"sl{os.getpid()}b"
        self.ip("netns", "add", self.name)
        self.up = True
        self.ip("link", "add", cable, "type", "veth", "peer", "name", end, "netns", self.name)
        self.ip("addr", "add", f"{self.here}/24", "dev", cable)
        self.ip("link", "set", cable, "up")
        inside = ["-n", self.name]
        self.ip(*inside, "addr", "add", f"{self.there}/24", "dev", end)
        self.ip(*inside, "link", "set", end, "up")
        self.ip(*inside, "link", "set", "lo", "up")
        database = self.directory / "database"
        database.write_text(self.node.address)
        self.contact = f"{self.here}:{self.node.port}"
        self.relay(self.contact, database)
        self.leader.write_text(self.address)
        self.relay(self.address, self.leader)

    def relay(self, listen, target):
        self.relays.append(subprocess.Popen([sys.executable, HERE / "relay.py", listen, target]))

    def lead(self, member, cut):
        """New connections of producers go to this one."""
        fresh = self.leader.with_suffix(".new")
        fresh.write_text(member.address)
        fresh.replace(self.leader)  # the relay reads either the one or the other
        if cut:
            self.relays[1].send_signal(signal.SIGUSR1)

    def close(self):
        for relay in self.relays:
            relay.kill()
            relay.wait()
        if self.up:
            self.ip("netns", "del", self.name, check=False)  # takes the cable along


class PairRound(Round):
    def __init__(self, node, keyspace, hosts, seed, number, directory, tally, rate):
        super().__init__(node, keyspace, 0, seed, number, directory, tally, rate)
        self.hosts, self.address, self.takeovers = hosts, hosts.address, []
        settings = [f"topics.num_partitions={PARTITIONS}", f"topics.max_message_bytes={MAX_MESSAGE_BYTES}",
                    "log_tables.segment_max_rows=2000", "log_tables.mutation_max_bytes=64KiB"]
        here = Member(f"here-{number}", keyspace, node.address, self.directory / "here.log", free_port(),
                      advertised=self.address, settings=settings)
        there = Member(f"there-{number}", keyspace, hosts.contact, self.directory / "there.log", free_port(),
                       advertised=self.address, settings=settings, host=hosts.there,
                       prefix=["ip", "netns", "exec", hosts.name])
        self.members = [here, there]

    def run(self, takeovers, kinds=("librdkafka", "4")):
        began = time.monotonic()
        try:
            self.leader = self.members[0]
            self.launch(self.leader)
            if not self.leader.wait_ready():
                raise Broken(f"the leader ended: {self.leader.life.log()[-1000:]}")
            self.hosts.lead(self.leader, cut=True)
            self.begin(kinds, request_timeout_ms=REQUEST_TIMEOUT_MS)
            for _ in range(takeovers):
                time.sleep(2)
                self.take_over()
            self.finish()
            self.stop_producers()
            report = self.check()
        except Broken as broken:
            report = broken
        finally:
            self.close()
        return self.report(report, time.monotonic() - began)

    def finish(self):
        """The last leader may stop at its point, too."""
        time.sleep(2)
        self.leader.life.kill()
        self.leader = self.other()
        self.leader.launch(plan="last")
        self.hosts.lead(self.leader, cut=True)
        self.wait_acks()

    def launch(self, member):
        """Its way to end as a leader is drawn now: a point to stop at is told to the process when it starts."""
        kind = self.random.choice(["kill", "stop", "edge", "point", "point", "point"])
        name = self.random.choice([*LATE, *LATE, *sorted(STOP_POINTS)])
        point = f"{name}:{self.random.randint(1, STOP_POINTS[name])}" if kind == "point" else None
        member.launch(point, stop=True, plan=kind)
        self.say(f"{member.log_path.stem}: exec pid {member.life.process.pid}, {kind} {point or ''}")

    def other(self):
        return self.members[1 - self.members.index(self.leader)]

    def take_over(self):
        """The standby starts, the leader dies or stops, the standby leads; the former leader ends."""
        old, new = self.leader, self.other()
        kind = old.life.plan
        self.launch(new)
        new.wait_ready()
        time.sleep(2.5)  # it has seen the leader alive: from then on it watches
        cut = self.random.random() < 0.5
        self.end_leader(old.life, kind)
        began_ns = time.monotonic_ns()
        self.say(f"{old.log_path.stem}: {kind}, connections {'cut' if cut else 'left'}")
        self.hosts.lead(new, cut)
        if kind == "edge":
            time.sleep(self.random.uniform(9, 14))
            old.life.signal(signal.SIGCONT)
            self.say(f"{old.log_path.stem}: resumed")
        if not self.wait_taken(old, new, kind):
            return
        self.taken(new, began_ns)
        time.sleep(1)
        if kind != "kill":
            self.end_zombie(old, kind)
        self.leader = new

    def end_leader(self, life, kind):
        if kind == "kill":
            self.tally.kills += 1
            life.kill()
            return
        until = time.monotonic() + 8
        while kind == "point" and not life.stopped() and time.monotonic() < until:
            time.sleep(0.05)
        self.tally.missed += kind == "point" and not life.stopped()
        life.signal(signal.SIGSTOP)

    def wait_taken(self, old, new, kind):
        """Until the new one has fenced the old one. False: the old one was back in time, and goes on; or the new one has
        stopped at a point of its own before it led, as producers do ask one that waits."""
        until = time.monotonic() + 30
        while "member fenced" not in new.life.log():
            if new.life.stopped():
                self.say(f"{new.log_path.stem}: stopped before it led")
                old.life.kill()
                self.leader = new  # the next one takes over from both
                return False
            if kind == "edge" and time.monotonic() > until - 18 and old.life.alive():
                self.say("the old one goes on")
                self.tally.back_in_time += 1
                self.hosts.lead(old, cut=True)
                new.life.kill()
                return False
            if time.monotonic() > until:
                raise Broken(f"nobody took over ({kind}): {new.life.log()[-1000:]}")
            time.sleep(0.02)
        return True

    def taken(self, new, began_ns):
        until = time.monotonic() + 60
        while "partition loaded" not in new.life.log():
            if new.life.stopped():  # at a point of its own: the next one takes over from this one half-way
                self.say(f"{new.log_path.stem}: stopped on its way")
                return
            if time.monotonic() > until:
                raise Broken(f"no partition was loaded: {new.life.log()[-1000:]}")
            time.sleep(0.02)
        loaded_ns = time.monotonic_ns()
        self.takeovers.append((began_ns, loaded_ns))
        self.say(f"{new.log_path.stem}: leads after {(loaded_ns - began_ns) / 1e6:.0f} ms")

    def end_zombie(self, old, kind):
        self.tally.stops += 1
        self.tally.long_stops += 1
        old.life.signal(signal.SIGCONT)
        status = old.life.wait(30)
        if status != 1:
            raise Broken(f"the former leader, fenced while it was stopped ({kind}), ended with {status}: "
                         f"{old.life.log()[-1000:]}")
        self.tally.fenced += 1
        self.say(f"{old.log_path.stem}: ended as fenced")

    def measure(self, times):
        """From the leader's end to the first acknowledgement of the new one."""
        for began_ns, loaded_ns in self.takeovers:
            first = next((ns for ns in times if ns >= loaded_ns - 20_000_000), None)
            if first:
                self.tally.takeovers_ms.append((first - began_ns) / 1e6)
