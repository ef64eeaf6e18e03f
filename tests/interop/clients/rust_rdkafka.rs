// rust-rdkafka's FutureProducer, over the librdkafka of its crate, with its defaults but for what the arguments say.

mod plan;

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use std::time::Duration;

fn send(producer: &FutureProducer, topic: &str, r: &plan::Record) -> Result<DeliveryFuture, KafkaError> {
    let mut record = FutureRecord::<[u8], [u8]>::to(topic).partition(r.partition).timestamp(r.timestamp_ms);
    record.key = r.key.as_deref();
    record.payload = r.value.as_deref();
    if !r.headers.is_empty() {
        record.headers = Some(r.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: value.as_deref() })
        }));
    }
    loop {
        match producer.send_result(record) {
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => record = again,
            sent => return sent.map_err(|(error, _)| error),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut task = plan::Task::read();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &task.address).extend(task.settings.clone());
    let producer: FutureProducer = config.create().unwrap();
    let sent: Vec<_> = task.records.iter().map(|r| send(&producer, &task.topic, r)).collect();
    for (index, delivery) in sent.into_iter().enumerate() {
        let told = match delivery {
            Ok(future) => future.await.unwrap().map(|d| (d.partition, d.offset)).map_err(|(error, _)| error),
            Err(error) => Err(error),
        };
        task.answer(index, told);
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    task.end();
}
