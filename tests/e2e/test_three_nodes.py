"""Three Cassandra nodes that come and go under load: `tools/test nodes`, some ten minutes.

Writes go to replicas (the nodes count them), and nothing that happens to one node reaches a producer."""

from statistics import median

import pytest
from gateway import Sluice
from nodes import Load, Nodes, shares

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

PARTITIONS = 12  # and tokens: each node has some
LOW_RATE = 100  # records a second and producer that cannot bring overload about
RATE = 500
OTHER_NET = "127.1.0"
REPLICAS = "{'class': 'NetworkTopologyStrategy', 'datacenter1': %d}"


@pytest.fixture(scope="module")
def some_nodes(tmp_path_factory):
    """The first two."""
    nodes = Nodes(tmp_path_factory.mktemp("nodes"))
    try:
        nodes.tool("start", 1, 2)
        yield nodes
    finally:
        nodes.leave()


@pytest.fixture
def nodes(some_nodes):
    """All three, whatever a test did to them."""
    for pid, node in some_nodes.pids().items():
        some_nodes.tool("resume", node)
    some_nodes.tool("start", 1, 2, 3)
    return some_nodes


@pytest.fixture
def loaded(binary, tmp_path, topic):
    """loaded(nodes, replicas, rate, setting...): a Sluice and a load on its topic that flows."""
    made = []

    def make(nodes, replicas, rate, *settings):
        sluice = Sluice(nodes, tmp_path, PARTITIONS, settings=[
            f"schema.replication={REPLICAS % replicas}", "cassandra.consistency=QUORUM", *settings])
        made.append(sluice)
        sluice.start(within=60)
        made.append(Load(sluice, topic, PARTITIONS, tmp_path, rate))
        return sluice, made[-1]

    yield make
    for one in reversed(made):
        one.close()


def test_a_node_that_is_added_gets_its_writes(some_nodes, loaded):
    _, load = loaded(some_nodes, 1, LOW_RATE)
    load.event("two nodes", 10)
    load.event("the third joins")
    some_nodes.tool("start", 3)
    load.event("three nodes", 10)
    before = some_nodes.coordinated()
    load.event("three nodes, counted", 20)
    writes, part = shares(before, some_nodes.coordinated())
    load.finish()
    load.rates()
    load.check(some_nodes)
    print(f"writes coordinated: {writes}, by a replica: {part:.2%}")
    assert writes[3] > 0 and part >= 0.99


def test_with_one_replica_99_percent_of_the_writes_go_to_it(nodes, loaded):
    _, load = loaded(nodes, 1, LOW_RATE)
    before = nodes.coordinated()
    load.event("counted", 30)
    load.finish()
    writes, part = shares(before, nodes.coordinated())
    load.rates()
    load.check(nodes)
    print(f"writes coordinated: {writes}, by a replica: {part:.2%}")
    assert sum(writes.values()) > 1000 and min(writes.values()) > 0
    assert part >= 0.99


def kill(nodes, load):
    nodes.tool("kill", 2)
    load.event("killed", 10)
    load.event("starts")
    nodes.tool("start", 2)


def pause(nodes, load):
    nodes.tool("pause", 2)
    load.event("stopped for 30 s", 30)
    nodes.tool("resume", 2)


def restart(nodes, load):
    load.event("restarts")
    nodes.restart(2)


def roll(nodes, load):
    for node in (1, 2, 3):
        load.event(f"node {node} restarts")
        nodes.restart(node)
        load.event("up", 5)


@pytest.mark.parametrize("fault", [kill, pause, restart, roll])
def test_a_node_that_fails_under_load_reaches_no_producer(nodes, loaded, fault):
    sluice, load = loaded(nodes, 3, RATE)
    load.event("before", 15)
    fault(nodes, load)
    load.event("back", 10)
    load.event("after", 15)
    load.finish()
    rates = load.rates()
    load.check(nodes)
    assert sluice.alive()
    assert median(rates["after"]) >= 0.8 * median(rates["before"])


def test_with_speculative_execution_a_node_that_stops_holds_nobody_up(nodes, loaded):
    _, load = loaded(nodes, 3, RATE, "cassandra.speculative_execution_delay=200ms")
    load.event("before", 10)
    nodes.tool("pause", 2)
    load.event("stopped for 15 s", 15)
    nodes.tool("resume", 2)
    load.event("back", 10)
    load.finish()
    rates = load.rates()
    load.check(nodes)
    assert min(rates["stopped for 15 s"]) > 0  # without it: nothing for up to 3 s


def test_a_node_that_comes_back_at_another_address_gets_its_writes(nodes, loaded):
    sluice, load = loaded(nodes, 3, LOW_RATE)
    load.event("before", 10)
    load.event("node 3 moves")
    nodes.move(3, OTHER_NET)
    try:
        sluice.wait_for(f"is up.*{OTHER_NET}.3:", within=120)
        load.event("moved", 10)
        before = nodes.coordinated()
        load.event("moved, counted", 15)
        writes, _ = shares(before, nodes.coordinated())
        load.finish()
        load.rates()
        load.check(nodes)
    finally:
        nodes.restart(3)
    print(f"writes coordinated: {writes}")
    assert writes[3] > 0
