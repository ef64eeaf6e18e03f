// The `scylla` crate as a writer of a log table: a window of UNLOGGED single-partition batches of prepared rows.
//
//     direct HOST:PORT KEYSPACE TABLE BATCH_ROWS WINDOW VALUE_BYTES SECONDS WARM_UP_SECONDS
//
// One thread, as Sluice has. Prints one line of JSON: what it did after the warm-up, and its CPU time for that.

use scylla::client::session_builder::SessionBuilder;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::Consistency;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PARTITIONS: u64 = 4;

fn cpu_s() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let batch_rows: u64 = args[4].parse()?;
    let window: u64 = args[5].parse()?;
    let value = vec![b'v'; args[6].parse()?];
    let seconds: f64 = args[7].parse()?;
    let warm_up: f64 = args[8].parse()?;

    let session = Arc::new(SessionBuilder::new().known_node(&args[1]).build().await?);
    let text = format!(
        "INSERT INTO \"{}\".\"{}\" (partition, segment, offset, timestamp, value) VALUES (?, ?, ?, ?, ?)",
        args[2], args[3]
    );
    let prepared = session.prepare(text).await?;
    let mut batch = Batch::new(BatchType::Unlogged);
    batch.set_consistency(Consistency::LocalQuorum);
    for _ in 0..batch_rows {
        batch.append_statement(prepared.clone());
    }
    let batch = Arc::new(batch);
    let rows = Arc::new(AtomicU64::new(0));
    let next = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let segment = start; // a segment of our own in each run
    let mut tasks = Vec::new();
    for _ in 0..window {
        let (session, batch, value) = (session.clone(), batch.clone(), value.clone());
        let (rows, next, stop) = (rows.clone(), next.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let first = (n / PARTITIONS * batch_rows) as i64;
                let values: Vec<_> = (0..batch_rows as i64)
                    .map(|i| {
                        let time = scylla::value::CqlTimestamp(start + first + i);
                        ((n % PARTITIONS) as i32, segment, first + i, time, value.as_slice())
                    })
                    .collect();
                session.batch(&batch, values).await.expect("a batch failed");
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
        "{{\"rows\": {}, \"seconds\": {:.6}, \"cpu_s\": {:.6}, \"all_rows\": {}, \"segment\": {}}}",
        rows_1 - rows_0,
        took.as_secs_f64(),
        cpu_1 - cpu_0,
        rows.load(Ordering::Relaxed),
        segment
    );
    Ok(())
}
