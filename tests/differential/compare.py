"""Two replies side by side: what may differ by nature is given a name, and every other difference is one."""

import fnmatch
import pathlib
import tomllib

WANTED = pathlib.Path(__file__).with_name("wanted.toml")
ZERO_ID = "00000000-0000-0000-0000-000000000000"

# Field -> what stands for its value. These are each server's own.
NAMED = {
    "host": lambda v: "a host" if v else v,
    "port": lambda v: "a port" if v > 0 else v,
    "node_id": lambda v: "a node" if v >= 0 else v,
    "leader_id": lambda v: "a node" if v >= 0 else v,
    "controller_id": lambda v: "a node" if v >= 0 else v,
    "replica_nodes": lambda v: ["a node" if n >= 0 else n for n in v],
    "isr_nodes": lambda v: ["a node" if n >= 0 else n for n in v],
    "cluster_id": lambda v: "a cluster" if v else v,
    "leader_epoch": lambda v: "an epoch" if v >= 0 else v,
    "topic_id": lambda v: v if v == ZERO_ID else "an id",
    "producer_id": lambda v: "an id" if v >= 0 else v,
    # Texts are each server's own; that there is one is compared.
    "message": lambda v: "a text" if v else v,
    "error_message": lambda v: "a text" if v else v,
    "documentation": lambda v: "a text" if v else v,
    "log_dir": lambda v: "a directory" if v else v,
    "finalized_features_epoch": lambda v: "an epoch" if v >= 0 else v,
}


def named(value, field=None, own=None):
    if value == own:
        return "the case's own topic"
    if isinstance(value, dict):
        return {name: named(inner, name, own) for name, inner in value.items()}
    if field in NAMED and value is not None:
        return NAMED[field](value)
    if isinstance(value, list):
        return [named(inner, own=own) for inner in value]
    return value


def of_name(item):
    return item.get("name") or item.get("resource_name") or item.get("user") or "", item.get("topic_id") or ""


# Lists that Kafka has in an order of its own, which clients do not look at; and those that are looked up by a field.
SORTED = {"topics": of_name, "responses": of_name, "results": of_name,
          "partitions": lambda item: item.get("index", item.get("partition_index"))}
LOOKED_UP = {"api_keys": "api_key", "supported_features": "name", "finalized_features": "name", "configs": "name"}


def in_order(reply):
    if isinstance(reply, list):
        return [in_order(item) for item in reply]
    if not isinstance(reply, dict):
        return reply
    for name, inner in LOOKED_UP.items():
        if isinstance(reply.get(name), list):
            reply = {**reply, name: {str(entry[inner]): {n: v for n, v in entry.items() if n != inner}
                                     for entry in reply[name]}}
    return {name: sorted(map(in_order, value), key=SORTED[name]) if name in SORTED and value else in_order(value)
            for name, value in reply.items()}


def differences(kafka, sluice, path=""):
    """Yields (path, Kafka's value, Sluice's value); the smallest parts that differ."""
    if isinstance(kafka, dict) and isinstance(sluice, dict):
        for name in {**kafka, **sluice}:
            missing = "missing"
            yield from differences(kafka.get(name, missing), sluice.get(name, missing), f"{path}.{name}".lstrip("."))
    elif isinstance(kafka, list) and isinstance(sluice, list) and len(kafka) == len(sluice):
        for index, (one, other) in enumerate(zip(kafka, sluice)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(kafka, list) and isinstance(sluice, list):
        yield f"{path}.length", len(kafka), len(sluice)
    elif kafka != sluice:
        yield path, kafka, sluice


class Wanted:
    """The list of wanted differences, and which of them were seen."""

    def __init__(self):
        with open(WANTED, "rb") as file:
            self.entries = tomllib.load(file)["difference"]
        for entry in self.entries:
            assert entry.keys() == {"case", "field", "kafka", "sluice", "reason"}, entry
            assert len(entry["reason"]) > 10, f"a reason that says nothing: {entry}"
        self.seen = set()

    def explains(self, case, path, kafka, sluice):
        def fits(text, patterns):
            return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns.split("|"))

        plain = str.maketrans("[]", "()")  # in a field they are indexes
        matches = [number for number, e in enumerate(self.entries)
                   if fits(case, e["case"]) and fits(path.translate(plain), e["field"].translate(plain))
                   and fits(str(kafka), e["kafka"]) and fits(str(sluice), e["sluice"])]
        self.seen.update(matches)
        return bool(matches)

    def unseen(self):
        return [e for number, e in enumerate(self.entries) if number not in self.seen]
