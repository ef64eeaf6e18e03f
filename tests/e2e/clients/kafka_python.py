"""kafka-python, version 2 or 3, with its defaults but for what the arguments say. The contract is in producers.py."""

import base64
import sys

import kafka


def blob(text):
    return None if text == "-" else base64.b64decode(text)


def header(text):
    name, value = text.split(":")
    return blob(name).decode(), blob(value)


def setting(text):
    name, value = text.split("=", 1)
    return name, int(value) if value.lstrip("-").isdigit() else {"True": True, "False": False}.get(value, value)


address, topic, path = sys.argv[1:4]
producer = kafka.KafkaProducer(bootstrap_servers=address, **dict(map(setting, sys.argv[4:])))
futures = []
with open(path) as plan:
    for line in plan:
        partition, timestamp, key, value, headers = line.rstrip("\n").split("\t")
        futures.append(producer.send(topic, value=blob(value), key=blob(key), partition=int(partition), timestamp_ms=int(timestamp),
                                     headers=[header(text) for text in headers.split(",") if text]))
producer.flush(60)
failed = False
for index, future in enumerate(futures):
    try:
        answer = future.get(10)
        print(index, answer.partition, answer.offset, sep="\t")
    except kafka.errors.KafkaError as error:
        failed = True
        print(index, "error", error, sep="\t")
producer.close(60)  # with acks=0 the flush ends before the last request is written; only closing waits for that
sys.exit(failed)
