"""Sluice is killed five times at random moments and named points; tests/kill/run does it for hours."""

import os
import pathlib
import random
import sys

import pytest
from node import ROOT, free_port

sys.path.append(str(ROOT / "tests" / "kill"))

from parts import BINARY  # noqa: E402
from rounds import Round, Tally  # noqa: E402

EVIDENCE = ROOT / "build" / "kill-evidence"


@pytest.mark.timeout(300)
def test_five_kills_lose_nothing_and_store_nothing_twice(cassandra):
    assert pathlib.Path(BINARY).exists(), f"{BINARY} is not built: cmake --preset kill && cmake --build --preset kill"
    seed, tally = os.environ.get("SLUICE_KILL_SEED", str(random.randrange(10**9))), Tally()
    print(f"SLUICE_KILL_SEED={seed}")
    sound = Round(cassandra, f"kill_{os.getpid()}", free_port(), seed, 1, EVIDENCE, tally).run(5, kinds=("librdkafka", "4"))
    print(tally)
    assert sound and tally.kills >= 5
