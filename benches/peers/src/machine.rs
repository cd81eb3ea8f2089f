//! What it is measured on.

use serde::Serialize;
use std::fs;
use std::thread::available_parallelism;

#[derive(Serialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
    /// Processes that ran or waited to run in the last minute, before it began.
    pub load: String,
}

impl Machine {
    /// As Linux tells it; elsewhere it is unknown.
    pub fn look() -> Self {
        let processors = read("/proc/cpuinfo");
        let mut fields = processors.lines().filter_map(|line| line.split_once(':'));
        let model = fields.find(|(name, _)| name.trim() == "model name");
        Self {
            processor: model
                .map_or("unknown", |(_, model)| model.trim())
                .to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: known(read("/proc/sys/kernel/osrelease").trim()),
            load: known(read("/proc/loadavg").split(' ').next().unwrap_or_default()),
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn known(text: &str) -> String {
    let is_known = !text.is_empty();
    (if is_known { text } else { "unknown" }).to_owned()
}
