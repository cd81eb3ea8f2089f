//! `whoclosed man`: the manual, a page for the command and one for each subcommand.

use super::Cli;
use super::failure::Failure;
use super::output::stdout;
use clap::builder::Resettable;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Which pages, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the page of this subcommand; without it that of whoclosed itself
    #[arg(conflicts_with = "dir")]
    subcommand: Option<String>,

    /// Write all pages into this directory, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What the pages are of.
const SOURCE: &str = concat!("whoclosed ", env!("CARGO_PKG_VERSION"));

/// A page: the command's name with `-` for spaces, and its text in roff.
type Page = (String, Vec<u8>);

impl Args {
    /// Prints a page, or writes them all.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let pages = pages()?;
        match (&self.dir, &self.subcommand) {
            (Some(dir), _) => write_all(dir, &pages)?,
            (None, subcommand) => print(&pages, subcommand.as_deref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The page of the command, then those of its subcommands.
fn pages() -> io::Result<Vec<Page>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![page(&command)?];
    for subcommand in command.get_subcommands() {
        pages.push(page(subcommand)?);
    }
    Ok(pages)
}

fn page(command: &Command) -> io::Result<Page> {
    let name = command.get_display_name();
    let name = name.unwrap_or(command.get_name()).to_owned();
    let after = command.get_after_long_help().map(ToString::to_string);
    let command = command.clone().after_help(Resettable::Reset);
    let command = command.after_long_help(Resettable::Reset);
    let mut text = Vec::new();
    Man::new(command).source(SOURCE).render(&mut text)?;
    text.extend(sections(&after.unwrap_or_default()).into_bytes());
    Ok((name, text))
}

/// What the help has after the options, a section for each heading: by itself `Man` would run its
/// lines together.
fn sections(help: &str) -> String {
    let mut text = String::new();
    for paragraph in help.split("\n\n") {
        let Some((heading, lines)) = paragraph.split_once(":\n") else {
            continue;
        };
        // Writing to a string cannot fail.
        let _ = write!(text, ".SH \"{}\"\n.nf\n", heading.to_uppercase());
        for line in lines.lines() {
            let _ = writeln!(text, "{}", escaped(line));
        }
        text.push_str(".fi\n");
    }
    text
}

/// A line that shows itself: `\`, `-`, `'` and `.` mean something to roff.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    let line = line.replace('\'', "\\(aq");
    match line.strip_prefix('.') {
        Some(rest) => format!("\\&.{rest}"),
        None => line,
    }
}

fn print(pages: &[Page], subcommand: Option<&str>) -> Result<(), Failure> {
    let wanted = match subcommand {
        None => "whoclosed".to_owned(),
        Some(name) => format!("whoclosed-{name}"),
    };
    let Some((_, text)) = pages.iter().find(|(name, _)| *name == wanted) else {
        let names = pages.iter().filter_map(|(name, _)| name.split_once('-'));
        let names: Vec<&str> = names.map(|(_, name)| name).collect();
        return Err(Failure::Usage(format!(
            "there is no such page as {}; there are those of {}",
            subcommand.unwrap_or_default(),
            names.join(", ")
        )));
    };
    let mut out = stdout();
    out.write_all(text)?;
    Ok(out.flush()?)
}

fn write_all(dir: &Path, pages: &[Page]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        Failure::Input(
            path.display().to_string(),
            format!("cannot be written: {error}"),
        )
    };
    fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    for (name, text) in pages {
        let path = dir.join(format!("{name}.1"));
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
