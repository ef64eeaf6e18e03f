// What the Node clients share: the contract of tests/e2e/producers.py, with the settings in the spelling of registry.py.

const fs = require("node:fs");

const blob = (text) => (text === "-" ? null : Buffer.from(text, "base64"));

function record(line, index) {
  const [partition, timestamp, key, value, headers] = line.split("\t");
  const pairs = headers.split(",").filter(Boolean).map((pair) => pair.split(":").map(blob));
  return { index, partition: Number(partition), timestamp: Number(timestamp), key: blob(key), value: blob(value),
    headers: pairs.map(([name, bytes]) => [name.toString(), bytes]) };
}

const [address, topic, path, ...pairs] = process.argv.slice(2);
const lines = fs.readFileSync(path, "utf8").split("\n").slice(0, -1);

const BATCH_RECORDS = 1000;
const BATCH_BYTES = 1_000_000;

// For clients that send what they are given as one batch.
function* batches() {
  let batch = [];
  let bytes = 0;
  for (const each of module.exports.records) {
    const size = each.value?.length ?? 0;
    if (batch.length === BATCH_RECORDS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(each);
    bytes += size;
  }
  yield batch;
}

module.exports = {
  address,
  topic,
  records: lines.map(record),
  settings: Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])),
  batches,
  answer(index, partition, offset) {
    console.log(`${index}\t${partition}\t${offset}`);
  },
  refuse(index, error) {
    process.exitCode = 1;
    console.log(`${index}\terror\t${String(error).replaceAll("\n", " ")}`);
  },
  // Open connections must not keep a program that has failed.
  run(main) {
    main().catch((error) => {
      module.exports.refuse(-1, [error, ...(error.errors ?? [])].join("; "));
      process.exit();
    });
  },
  // Clients that tell the offset of a batch's first record: base(partition) gives it.
  answerBatch(batch, base) {
    const next = new Map();
    for (const { index, partition } of batch) {
      const place = next.get(partition) ?? 0;
      next.set(partition, place + 1);
      module.exports.answer(index, partition, BigInt(base(partition)) + BigInt(place));
    }
  },
};
