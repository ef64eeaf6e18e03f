"""TLS between Sluice and a real Cassandra: client_encryption_options, with and without a certificate of our own."""

import subprocess

import pytest
from gateway import Sluice
from node import Node

PASSWORD = "not-secret"


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


def make_ca(directory, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", cwd=directory)


def make_certificate(directory, name, alternative, ca="ca"):
    (directory / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=directory)
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
            "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem", cwd=directory)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    make_ca(directory, "ca")
    make_ca(directory, "other-ca")
    make_certificate(directory, "node", "IP:127.0.0.1,DNS:node.example")
    make_certificate(directory, "sluice", "DNS:sluice.example")
    make_certificate(directory, "stranger", "DNS:sluice.example", ca="other-ca")
    openssl("pkcs12", "-export", "-in", "node.pem", "-inkey", "node.key", "-certfile", "ca.pem", "-name", "node",
            "-out", "node.p12", "-passout", f"pass:{PASSWORD}", cwd=directory)
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem", "-keystore", "trust.p12",
                    "-storetype", "PKCS12", "-storepass", PASSWORD], cwd=directory, check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def tls_node(keys, tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("tls-cassandra"))
    # optional: tools/cassandra asks without TLS whether the node answers; who speaks TLS must show a certificate
    node.environment["SLUICE_CASSANDRA_YAML"] = f"""
client_encryption_options:
  enabled: true
  optional: true
  keystore: {keys}/node.p12
  keystore_password: {PASSWORD}
  require_client_auth: true
  truststore: {keys}/trust.p12
  truststore_password: {PASSWORD}
"""
    node.start()
    yield node
    node.leave()


@pytest.fixture
def tls_sluice(binary, tls_node, keys, tmp_path):
    made = []

    def make(node=tls_node, **changed):
        settings = {"tls": "true", "tls_ca_file": keys / "ca.pem", "tls_certificate_file": keys / "sluice.pem",
                    "tls_key_file": keys / "sluice.key"}
        settings.update(changed)
        made.append(Sluice(node, tmp_path, settings=[f"cassandra.{k}={v}" for k, v in settings.items() if v != ""]))
        return made[-1]

    yield make
    for sluice in made:
        sluice.close()


def produce_and_count(sluice, node, topic, count=1000):
    subprocess.run(["kcat", "-P", "-b", sluice.address, "-t", topic], input="\n".join(f"{'x' * 500}{i}" for i in range(count)),
                   text=True, check=True, timeout=120)
    return len(node.query(f"SELECT offset FROM {sluice.keyspace}.{topic}"))


def test_records_go_over_tls_with_both_certificates_verified(tls_sluice, tls_node):
    sluice = tls_sluice()
    sluice.start(within=60)
    assert produce_and_count(sluice, tls_node, "over_tls") == 1000
    # the node itself says which of its clients speak TLS
    clients = tls_node.query("SELECT driver_name, ssl_enabled FROM system_views.clients")
    assert any(ssl for name, ssl in clients if name and "luice" in name), clients
    assert not any(not ssl for name, ssl in clients if name and "luice" in name), clients


def test_a_name_in_all_certificates_may_stand_for_the_addresses(tls_sluice):
    tls_sluice(tls_server_name="node.example").start(within=60)


@pytest.mark.parametrize("changed, said", [
    ({"tls_ca_file": "other-ca.pem"}, "certificate is not trusted"),
    ({"tls_server_name": "elsewhere.example"}, "certificate is not for elsewhere.example"),
    ({"tls_certificate_file": "", "tls_key_file": ""}, "TLS: the node refused.*certificate"),
    ({"tls_certificate_file": "stranger.pem", "tls_key_file": "stranger.key"}, "TLS: the node refused"),
])
def test_who_cannot_be_trusted_is_refused_and_the_reason_is_said(tls_sluice, keys, changed, said):
    files = {k: keys / v if v.endswith((".pem", ".key")) else v for k, v in changed.items()}
    sluice = tls_sluice(**files)
    sluice.launch()
    sluice.wait_for(said, within=30)
    assert " msg=ready" not in sluice.log()
    sluice.kill()


def test_verification_can_be_switched_off_and_that_is_warned_of(tls_sluice, keys):
    sluice = tls_sluice(tls_ca_file=keys / "other-ca.pem", tls_verify="none").start(within=60)
    assert "nodes are not verified" in sluice.log()


def test_a_node_that_does_not_speak_tls_is_named(tls_sluice, node):
    sluice = tls_sluice(node=node)
    sluice.launch()
    sluice.wait_for("unreachable.*(does not speak TLS|closed by the node)", within=30)
    sluice.kill()


@pytest.mark.parametrize("changed, said", [
    ({"tls_ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
    ({"tls_key_file": "{keys}/stranger.key"}, "stranger.key.*fits the certificate"),
])
def test_a_file_that_cannot_be_used_ends_the_start(tls_sluice, keys, changed, said):
    sluice = tls_sluice(**{k: v.format(keys=keys) for k, v in changed.items()})
    sluice.launch()
    assert sluice.process.wait(10) == 78
    sluice.process = None
    with open(sluice.log_path) as log:
        import re
        assert re.search(said, log.read())
