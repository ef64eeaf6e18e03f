// The `scylla` crate as a writer of a log table: a window of UNLOGGED single-partition batches of prepared rows.
//
//     direct HOST:PORT KEYSPACE TABLE BATCH_ROWS WINDOW VALUE_BYTES SECONDS WARM_UP_SECONDS KAFKA_BATCH_ROWS
//
// Of KAFKA_BATCH_ROWS rows the first one has batch columns as well, as Sluice's rows have; 0: none has.
// One thread, as Sluice has. Prints one line of JSON: what it did after the warm-up, and its CPU time for that.

use scylla::client::session_builder::SessionBuilder;
use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::Consistency;
use scylla::value::CqlTimestamp;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PARTITIONS: u64 = 4;
const SEGMENT_ROWS: u64 = 100_000; // of one Cassandra partition, as Sluice's segments have
const VALUES: u64 = 148; // different ones, as many as the records that tests/bench/replay has

fn cpu_s() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The values of tests/bench/replay: JSON of which some repeats.
fn make_value(len: usize, number: u32) -> Vec<u8> {
    let words = ["pending", "paid", "shipped", "returned", "blue", "green", "large", "small"];
    let mut random = number.wrapping_mul(2654435761).wrapping_add(1);
    let mut text = format!("{{\"id\":{number},\"user\":\"u{random:08x}\"");
    for field in 0.. {
        if text.len() >= len {
            break;
        }
        random = random.wrapping_mul(1664525).wrapping_add(1013904223);
        let (word, n) = (words[(random >> 29) as usize], (random >> 8) % 100000);
        text += &format!(",\"f{field}\":\"{word}\",\"n{field}\":{n}");
    }
    let mut value = text.into_bytes();
    value.truncate(len);
    value[len - 1] = b'}';
    value
}

type Plain<'a> = (i32, i64, i64, CqlTimestamp, &'a [u8]);
type First<'a> = (i32, i64, i64, CqlTimestamp, &'a [u8], i32, i64);

enum Row<'a> {
    Plain(Plain<'a>),
    First(First<'a>),
}

impl SerializeRow for Row<'_> {
    fn serialize(&self, context: &RowSerializationContext<'_>, writer: &mut RowWriter) -> Result<(), SerializationError> {
        match self {
            Row::Plain(row) => row.serialize(context, writer),
            Row::First(row) => row.serialize(context, writer),
        }
    }

    fn is_empty(&self) -> bool {
        false
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let batch_rows: u64 = args[4].parse()?;
    let window: u64 = args[5].parse()?;
    let value_bytes: usize = args[6].parse()?;
    let values: Arc<Vec<_>> = Arc::new((0..VALUES).map(|n| make_value(value_bytes, n as u32)).collect());
    let seconds: f64 = args[7].parse()?;
    let warm_up: f64 = args[8].parse()?;
    let kafka_batch_rows: u64 = args[9].parse()?;
    let is_first = move |row: u64| kafka_batch_rows > 0 && row % kafka_batch_rows == 0;

    let session = Arc::new(SessionBuilder::new().known_node(&args[1]).build().await?);
    let table = format!("\"{}\".\"{}\"", args[2], args[3]);
    let plain = session
        .prepare(format!(
            "INSERT INTO {table} (partition, segment, offset, timestamp, value) VALUES (?, ?, ?, ?, ?)"
        ))
        .await?;
    let first = session
        .prepare(format!(
            "INSERT INTO {table} (partition, segment, offset, timestamp, value, record_count, stable) \
             VALUES (?, ?, ?, ?, ?, ?, ?)"
        ))
        .await?;
    let mut batch = Batch::new(BatchType::Unlogged);
    batch.set_consistency(Consistency::LocalQuorum);
    for row in 0..batch_rows {
        batch.append_statement(if is_first(row) { first.clone() } else { plain.clone() });
    }
    let batch = Arc::new(batch);
    let rows = Arc::new(AtomicU64::new(0));
    let next = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let mut tasks = Vec::new();
    for _ in 0..window {
        let (session, batch, values) = (session.clone(), batch.clone(), values.clone());
        let (rows, next, stop) = (rows.clone(), next.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let (partition, batch_number) = ((n % PARTITIONS) as i32, n / PARTITIONS);
                let first = batch_number * batch_rows;
                // segments of our own in each run
                let segment = start + (batch_number / (SEGMENT_ROWS / batch_rows)) as i64;
                let time = CqlTimestamp(start);
                let row = |i: u64| {
                    let (offset, value) = ((first + i) as i64, values[((first + i) % VALUES) as usize].as_slice());
                    if is_first(i) {
                        Row::First((partition, segment, offset, time, value, kafka_batch_rows as i32, first as i64))
                    } else {
                        Row::Plain((partition, segment, offset, time, value))
                    }
                };
                let rows_of_batch: Vec<_> = (0..batch_rows).map(row).collect();
                session.batch(&batch, rows_of_batch).await.expect("a batch failed");
                rows.fetch_add(batch_rows, Ordering::Relaxed);
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs_f64(warm_up)).await;
    let (rows_0, cpu_0, time_0) = (rows.load(Ordering::Relaxed), cpu_s(), Instant::now());
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let (rows_1, cpu_1, took) = (rows.load(Ordering::Relaxed), cpu_s(), time_0.elapsed());
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await?;
    }
    println!(
        "{{\"rows\": {}, \"seconds\": {:.6}, \"cpu_s\": {:.6}, \"all_rows\": {}}}",
        rows_1 - rows_0,
        took.as_secs_f64(),
        cpu_1 - cpu_0,
        rows.load(Ordering::Relaxed)
    );
    Ok(())
}
