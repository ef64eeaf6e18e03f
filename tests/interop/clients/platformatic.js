// @platformatic/kafka with its defaults but for what the arguments say; its default is not to ask for new topics.

const plan = require("./plan.js");

const ACKS = { 0: 0, 1: 1, all: -1 };
const { acks, codec, idempotence } = plan.settings;

function message({ partition, timestamp, key, value, headers }) {
  const bytes = headers.map(([name, each]) => [Buffer.from(name), each ?? undefined]);
  return { topic: plan.topic, partition, timestamp: BigInt(timestamp), key: key ?? undefined, value: value ?? undefined,
    headers: new Map(bytes) };
}

async function main() {
  const { Producer } = await import("@platformatic/kafka");
  const options = { clientId: "sluice-interop", bootstrapBrokers: [plan.address], autocreateTopics: true };
  if (acks !== undefined) options.acks = ACKS[acks];
  if (codec !== undefined) options.compression = codec;
  if (idempotence !== undefined) options.idempotent = idempotence === "true";
  const producer = new Producer(options);
  for (const batch of plan.batches()) {
    const { offsets } = await producer.send({ messages: batch.map(message) });
    plan.answerBatch(batch, (partition) => offsets?.find((each) => each.partition === partition)?.offset ?? -1);
  }
  await producer.close();
}

plan.run(main);
