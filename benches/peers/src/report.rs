//! The results, for people and programs.

use crate::Failure;
use crate::arguments::{Arguments, Format};
use crate::contest::{Held, Line};
use crate::goals::{self, Judged, Verdict};
use crate::machine::Machine;
use crate::programs::{Programs, Version};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, Write, stdout};

#[derive(Serialize)]
pub struct Results {
    machine: Machine,
    versions: Vec<Version>,
    /// Captures so small that times say nothing.
    quick: bool,
    contests: Vec<Held>,
    pub goals: Vec<Judged>,
}

impl Results {
    pub fn new(machine: Machine, programs: &Programs, arguments: &Arguments) -> Self {
        Self {
            machine,
            versions: programs.versions.clone(),
            quick: arguments.quick,
            contests: Vec::new(),
            goals: Vec::new(),
        }
    }

    pub fn add(&mut self, held: Held) {
        if !self.quick {
            self.goals.extend(goals::judge(&held));
        }
        self.contests.push(held);
    }
}

pub fn write(results: &Results, format: Format) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, results)?;
            writeln!(out)?;
        }
        Format::Text | Format::Markdown => {
            let is_markdown = format == Format::Markdown;
            Document { out, is_markdown }.write(results)?;
        }
    }
    Ok(())
}

/// Text, or Markdown.
struct Document<W> {
    out: W,
    is_markdown: bool,
}

impl<W: Write> Document<W> {
    fn write(&mut self, results: &Results) -> io::Result<()> {
        let machine = &results.machine;
        writeln!(
            self.out,
            "{}, {} cores, Linux {}, load {} before\n",
            machine.processor, machine.cores, machine.kernel, machine.load
        )?;
        for version in &results.versions {
            let said = version.version.as_deref();
            let said = said.unwrap_or("left out, or not installed");
            writeln!(self.out, "- {}: {said}", version.program)?;
        }
        for held in &results.contests {
            self.contest(held)?;
        }
        if results.quick {
            let times = "the times are mostly those of starting a process";
            return writeln!(self.out, "\nThese captures are small: {times}.");
        }
        self.goals(&results.goals)
    }

    fn contest(&mut self, held: &Held) -> io::Result<()> {
        self.heading(&format!(
            "{}: {} packets, {} flows, {} MB; medians of {} rounds",
            held.name,
            held.packets,
            held.flows,
            figure(held.size as f64 / 1e6),
            held.rounds
        ))?;
        let header = [
            "program", "s", "min", "max", "CPU s", "Mpkt/s", "GB/s", "MB", "x first",
        ];
        let rows = held.lines.iter().map(|line| row(line, held));
        self.table(1, &header, rows.collect())?;
        let mut reasons: Vec<_> = held.absent.iter().map(|absent| &absent.why).collect();
        reasons.dedup();
        for why in reasons {
            writeln!(self.out, "\nnot measured: {why}")?;
        }
        Ok(())
    }

    fn goals(&mut self, goals: &[Judged]) -> io::Result<()> {
        self.heading("Goals")?;
        let header = ["on", "whoclosed", "goal", "", "measured"];
        self.table(4, &header, goals.iter().map(goal).collect())
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        let mark = if self.is_markdown { "### " } else { "" };
        writeln!(self.out, "\n{mark}{text}\n")
    }

    /// The first so many columns are words, the rest figures.
    fn table(&mut self, words: usize, header: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let mut table = Table::new();
        if self.is_markdown {
            table.load_style(presets::ASCII_MARKDOWN);
        } else {
            table.load_style(presets::NOTHING);
        }
        table.set_header(header);
        table.add_rows(rows);
        for column in table.column_iter_mut().skip(words) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(self.out, "{}", table.trim_fmt())
    }
}

fn goal(judged: &Judged) -> Vec<String> {
    let verdict = match &judged.verdict {
        Verdict::Met => "met".to_owned(),
        Verdict::Missed => "missed".to_owned(),
        Verdict::NotMeasured(why) => format!("not measured: {why}"),
    };
    vec![
        judged.on.to_owned(),
        judged.who.short().to_owned(),
        judged.goal.clone(),
        verdict,
        judged.measured.map_or("-".to_owned(), figure),
    ]
}

fn row(line: &Line, held: &Held) -> Vec<String> {
    let wall = line.median(|sample| sample.wall);
    let walls = line.samples.iter().map(|sample| sample.wall);
    let (least, most) = walls.fold((f64::INFINITY, 0.0_f64), |(least, most), wall| {
        (least.min(wall), most.max(wall))
    });
    let program = if line.on == held.name {
        line.program.clone()
    } else {
        format!("{} (on {})", line.program, line.on)
    };
    let first = held
        .lines
        .first()
        .map_or(f64::NAN, |first| line.times(first));
    vec![
        program,
        figure(wall),
        figure(least),
        figure(most),
        figure(line.median(|sample| sample.cpu)),
        figure(line.packets as f64 / wall / 1e6),
        figure(line.bytes as f64 / wall / 1e9),
        figure(line.peak() as f64 / 1e6),
        figure(first),
    ]
}

/// Three digits that count.
fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => 5,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_have_three_digits() {
        let figures = [1234.56, 12.345, 1.234_5, 0.123_45, 0.012_345, 0.001_234].map(figure);
        assert_eq!(
            figures,
            ["1235", "12.3", "1.23", "0.123", "0.0123", "0.00123"]
        );
    }
}
