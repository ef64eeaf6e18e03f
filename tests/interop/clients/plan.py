"""What the Python clients here share: the contract of tests/e2e/producers.py."""

import base64
import sys
from typing import NamedTuple


class Record(NamedTuple):
    partition: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: list  # of (str, bytes or None)


def blob(text):
    return None if text == "-" else base64.b64decode(text)


def header(text):
    name, value = text.split(":")
    return blob(name).decode(), blob(value)


def setting(text):
    name, value = text.split("=", 1)
    return name, int(value) if value.lstrip("-").isdigit() else {"true": True, "false": False}.get(value, value)


def records():
    with open(sys.argv[3]) as plan:
        for line in plan:
            partition, timestamp, key, value, headers = line.rstrip("\n").split("\t")
            yield Record(int(partition), int(timestamp), blob(key), blob(value),
                         [header(text) for text in headers.split(",") if text])


def answer(index, partition, offset):
    print(index, partition, -1 if offset is None else offset, sep="\t")


def refuse(index, error):
    print(index, "error", str(error).replace("\n", " "), sep="\t")


address, topic = sys.argv[1:3]
settings = dict(map(setting, sys.argv[4:]))
