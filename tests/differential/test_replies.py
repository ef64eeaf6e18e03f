"""The same bytes go to a real Apache Kafka broker and to Sluice, and the replies are compared field by field.

Whatever differs must be listed in wanted.toml with its reason. One command: tools/test differential [-k TEXT]
"""

import pytest
from cases import CASES
from compare import differences, in_order, named


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_sluice_answers_as_kafka_does(number, kafkas, sluice, wanted):
    case = CASES[number]
    told = []
    for server in (kafkas(case.brokers()), sluice):
        server.prepare(case, number)
        told.append([in_order(named(result, own=server.own_topic)) for result in server.play(case)])
    if not case.has_own_topic:
        hide_offsets(told)
    found = list(differences(*told))
    unexplained = [f for f in found if not wanted.explains(case.name, *f)]
    assert not unexplained, "not in wanted.toml:\n" + "\n".join(
        f"  {path}: Kafka {kafka!r}, Sluice {sluice!r}" for path, kafka, sluice in unexplained)


def hide_offsets(value):
    """In a shared topic they depend on what came before."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "base_offset" and inner >= 0:
                value[name] = "an offset"
            hide_offsets(inner)
    elif isinstance(value, list):
        for inner in value:
            hide_offsets(inner)
