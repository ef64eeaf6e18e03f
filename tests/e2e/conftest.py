"""One real Cassandra for the whole run, and Sluices in front of it.

SLUICE_BIN            another binary than build/release/sluice
SLUICE_CASSANDRA_PORT use the Cassandra that `tools/cassandra start` started there, and leave it running
SLUICE_FULL=1         the long variants as well
"""

import os
import pathlib
import re
import signal

import pytest
from gateway import BINARY, Sluice
from node import Node

FULL = os.environ.get("SLUICE_FULL") == "1"


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends what the tests have started


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("full") and not FULL:
            item.add_marker(pytest.mark.skip(reason="takes minutes; SLUICE_FULL=1 runs it"))


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    port = os.environ.get("SLUICE_CASSANDRA_PORT")
    node = Node(tmp_path_factory.mktemp("cassandra"), int(port) if port else None)
    node.start()
    yield node
    node.leave()


@pytest.fixture
def cassandra(node):
    """Answers when the test begins, and again when it has ended."""
    yield node
    node.running()


@pytest.fixture(scope="session")
def binary():
    assert pathlib.Path(BINARY).exists(), f"{BINARY} is not built: cmake --preset release && cmake --build --preset release"
    return BINARY


@pytest.fixture
def new_sluice(binary, cassandra, tmp_path):
    """new_sluice(...) makes one that is not started yet; whatever runs at the end must end well."""
    made = []

    def make(**options):
        made.append(Sluice(cassandra, tmp_path, **options))
        return made[-1]

    yield make
    cassandra.running()
    for sluice in made:
        sluice.close()


@pytest.fixture(scope="session")
def running(binary, node, tmp_path_factory):
    """The one that tests share which do not hurt it."""
    shared = {}

    def get():
        if "sluice" not in shared or not shared["sluice"].alive():
            shared["sluice"] = Sluice(node, tmp_path_factory.mktemp("sluice"))
            shared["sluice"].start()
        return shared["sluice"]

    yield get
    if "sluice" in shared:
        shared["sluice"].close()


@pytest.fixture
def sluice(running, cassandra):
    """Runs, with 3 partitions a topic; a test that it does not survive fails."""
    sluice = running()
    yield sluice
    assert sluice.alive(), f"sluice ended with {sluice.process.returncode}:\n{sluice.log()[-3000:]}"


@pytest.fixture
def topic(request):
    """A name of the test's own."""
    return re.sub(r"[^a-z0-9]+", "_", request.node.name.lower()).strip("_")[:200]


@pytest.fixture
def loads():
    """Loads appended to it are ended with the test."""
    started = []
    yield started
    for load in started:
        load.abandon()
