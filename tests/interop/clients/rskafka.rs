// rskafka with its defaults but for what the arguments say. It batches nothing by itself: a call
// is a request.

mod plan;

use chrono::DateTime;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::ClientBuilder;
use rskafka::record::Record;

fn codec(name: Option<&String>) -> Compression {
    match name.map(String::as_str) {
        None | Some("none") => Compression::NoCompression,
        Some("gzip") => Compression::Gzip,
        Some("snappy") => Compression::Snappy,
        Some("lz4") => Compression::Lz4,
        Some("zstd") => Compression::Zstd,
        Some(other) => panic!("unknown codec {other}"),
    }
}

fn record(r: &plan::Record) -> Record {
    Record {
        key: r.key.clone(),
        value: r.value.clone(),
        headers: r.headers.iter().map(|(name, value)| (name.clone(), value.clone().unwrap())).collect(),
        timestamp: DateTime::from_timestamp_millis(r.timestamp_ms).unwrap(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut task = plan::Task::read();
    let client = ClientBuilder::new(vec![task.address.clone()]).build().await.unwrap();
    let mut partitions: Vec<i32> = task.records.iter().map(|r| r.partition).collect();
    partitions.sort();
    partitions.dedup();
    for partition in partitions {
        let to = client.partition_client(&task.topic, partition, UnknownTopicHandling::Retry).await.unwrap();
        for batch in task.batches((0..task.records.len()).filter(|&i| task.records[i].partition == partition)) {
            let records = batch.iter().map(|&i| record(&task.records[i])).collect();
            match to.produce(records, codec(task.settings.get("codec"))).await {
                Ok(offsets) => {
                    for (&index, offset) in batch.iter().zip(offsets) {
                        task.answer(index, Ok::<_, &str>((partition, offset)));
                    }
                }
                Err(error) => batch.iter().for_each(|&index| task.answer(index, Err(&error))),
            }
        }
    }
    task.end();
}
