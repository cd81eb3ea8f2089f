//! What was read, and what could not be.

use crate::close::summary::{SourceSummary, Summary};
use crate::report::look::{BAD, HEADING, UNUSUAL};
use crate::report::time::{span, utc};
use crate::report::{Look, counted, printable};
use std::io::{self, Write};

/// More files than these are summed up.
const NAMED: usize = 3;
const LISTED: usize = 8;
/// Damaged files that are listed; the JSON report has them all.
const DAMAGED: usize = 20;

/// The names of the captures.
pub(in crate::report) fn names(sources: &[SourceSummary]) -> String {
    if let [first, .., last] = sources
        && sources.len() > NAMED
    {
        let (first, last) = (printable(&first.source), printable(&last.source));
        return format!("{} files, {first} to {last}", sources.len());
    }
    let names: Vec<_> = sources.iter().map(|s| printable(&s.source)).collect();
    names.join(", ")
}

/// Writes the section.
pub(super) fn write(out: &mut impl Write, look: Look, summary: &Summary) -> io::Result<()> {
    writeln!(out, "\n{}", look.paint(HEADING, "Read"))?;
    list(out, look, summary)
}

/// Writes it without the heading.
pub(in crate::report) fn list(
    out: &mut impl Write,
    look: Look,
    summary: &Summary,
) -> io::Result<()> {
    if summary.sources.len() > LISTED {
        summed_up(out, look, &summary.sources)?;
    } else {
        for source in &summary.sources {
            writeln!(out, "  {}", what_was_read(&source.source, source))?;
            missing(out, look, "", source)?;
        }
    }
    for (count, what, why) in [
        (summary.outside_window, "frame", "--since and --until"),
        (summary.filtered_out, "segment", "the filter"),
    ] {
        if count > 0 {
            writeln!(out, "  {} left out by {why}", counted(count, what))?;
        }
    }
    if summary.evicted > 0 {
        let text = format!(
            "{} forgotten early to save memory",
            counted(summary.evicted, "flow")
        );
        writeln!(out, "  {}", look.paint(UNUSUAL, text))?;
    }
    if summary.late_segments > 0 {
        let count = counted(summary.late_segments, "segment");
        let text = format!("{count} came when their flow had been written");
        writeln!(out, "  {}", look.paint(UNUSUAL, text))?;
    }
    if summary.unheard > 0 {
        let count = counted(summary.unheard, "message");
        let text = format!("{count} of applications not kept: too many flows had some");
        writeln!(out, "  {}", look.paint(UNUSUAL, text))?;
    }
    if summary.interrupted {
        let text = "interrupted: the rest was not read";
        writeln!(out, "  {}", look.paint(UNUSUAL, text))?;
    }
    Ok(())
}

/// Many files: together, and those that are damaged.
fn summed_up(out: &mut impl Write, look: Look, sources: &[SourceSummary]) -> io::Result<()> {
    let mut all = SourceSummary::new("".into());
    for source in sources {
        all.frames += source.frames;
        all.bytes += source.bytes;
        all.start = all.start.into_iter().chain(source.start).min();
        all.end = all.end.max(source.end);
        for name in &source.interfaces {
            if !all.interfaces.contains(name) {
                all.interfaces.push(name.clone());
            }
        }
        for link in &source.link_types {
            if !all.link_types.contains(link) {
                all.link_types.push(link.clone());
            }
        }
    }
    writeln!(out, "  {}", what_was_read(&names(sources), &all))?;
    let damaged = || sources.iter().filter(|source| !source.damage.is_empty());
    for source in damaged().take(DAMAGED) {
        missing(out, look, &source.source, source)?;
    }
    let more = damaged().skip(DAMAGED).count();
    if more > 0 {
        let text = format!("{} damaged as well", counted(more as u64, "more file"));
        writeln!(out, "  {}", look.paint(BAD, text))?;
    }
    Ok(())
}

/// What of a capture is missing: damaged, or dropped before it was written.
fn missing(out: &mut impl Write, look: Look, name: &str, source: &SourceSummary) -> io::Result<()> {
    for damage in &source.damage {
        let name = printable(name);
        let colon = if name.is_empty() { "" } else { ": " };
        let place = match source.bytes {
            0 => "not read".to_owned(),
            _ => format!(
                "damaged at frame {}, byte offset {}",
                damage.frame, damage.offset
            ),
        };
        let skipped = damage
            .skipped
            .map_or_else(String::new, |n| format!("; {} skipped", counted(n, "byte")));
        let what = printable(&damage.what);
        let text = format!("{name}{colon}{place}: {what}{skipped}");
        writeln!(out, "  {}", look.paint(BAD, text))?;
    }
    if source.unlisted_damage > 0 {
        let text = format!(
            "damaged at {}; {} skipped in all",
            counted(source.unlisted_damage, "further place"),
            counted(source.skipped, "byte")
        );
        writeln!(out, "  {}", look.paint(BAD, text))?;
    }
    if let Some(dropped) = source.dropped.filter(|&dropped| dropped > 0) {
        let text = format!(
            "{} dropped while capturing, as the capture itself says",
            counted(dropped, "packet")
        );
        writeln!(out, "  {}", look.paint(UNUSUAL, text))?;
    }
    Ok(())
}

fn what_was_read(name: &str, source: &SourceSummary) -> String {
    let frames = counted(source.frames, "frame");
    let bytes = counted(source.bytes, "byte");
    let mut text = format!("{}: {frames}, {bytes}", printable(name));
    if !source.link_types.is_empty() {
        text.push_str(", ");
        text.push_str(&source.link_types.join(" "));
    }
    if let [first, more @ ..] = source.interfaces.as_slice() {
        let more = match more.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(" on ");
        text.push_str(&printable(first));
        text.push_str(&more);
    }
    if let (Some(start), Some(end)) = (source.start, source.end) {
        let times = format!(
            "\n  {} to {} ({})",
            utc(start, 6),
            utc(end, 6),
            span(end.since(start))
        );
        text.push_str(&times);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{names, write};
    use crate::close::summary::{Damage, SourceSummary};
    use crate::report::{Look, samples};
    use crate::stamp::Time;

    fn sources(count: i64) -> Vec<SourceSummary> {
        let source = |i: i64| {
            let mut source = SourceSummary::new(format!("ring{i}.pcap").into());
            source.frames = 10;
            source.bytes = 1000;
            source.link_types = vec!["EN10MB".to_owned()];
            source.start = Some(Time(i * 1_000_000_000));
            source.end = Some(Time((i + 1) * 1_000_000_000));
            source
        };
        (0..count).map(source).collect()
    }

    fn text(sources: Vec<SourceSummary>) -> String {
        let mut summary = samples::summary(&[]);
        summary.sources = sources;
        let mut out = Vec::new();
        write(&mut out, Look::default(), &summary).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_few_files_are_named() {
        assert_eq!(names(&sources(2)), "ring0.pcap, ring1.pcap");
        assert_eq!(
            names(&sources(200)),
            "200 files, ring0.pcap to ring199.pcap"
        );
        assert_eq!(text(sources(3)).matches(": 10 frames").count(), 3);
    }

    #[test]
    fn many_files_are_summed_up_and_the_damaged_ones_named() {
        let mut many = sources(200);
        for source in &mut many[50..80] {
            source.damage = vec![Damage::new(11, 1000, "a cut record")];
        }
        let text = text(many);
        assert!(text.lines().count() < 30, "{text}");
        let total = "  200 files, ring0.pcap to ring199.pcap: 2000 frames, 200000 bytes, EN10MB\n  \
                     1970-01-01T00:00:00.000000Z to 1970-01-01T00:03:20.000000Z";
        assert!(text.contains(total), "{text}");
        let one = "  ring50.pcap: damaged at frame 11, byte offset 1000: a cut record\n";
        assert!(text.contains(one), "{text}");
        assert!(text.contains("  10 more files damaged as well\n"), "{text}");
    }
}
