"""The servers: one real Cassandra and a Sluice in front of it, Kafka 3.9 and 4.3; see tests/e2e/conftest.py for settings.

SLUICE_KAFKA_3, _4     HOST:PORT of a broker that runs already
SLUICE_KAFKA_PORT      where free ports for the brokers are looked for (29500)
"""

import os
import shutil

import pytest
from brokers import Kafka
from compare import Wanted
from gateway import Sluice
from node import Node
from server import Server

VERSIONS = {"3": "3.9.2", "4": "4.3.1"}


@pytest.fixture(scope="session")
def kafkas(tmp_path_factory):
    started, others = {}, {}

    def get(major):
        if major not in started:
            running = os.environ.get(f"SLUICE_KAFKA_{major}")
            if running:
                return others.setdefault(major, Server(f"Kafka at {running}", running))
            directory = tmp_path_factory.mktemp(f"kafka-{major}")
            started[major] = Kafka(VERSIONS[major], directory)
            started[major].start()
            started[major].server = Server(f"Kafka {VERSIONS[major]}", started[major].address)
        return started[major].server

    yield get
    for kafka in started.values():
        kafka.close()
        shutil.rmtree(kafka.directory / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def sluice(tmp_path_factory):
    port = os.environ.get("SLUICE_CASSANDRA_PORT")
    node = Node(tmp_path_factory.mktemp("cassandra"), int(port) if port else None)
    node.start()
    sluice = Sluice(node, tmp_path_factory.mktemp("sluice"), settings=["topics.auto_create_per_second=1000", "topics.max_topics=5000"])
    sluice.start()
    yield Server("Sluice", sluice.address)
    sluice.close()
    node.leave()


@pytest.fixture(scope="session")
def wanted(request):
    wanted = Wanted()
    yield wanted
    # An entry that no case needs any more is a difference that has gone: it must go as well.
    selected_all = not request.config.option.keyword and request.session.testsfailed == 0 and len(
        request.session.items) == request.session.testscollected
    if selected_all and wanted.unseen():
        pytest.fail("entries of wanted.toml that nothing needs:\n" + "\n".join(str(e) for e in wanted.unseen()))
