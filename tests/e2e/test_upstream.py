"""What Sluice and a real Cassandra agree on over one connection: compression, traces."""

import re

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import SimpleStatement
from producers import confluent
from records import check, mixed, odd, read


def our_connections(cassandra):
    """Our connections as the node knows them: port -> STARTUP options. Other tests' gateways may be among them."""
    rows = cassandra.query("SELECT port, driver_name, client_options FROM system_views.clients")
    return {port: dict(options) for port, name, options in rows if name == "sluice"}


def options_since(cassandra, before):
    return [options for port, options in our_connections(cassandra).items() if port not in before]


@pytest.mark.parametrize("mode", ["lz4", "auto"])
def test_records_go_and_are_read_back_compressed(new_sluice, cassandra, mode):
    before = our_connections(cassandra)
    sluice = new_sluice(settings=[f"cassandra.compression={mode}"]).start()
    sent = mixed(3000, size=1000) + odd()
    acks = confluent(sluice.address, "packed", sent)
    ours = options_since(cassandra, before)
    assert ours and all(options.get("COMPRESSION") == "lz4" for options in ours), ours
    sluice.kill()  # what recovery reads is compressed as well
    sluice.start()
    more = mixed(300)
    acks += [ack._replace(index=ack.index + len(sent)) for ack in confluent(sluice.address, "packed", more)]
    check(read(cassandra, sluice.keyspace, "packed"), sent + more, acks)


def test_without_being_asked_nothing_is_compressed(new_sluice, cassandra):
    before = our_connections(cassandra)
    new_sluice().start()
    ours = options_since(cassandra, before)
    assert ours and not any("COMPRESSION" in options for options in ours), ours


def test_a_traced_request_is_logged_with_a_session_that_the_node_knows(new_sluice, cassandra):
    sluice = new_sluice(settings=["cassandra.trace_ppm=1000000", "log.lines_per_second=10000"]).start()
    confluent(sluice.address, "traced", mixed(10))
    sluice.wait_for('msg="request was traced".*request=BATCH.*session=')
    told = set(re.findall(r"request was traced.* session=(\S+)", sluice.log()))
    # Written behind the answer, and not each of them by a busy node; the keyspace has two copies, wherever it is.
    asked = SimpleStatement("SELECT session_id FROM system_traces.sessions", consistency_level=ConsistencyLevel.ONE)
    known = cassandra.eventually(lambda: told & {str(row[0]) for row in cassandra.session().execute(asked)}, bool, within=30)
    assert known, told
