//! A check as JSON Lines: a line per rule and capture, a line per capture, one for all.

use crate::check::result::{Checked, Status};
use crate::report::check::headline;
use crate::report::json::line;
use serde::Serialize;
use std::io::{self, Write};

/// The last line.
#[derive(Serialize)]
struct Check {
    schema: u32,
    status: Status,
    exit_code: u8,
    headline: String,
    captures: u64,
    broken: u64,
    not_judged: u64,
    holds: u64,
}

pub(super) fn write(mut out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    for capture in &checked.captures {
        for item in &capture.items {
            line(&mut out, "check_rule", item)?;
        }
        line(&mut out, "check_capture", capture)?;
    }
    let count = |status| {
        let captures = checked.captures.iter().filter(|c| c.status == status);
        captures.count() as u64
    };
    let check = Check {
        schema: crate::close::SCHEMA,
        status: checked.status,
        exit_code: checked.status.exit_code(),
        headline: headline(checked),
        captures: checked.captures.len() as u64,
        broken: count(Status::Broken),
        not_judged: count(Status::NotJudged),
        holds: count(Status::Holds),
    };
    line(&mut out, "check", &check)
}
