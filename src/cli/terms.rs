//! `whoclosed terms [NAME]`: what the names of the report mean.

use super::failure::Failure;
use super::output::{Format, look, stdout};
use std::io::Write;
use std::process::ExitCode;
use whoclosed::close::terms;
use whoclosed::report::terms as report;

/// Which name is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An outcome, cause, finding, state or any other word of the report, in any case; without it
    /// all are listed
    name: Option<String>,

    /// Format of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    /// Tells the name, or lists them all.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut out = stdout();
        match (&self.name, self.format) {
            (None, Format::Text) => report::list(&mut out)?,
            (None, Format::Json) => report::json(&mut out, terms::all())?,
            (Some(name), Format::Text) => {
                let width = look().width.map_or(100, |width| width.clamp(40, 100));
                report::describe(&mut out, &found(name)?, width)?;
            }
            (Some(name), Format::Json) => report::json(&mut out, found(name)?)?,
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What the name means, or which names are like it.
fn found(name: &str) -> Result<Vec<terms::Entry>, Failure> {
    let entries = terms::find(name);
    if !entries.is_empty() {
        return Ok(entries);
    }
    let text = match report::nearest(name).as_slice() {
        [] => "no such name; `whoclosed terms` lists all".to_owned(),
        near => format!(
            "no such name; did you mean {}? `whoclosed terms` lists all",
            near.join(" or ")
        ),
    };
    Err(Failure::Input(name.to_owned(), text))
}
