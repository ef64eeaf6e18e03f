// node-rdkafka, over Debian's librdkafka, with its defaults but for what the arguments say.

const { Producer } = require("node-rdkafka");
const plan = require("./plan.js");

const POLL_MS = 10;
const QUEUE_FULL = -184;

function produce(producer, { index, partition, timestamp, key, value, headers }) {
  const pairs = headers.map(([name, bytes]) => ({ [name]: bytes }));
  try {
    producer.produce(plan.topic, partition, value, key, timestamp, index, pairs);
    return true;
  } catch (error) {
    if (error.code !== QUEUE_FULL) throw error;
    return false;
  }
}

async function main() {
  const producer = new Producer({ "bootstrap.servers": plan.address, dr_cb: true, ...plan.settings });
  let left = plan.records.length;
  producer.on("delivery-report", (error, { opaque, partition, offset }) => {
    error ? plan.refuse(opaque, error) : plan.answer(opaque, partition, offset);
    if (--left === 0) producer.disconnect();
  });
  producer.on("event.error", (error) => console.error(error));
  await new Promise((resolve, reject) => producer.connect({}, (error) => (error ? reject(error) : resolve())));
  producer.setPollInterval(POLL_MS);
  for (const record of plan.records) while (!produce(producer, record)) await new Promise((go) => setTimeout(go, POLL_MS));
}

plan.run(main);
