"""confluent-kafka, over the librdkafka of its wheel, with its defaults but for what the arguments say."""

import sys

import confluent_kafka
import plan

failed = []


def delivered(index):
    def callback(error, message):
        if error:
            failed.append(index)
            plan.refuse(index, error)
        else:
            plan.answer(index, message.partition(), message.offset())
    return callback


producer = confluent_kafka.Producer({"bootstrap.servers": plan.address, **plan.settings})
for index, record in enumerate(plan.records()):
    while True:
        try:
            producer.produce(plan.topic, value=record.value, key=record.key, partition=record.partition,
                             timestamp=record.timestamp, headers=record.headers, on_delivery=delivered(index))
            break
        except BufferError:
            producer.poll(0.1)
    producer.poll(0)
sys.exit(producer.flush(60) > 0 or bool(failed))
