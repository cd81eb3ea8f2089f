//! The captures, and the truth about them.

use crate::Failure;
use crate::measure::own;
use crate::programs::Programs;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the generator is asked for.
pub struct Capture {
    pub name: &'static str,
    shape: &'static str,
    packets: u32,
    arguments: &'static [&'static str],
    /// Open at once, where that is what it is about.
    slots: Option<u32>,
    /// What its name ends in.
    ending: &'static str,
}

/// Packets of a capture that only shows that all of it works.
const FEW: u32 = 20_000;

const MILLION: u32 = 1_000_000;

const CAPTURES: &[Capture] = &[
    plain("short", "short", MILLION),
    Capture {
        arguments: &["--ng"],
        ending: "pcapng",
        ..plain("pcapng", "short", MILLION)
    },
    plain("v6vlan", "v6vlan", MILLION),
    Capture {
        slots: Some(300),
        ..plain("bulk", "bulk", 400_000)
    },
    Capture {
        slots: Some(100_000),
        ..plain("longlived", "longlived", MILLION)
    },
    plain("scan", "scan", 300_000),
    Capture {
        ending: "pcap.gz",
        ..plain("gz", "short", MILLION)
    },
    Capture {
        ending: "pcap.zst",
        ..plain("zst", "short", MILLION)
    },
    plain("short10m", "short", 10 * MILLION),
    Capture {
        slots: Some(MILLION),
        ..plain("longlived10m", "longlived", 10 * MILLION)
    },
];

const fn plain(name: &'static str, shape: &'static str, packets: u32) -> Capture {
    Capture {
        name,
        shape,
        packets,
        arguments: &[],
        slots: None,
        ending: "pcap",
    }
}

impl Capture {
    /// What the generator is told, but for the paths.
    fn told(&self, quick: bool) -> Vec<String> {
        let packets = if quick { FEW } else { self.packets };
        let mut told = vec![self.shape.to_owned(), packets.to_string()];
        told.extend(self.arguments.iter().map(|&word| word.to_owned()));
        if let Some(slots) = self.slots {
            let scale = self.packets / packets;
            told.extend(["--slots".to_owned(), (slots / scale).to_string()]);
        }
        told
    }
}

/// A capture that is there.
pub struct Made {
    pub name: &'static str,
    pub file: PathBuf,
    pub truth: PathBuf,
    pub size: u64,
    pub packets: u64,
    pub flows: u64,
    /// Bytes before it was compressed.
    pub unpacked: u64,
}

/// What is known of a capture that was made before.
#[derive(Deserialize)]
struct Counts {
    packets: u64,
    flows: u64,
}

/// Generates a capture, unless it is there as it would be.
pub fn make(name: &str, folder: &Path, programs: &Programs, quick: bool) -> Result<Made, Failure> {
    let capture = CAPTURES
        .iter()
        .find(|capture| capture.name == name)
        .ok_or_else(|| format!("there is no capture {name}"))?;
    let told = capture.told(quick);
    let file = folder.join(format!("{name}.{}", capture.ending));
    let truth = folder.join(format!("{name}.ndjson"));
    // Written last: where it says the same, the rest is whole.
    let note = folder.join(format!("{name}.made"));
    let heading = told.join(" ");
    let before = fs::read_to_string(&note).unwrap_or_default();
    let counts = match before.split_once('\n') {
        Some((same, counts)) if same == heading && file.exists() && truth.exists() => {
            counts.to_owned()
        }
        _ => {
            let counts = generate(&told, &file, &truth, programs)?;
            fs::write(&note, format!("{heading}\n{counts}"))?;
            counts
        }
    };
    let (counts, unpacked) = counts
        .split_once('\n')
        .ok_or_else(|| format!("{}: not whole", note.display()))?;
    let unpacked = unpacked.trim().parse()?;
    let counts: Counts = serde_json::from_str(counts)?;
    Ok(Made {
        name: capture.name,
        size: fs::metadata(&file)?.len(),
        file,
        truth,
        packets: counts.packets,
        flows: counts.flows,
        unpacked,
    })
}

/// What the generator says of it, and in a second line its size.
fn generate(
    told: &[String],
    file: &Path,
    truth: &Path,
    programs: &Programs,
) -> Result<String, Failure> {
    let packed = file.extension().filter(|&end| end == "gz" || end == "zst");
    let plain = packed.map_or(file.to_owned(), |_| file.with_extension(""));
    let mut command = Command::new(&programs.capgen);
    // Shape, number of packets, file, then the options.
    command.args(&told[..2]).arg(&plain).args(&told[2..]);
    let output = command.arg("--truth").arg(truth).output()?;
    if !output.status.success() {
        let says = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the generator failed: {says}").into());
    }
    let unpacked = fs::metadata(&plain)?.len();
    if packed.is_some() {
        let done = own("pack")?.arg(&plain).arg(file).status()?;
        if !done.success() {
            return Err(format!("{} was not compressed", file.display()).into());
        }
        fs::remove_file(&plain)?;
    }
    let counts = String::from_utf8(output.stdout)?;
    Ok(format!("{}\n{unpacked}\n", counts.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::CAPTURES;

    #[test]
    fn a_quick_capture_has_as_many_flows_open_among_its_packets() {
        let long = CAPTURES.iter().find(|c| c.name == "longlived").unwrap();
        let told = |quick| long.told(quick).join(" ");
        assert_eq!(told(false), "longlived 1000000 --slots 100000");
        assert_eq!(told(true), "longlived 20000 --slots 2000");
    }
}
