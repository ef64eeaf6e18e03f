"""See run."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from pairs import Hosts, PairRound
from parts import BINARY, ROOT, Node, free_port
from rounds import Round, Tally

TAKEOVERS_A_ROUND = 5


def arguments():
    parser = argparse.ArgumentParser(prog="tests/kill/run", description=(
        "Kills Sluice and Cassandra under load and checks the table. Uses the Cassandra of $SLUICE_CASSANDRA_PORT if it "
        "is set (left running), else starts one."))
    parser.add_argument("--kills", type=int, default=300, help="of Sluice, at least (%(default)s)")
    parser.add_argument("--cassandra-kills", type=int, default=30, help="at most one a round (%(default)s)")
    parser.add_argument("--lives", type=int, default=10, help="lives of Sluice in a round, at least (%(default)s)")
    parser.add_argument("--pairs", type=int, default=0, help="rounds of five takeovers between two hosts (network "
                        "namespaces: needs root); before the kills (%(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no round after so long")
    parser.add_argument("--seed", default=None, help="what is drawn: the ways to die, the moments, the settings")
    parser.add_argument("--first", type=int, default=1, help="number of the first round: --seed S --first N draws as "
                                                             "round N of S did (the timing is the machine's)")
    parser.add_argument("--rate", type=int, default=700, help="records a second of each producer (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="where Sluice listens; 0: any")
    parser.add_argument("--evidence", type=pathlib.Path, default=ROOT / "build" / "kill-evidence",
                        help="where logs, answers and rows of a failed round stay")
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends what was started
    seed = options.seed or str(random.randrange(10**9))
    if not pathlib.Path(BINARY).exists():
        sys.exit(f"{BINARY} is not built: cmake --preset kill && cmake --build --preset kill")
    work = pathlib.Path(tempfile.mkdtemp(prefix="sluice-kill-"))
    port = os.environ.get("SLUICE_CASSANDRA_PORT")
    node = Node(work, int(port) if port else None)
    node.running() if node.shared else node.start()
    tally, began, number = Tally(), time.monotonic(), options.first
    print(f"seed {seed}, load average {os.getloadavg()[0]:.1f}, {time.strftime('%F %T')}", flush=True)
    rounds_left = -(-options.kills // options.lives)
    cassandra_kills = options.cassandra_kills
    keyspace = f"kill_{os.getpid()}"
    sluice_port = options.port or free_port()
    hosts = None
    try:
        if options.pairs:
            hosts = Hosts(node, work, free_port())
            hosts.start()
        for _ in range(options.pairs):
            PairRound(node, keyspace, hosts, seed, number, options.evidence, tally,
                      options.rate).run(TAKEOVERS_A_ROUND)
            number += 1
        while (tally.kills < options.kills or tally.cassandra_kills < options.cassandra_kills) and \
                time.monotonic() - began < options.seconds:
            draw = random.Random(f"{seed}/{number}/plan")
            Round(node, keyspace, sluice_port, seed, number, options.evidence, tally, options.rate).run(
                options.lives, cassandra_kill=tally.cassandra_kills < cassandra_kills and
                (rounds_left <= cassandra_kills - tally.cassandra_kills or draw.random() < 0.5),
                cassandra_stop=draw.random() < 0.4, long_stop=draw.random() < 0.2)
            number += 1
            rounds_left -= 1
            node.running()
    finally:
        if hosts:
            hosts.close()
        print(f"{time.monotonic() - began:.0f} s, seed {seed}\n{tally}", flush=True)
        if tally.at_points:
            print("points: " + ", ".join(f"{name} {count}" for name, count in sorted(tally.at_points.items())), flush=True)
        node.leave()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(1 if tally.failed_rounds else 0)


if __name__ == "__main__":
    main()
