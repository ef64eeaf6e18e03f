"""The program as a person meets it."""

import subprocess
import threading
import time

import confluent_kafka
import pytest
import wire
from node import free_port
from records import read
from wire import Connection, batch

RETRIABLE = {wire.UNKNOWN_TOPIC, wire.LEADER_NOT_AVAILABLE, wire.NOT_LEADER, wire.TIMED_OUT, wire.NOT_ENOUGH_REPLICAS}

BAD_FILES = {
    "a misspelt setting": ("cassandra:\n  contact_pionts: [127.0.0.1]\n", 2, "contact_pionts"),
    "a misspelt section": ("casandra:\n  keyspace: x\n", 1, "casandra"),
    "a word for a number": ("topics:\n  auto_create: true\n  num_partitions: many\n", 3, "num_partitions"),
    "a number out of range": ("topics:\n  num_partitions: -3\n", 2, "num_partitions"),
    "a list for a word": ("cassandra:\n  keyspace: [a, b]\n", 2, "keyspace"),
    "a bad address": ("cassandra:\n  contact_points: ['127.0.0.1:99999']\n", 2, "contact_points"),
    "a setting given twice": ("cassandra:\n  keyspace: a\n  keyspace: b\n", 3, "keyspace"),
    "no YAML": ("cassandra: [\n", None, ""),
}


def run(binary, *arguments, within=10, **options):
    return subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=within, stdin=subprocess.DEVNULL, **options)


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("verb", ["serve", "check"])
def test_a_bad_file_is_told_by_file_line_and_setting(binary, tmp_path, name, verb):
    text, line, setting = BAD_FILES[name]
    path = tmp_path / "sluice.yaml"
    path.write_text(text)
    done = run(binary, verb, "--config", path)
    assert done.returncode == 78, done.stderr
    complaint = [each for each in done.stderr.splitlines() if str(path) in each]
    assert len(complaint) == 1 and setting in complaint[0], done.stderr
    assert line is None or f"{path}:{line}" in complaint[0] or f"line={line}" in complaint[0], done.stderr


def test_a_file_that_is_not_there_is_told(binary, tmp_path):
    done = run(binary, "serve", "--config", tmp_path / "none.yaml")
    assert done.returncode == 78 and "none.yaml" in done.stderr


def test_a_setting_of_the_command_line_that_is_wrong_is_told(binary):
    done = run(binary, "serve", "--set", "topics.num_partitons=3")
    assert done.returncode in (2, 78) and "num_partitons" in done.stderr


def test_an_unknown_flag_is_a_usage_error(binary):
    done = run(binary, "--no-such-flag")
    assert done.returncode == 2 and "--no-such-flag" in done.stderr


def test_version_tells_its_version(binary):
    done = run(binary, "version")
    assert done.returncode == 0 and done.stdout.startswith("sluice ")


def test_print_config_shows_values_and_where_they_come_from(binary, tmp_path):
    path = tmp_path / "sluice.yaml"
    path.write_text("cassandra:\n  keyspace: from_file\n")
    done = run(binary, "--config", path, "--set", "topics.num_partitions=7", "--print-config",
               env={"SLUICE_CASSANDRA__CONSISTENCY": "QUORUM"})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for value, origin in (("from_file", str(path)), ("7", "--set"), ("QUORUM", "SLUICE_CASSANDRA__CONSISTENCY")):
        assert any(value in line and origin in line for line in lines), done.stdout


def test_check_tells_what_serve_would_do(binary, cassandra):
    done = run(binary, "check", "--contact-points", cassandra.address, "--keyspace", "e2e_check", within=30)
    assert done.returncode == 0, done.stderr
    assert "5.0." in done.stdout + done.stderr


def test_check_fails_without_a_cassandra(binary):
    done = run(binary, "check", "--contact-points", f"127.0.0.1:{free_port()}", within=60)
    assert done.returncode == 1, done.stderr


def test_a_port_in_use_is_told(new_sluice, binary, cassandra):
    first = new_sluice().start()
    done = run(binary, "serve", "--listen", first.address, "--contact-points", cassandra.address,
               "--keyspace", first.keyspace, within=20)
    assert done.returncode in (1, 78)
    complaint = [line for line in done.stderr.splitlines() if str(first.port) in line and "in use" in line]
    assert complaint, done.stderr


def test_it_says_when_it_is_ready_and_what_to_type(new_sluice):
    sluice = new_sluice().start()
    assert "kcat" in sluice.log() and sluice.address in sluice.log()


def test_a_topic_is_not_made_where_that_is_switched_off(new_sluice):
    sluice = new_sluice(settings=["topics.auto_create=false"]).start()
    with Connection(sluice.address) as connection:
        assert connection.metadata("wanted")[0] == wire.UNKNOWN_TOPIC
        time.sleep(1)
        assert connection.metadata("wanted")[0] == wire.UNKNOWN_TOPIC


def test_without_cassandra_it_says_so_answers_retriably_and_serves_once_cassandra_comes(new_sluice, cassandra, topic):
    cassandra.stop()
    sluice = new_sluice().launch()
    sluice.wait_for(cassandra.address.replace(".", r"\."), within=10)
    told = []
    producer = confluent_kafka.Producer({"bootstrap.servers": sluice.address})
    producer.produce(topic, b"patient", on_delivery=lambda error, message: told.append((error, message.offset())))
    waiting = threading.Thread(target=producer.flush, args=(90,))
    waiting.start()
    with Connection(sluice.address) as connection:
        assert connection.api_versions()[0] == wire.OK
        assert connection.metadata("other")[0] in RETRIABLE
        start = time.monotonic()
        assert connection.produce("other", batch(), timeout_ms=2000)[0] in RETRIABLE
        assert time.monotonic() - start < 4
    assert not told
    cassandra.start()
    sluice.wait_for(r"\bready\b", within=60)
    waiting.join()
    assert told == [(None, 0)]
    assert [row.record.value for row in read(cassandra, sluice.keyspace, topic)] == [b"patient"]


def test_it_keeps_its_memory_when_idle(new_sluice):
    sluice = new_sluice().start()
    with open(f"/proc/{sluice.process.pid}/status") as status:
        [resident] = [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
    assert resident <= 20 * 1024, f"{resident} KiB"


def test_a_client_that_dials_ipv6_is_told_ipv6(new_sluice, cassandra, topic):
    sluice = new_sluice()
    sluice.command[sluice.command.index("--listen") + 1] = f"[::]:{sluice.port}"
    sluice.start()
    for address in (f"[::1]:{sluice.port}", f"127.0.0.1:{sluice.port}"):
        producer = confluent_kafka.Producer({"bootstrap.servers": address})
        (broker,) = producer.list_topics(timeout=20).brokers.values()
        assert f"{broker.host}:{broker.port}" == address.replace("[", "").replace("]", "")
        producer.produce(topic, value=address)
        assert producer.flush(60) == 0
    assert len(read(cassandra, sluice.keyspace, topic)) == 2
