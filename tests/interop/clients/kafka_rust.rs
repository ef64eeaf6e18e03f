// kafka-rust with its defaults but for what the arguments say. It sends what it is given at once, asks for all topics'
// metadata first, and retries nothing, so a new topic is asked for until it has leaders.

mod plan;

use kafka::client::{Compression, KafkaClient, RequiredAcks};
use kafka::producer::{Producer, Record};
use std::time::{Duration, Instant};

fn client_that_knows(task: &plan::Task) -> KafkaClient {
    let until = Instant::now() + Duration::from_secs(20);
    let highest = task.records.iter().map(|r| r.partition).max().unwrap();
    let mut client = KafkaClient::new(vec![task.address.clone()]);
    loop {
        let loaded = client.load_metadata(&[&task.topic]);
        let topics = client.topics();
        if topics.partitions(&task.topic).is_some_and(|known| known.available_ids().contains(&highest)) {
            return client;
        }
        assert!(Instant::now() < until, "no leaders within 20 s: {loaded:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn producer(task: &plan::Task) -> Producer {
    let mut builder = Producer::from_client(client_that_knows(task));
    for (name, value) in &task.settings {
        builder = match (name.as_str(), value.as_str()) {
            ("acks", "0") => builder.with_required_acks(RequiredAcks::None),
            ("acks", "1") => builder.with_required_acks(RequiredAcks::One),
            ("acks", "all") => builder.with_required_acks(RequiredAcks::All),
            ("codec", "none") => builder.with_compression(Compression::NONE),
            ("codec", "gzip") => builder.with_compression(Compression::GZIP),
            ("codec", "snappy") => builder.with_compression(Compression::SNAPPY),
            ("max_bytes", _) => builder, // it has no limit
            _ => panic!("unknown setting {name}={value}"),
        };
    }
    builder.create().unwrap()
}

fn main() {
    let mut task = plan::Task::read();
    let mut producer = producer(&task);
    let topic = task.topic.clone();
    for batch in task.batches(0..task.records.len()) {
        let records: Vec<_> = batch
            .iter()
            .map(|&index| {
                let r = &task.records[index];
                let (key, value) = (r.key.clone().unwrap_or_default(), r.value.clone().unwrap_or_default());
                Record::from_key_value(&topic, key, value).with_partition(r.partition)
            })
            .collect();
        let confirms = producer.send_all(&records).unwrap();
        let told: Vec<_> = confirms.iter().flat_map(|confirm| &confirm.partition_confirms).collect();
        let mut next = std::collections::BTreeMap::new();
        for index in batch {
            let partition = task.records[index].partition;
            let Some(confirm) = told.iter().find(|c| c.partition == partition) else {
                task.answer(index, Ok::<_, &str>((partition, -1))); // acks=0: nothing is told
                continue;
            };
            let place = next.entry(partition).or_insert(0);
            task.answer(index, confirm.offset.as_ref().map(|base| (partition, base + *place)).map_err(|e| format!("{e:?}")));
            *place += 1;
        }
    }
    task.end();
}
