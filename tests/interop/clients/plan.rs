// What the Rust clients share: the contract of tests/e2e/producers.py, with the settings in the spelling of registry.py.

use base64::{engine::general_purpose::STANDARD, Engine};
use std::collections::BTreeMap;
use std::fmt::Display;

const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 1_000_000;

pub struct Record {
    pub partition: i32,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

pub struct Task {
    pub address: String,
    pub topic: String,
    pub records: Vec<Record>,
    pub settings: BTreeMap<String, String>,
    failed: bool,
}

fn blob(text: &str) -> Option<Vec<u8>> {
    (text != "-").then(|| STANDARD.decode(text).unwrap())
}

fn header(pair: &str) -> (String, Option<Vec<u8>>) {
    let (name, value) = pair.split_once(':').unwrap();
    (String::from_utf8(blob(name).unwrap()).unwrap(), blob(value))
}

fn record(line: &str) -> Record {
    let parts: Vec<&str> = line.split('\t').collect();
    Record {
        partition: parts[0].parse().unwrap(),
        timestamp_ms: parts[1].parse().unwrap(),
        key: blob(parts[2]),
        value: blob(parts[3]),
        headers: parts[4].split(',').filter(|pair| !pair.is_empty()).map(header).collect(),
    }
}

impl Task {
    pub fn read() -> Task {
        let arguments: Vec<String> = std::env::args().collect();
        let split = |pair: &String| pair.split_once('=').map(|(name, value)| (name.into(), value.into())).unwrap();
        Task {
            address: arguments[1].clone(),
            topic: arguments[2].clone(),
            records: std::fs::read_to_string(&arguments[3]).unwrap().lines().map(record).collect(),
            settings: arguments[4..].iter().map(split).collect(),
            failed: false,
        }
    }

    /// What the client was told about the record at `index`: partition and offset.
    pub fn answer<E: Display>(&mut self, index: usize, told: Result<(i32, i64), E>) {
        match told {
            Ok((partition, offset)) => println!("{index}\t{partition}\t{offset}"),
            Err(error) => {
                self.failed = true;
                println!("{index}\terror\t{}", error.to_string().replace('\n', " "));
            }
        }
    }

    /// The records at `indexes` in groups that a batch can hold, for clients that send what they are given as one.
    pub fn batches(&self, indexes: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
        let mut batches = vec![vec![]];
        let mut bytes = 0;
        for index in indexes {
            let size = self.records[index].value.as_ref().map_or(0, Vec::len);
            let batch = batches.last_mut().unwrap();
            if batch.len() == BATCH_RECORDS || (!batch.is_empty() && bytes + size > BATCH_BYTES) {
                batches.push(vec![index]);
                bytes = size;
            } else {
                batch.push(index);
                bytes += size;
            }
        }
        batches
    }

    pub fn end(&self) {
        std::process::exit(self.failed.into());
    }
}
