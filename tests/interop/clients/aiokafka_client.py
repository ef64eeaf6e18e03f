"""aiokafka with its defaults but for what the arguments say."""

import asyncio
import sys

import aiokafka
import plan


async def main():
    failed = False
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=plan.address, **plan.settings) as producer:
        answers = [await producer.send(plan.topic, value=record.value, key=record.key, partition=record.partition,
                                       timestamp_ms=record.timestamp, headers=record.headers) for record in plan.records()]
        await producer.flush()
        for index, answer in enumerate(answers):
            try:
                told = await answer
                # with acks 0 it tells nothing
                plan.answer(index, told.partition if told else -1, told.offset if told else -1)
            except aiokafka.errors.KafkaError as error:
                failed = True
                plan.refuse(index, error)
    return failed


sys.exit(asyncio.run(main()))
