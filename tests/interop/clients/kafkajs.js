// kafkajs with its defaults but for what the arguments say. snappy and lz4 come from packages beside it.

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require("kafkajs");
const plan = require("./plan.js");

const ACKS = { 0: 0, 1: 1, all: -1 };
const { acks, codec, idempotence } = plan.settings;

if (codec === "snappy") CompressionCodecs[CompressionTypes.Snappy] = require("kafkajs-snappy");
if (codec === "lz4") CompressionCodecs[CompressionTypes.LZ4] = new (require("kafkajs-lz4"))().codec;

function headers(pairs) {
  const all = {};
  for (const [name, value] of pairs) all[name] = name in all ? [all[name], value].flat() : value;
  return all;
}

const message = ({ partition, timestamp, key, value, headers: pairs }) => ({ partition, timestamp: String(timestamp), key,
  value, headers: headers(pairs) });

async function main() {
  const kafka = new Kafka({ brokers: [plan.address], logLevel: logLevel.ERROR });
  const producer = kafka.producer(idempotence === undefined ? {} : { idempotent: idempotence === "true" });
  await producer.connect();
  for (const batch of plan.batches()) {
    const request = { topic: plan.topic, messages: batch.map(message) };
    if (acks !== undefined) request.acks = ACKS[acks];
    if (codec !== undefined) request.compression = CompressionTypes[{ none: "None", gzip: "GZIP", snappy: "Snappy", lz4: "LZ4" }[codec]];
    const told = await producer.send(request);
    plan.answerBatch(batch, (partition) => told?.find((each) => each.partition === partition)?.baseOffset ?? -1);
  }
  await producer.disconnect();
}

plan.run(main);
