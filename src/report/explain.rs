//! One flow told so that a person understands: a ladder of its close with both sides' states, the
//! reasoning sentence by sentence, and what the capture cannot show.

mod files;
pub(super) mod ladder;
mod reasoning;

use crate::close::myths::{self, Myth};
use crate::close::states::timeline;
use crate::close::verdict::{PerSide, RolesFrom, Side, State, Verdict};
use crate::report::look::{FAINT, HEADING};
use crate::report::network::network;
use crate::report::time::utc;
use crate::report::{Look, counted, json, printable};
use ladder::Rung;
use serde::Serialize;
use std::io::{self, Write};

/// Columns of the text at most.
const WIDTH: usize = 100;

/// The JSON object.
#[derive(Serialize)]
struct Explanation<'a> {
    schema: u32,
    flows: u64,
    verdict: &'a Verdict,
    states_before: PerSide<State>,
    steps: Vec<Rung>,
    states_at_end: PerSide<State>,
    reasoning: Vec<String>,
    cannot_show: Vec<String>,
    myths: Vec<Told>,
}

/// A belief that this flow may seem to bear out, and what is true.
#[derive(Serialize)]
struct Told {
    name: &'static str,
    belief: &'static str,
    truth: &'static str,
}

/// Writes the explanation as one line of JSON: an object of type `explanation` with the verdict,
/// the steps of the ladder and the sentences. `flows` is how many the capture has.
pub fn json(out: &mut impl Write, verdict: &Verdict, flows: u64) -> io::Result<()> {
    let timeline = timeline(verdict);
    let explanation = Explanation {
        schema: verdict.schema,
        flows,
        verdict,
        states_before: timeline.before,
        steps: ladder::rungs(&timeline),
        states_at_end: timeline.end,
        reasoning: reasoning::sentences(verdict),
        cannot_show: reasoning::limits(verdict),
        myths: told(verdict),
    };
    let mut line = Vec::new();
    json::line(&mut line, "explanation", &explanation)?;
    out.write_all(&line)?;
    out.flush()
}

/// Writes the explanation for people, at most 100 columns wide.
pub fn text(out: &mut impl Write, look: Look, verdict: &Verdict) -> io::Result<()> {
    let width = look.width.map_or(WIDTH, |width| width.clamp(40, WIDTH));
    heading(out, look, verdict)?;
    ladder::write(out, look, verdict)?;
    section(out, look, width, ("Why", &reasoning::sentences(verdict)))?;
    let limits = reasoning::limits(verdict);
    section(out, look, width, ("What the capture cannot show", &limits))?;
    let myths: Vec<String> = told(verdict).iter().map(Told::sentence).collect();
    section(out, look, width, ("Often told otherwise", &myths))?;
    writeln!(out, "\n{}", look.paint(HEADING, "Look it up"))?;
    writeln!(out, "  Wireshark  {}", verdict.wireshark_filter)?;
    let zeek = &verdict.zeek;
    writeln!(
        out,
        "  Zeek       conn_state {}, history {}",
        zeek.conn_state, zeek.history
    )?;
    section(
        out,
        look,
        width,
        ("In the files", &files::sentences(verdict)),
    )?;
    out.flush()
}

fn told(verdict: &Verdict) -> Vec<Told> {
    let told = |myth: &Myth| Told {
        name: myth.term.name,
        belief: myth.belief,
        truth: myth.term.meaning,
    };
    myths::of(verdict).map(told).collect()
}

impl Told {
    fn sentence(&self) -> String {
        format!("\"{}\" Not so: {}", self.belief, self.truth)
    }
}

fn heading(out: &mut impl Write, look: Look, verdict: &Verdict) -> io::Result<()> {
    let (client, server) = (&verdict.client, &verdict.server);
    let number = format!("Flow {}: ", verdict.flow);
    let mut title = format!("{number}{client} > {server}");
    if title.chars().count() > WIDTH {
        // Two IPv6 addresses, one below the other.
        title = format!("{number}{client}\n{:1$}> {server}", "", number.len() - 2);
    }
    writeln!(out, "{}", look.paint(HEADING, title))?;
    writeln!(
        out,
        "  {}",
        look.paint(
            super::text::style(verdict.outcome),
            reasoning::headline(verdict)
        )
    )?;
    let start = verdict
        .start
        .map_or_else(|| "unknown".to_owned(), |start| utc(start, 6));
    let (first, last) = (verdict.first_frame, verdict.last_frame);
    let source = printable(&verdict.source);
    // Of several files the first one is named.
    let whole = match verdict.files {
        Some(_) => "the files; begins in ",
        None => "",
    };
    let roles = match verdict.roles_from {
        RolesFrom::Syn => "the SYN",
        RolesFrom::SynAck => "the SYN-ACK",
        RolesFrom::PortGuess => "port number (a guess)",
    };
    let sent = |side| {
        let segments = counted(*verdict.packets.of(side), "segment");
        let bytes = counted(*verdict.payload_bytes.of(side), "byte");
        format!("{side}: {segments}, {bytes}")
    };
    let sent = format!("{}; {}", sent(Side::Client), sent(Side::Server));
    let facts = [
        format!("  start {start}, frames {first} to {last} of {whole}{source}"),
        format!("  {sent}; roles by {roles}"),
    ];
    for fact in facts
        .into_iter()
        .chain(network(verdict).map(|network| format!("  {network}")))
    {
        writeln!(out, "{}", look.paint(FAINT, fact))?;
    }
    Ok(())
}

/// A heading and its sentences, wrapped; nothing without sentences.
fn section(
    out: &mut impl Write,
    look: Look,
    width: usize,
    (title, sentences): (&str, &[String]),
) -> io::Result<()> {
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    for sentence in sentences {
        let mut bullet = "- ";
        for line in wrap(sentence, width.saturating_sub(4)) {
            writeln!(out, "  {bullet}{line}")?;
            bullet = "  ";
        }
    }
    Ok(())
}

/// Breaks a text at its spaces into lines of at most so many columns; a longer word has a line of
/// its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{json, text, wrap};
    use crate::report::{Look, samples};
    use serde_json::Value;

    fn explain(flow: usize, look: Look) -> String {
        let mut out = Vec::new();
        text(&mut out, look, &samples::one_of_each()[flow]).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_outcome_is_told() {
        for (flow, verdict) in samples::one_of_each().iter().enumerate() {
            let text = explain(flow, Look::default());
            insta::assert_snapshot!(format!("explain-{}", verdict.outcome), text);
        }
    }

    #[test]
    fn it_is_at_most_100_columns_wide() {
        for flow in 0..samples::one_of_each().len() {
            let text = explain(flow, Look::new(Some(200), false));
            // What is copied into another program stands on one line.
            let copied = |line: &&str| line.trim_start().starts_with("Wireshark  ");
            for line in text.lines().filter(|line| !copied(line)) {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }

    #[test]
    fn colour_adds_nothing_to_the_words() {
        for flow in 0..samples::one_of_each().len() {
            let (plain, coloured) = (Look::default(), Look::new(None, true));
            let coloured = explain(flow, coloured);
            let stripped = anstream::adapter::strip_str(&coloured).to_string();
            assert_eq!(stripped, explain(flow, plain));
        }
    }

    #[test]
    fn as_json_it_is_one_object_with_the_verdict_and_the_steps() {
        let verdict = &samples::one_of_each()[0];
        let mut out = Vec::new();
        json(&mut out, verdict, 7).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(r#"{"type":"explanation","schema":1,"flows":7,"verdict":{"#));
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["verdict"], serde_json::to_value(verdict).unwrap());
        insta::assert_json_snapshot!(object["steps"]);
        assert_eq!(object["states_at_end"]["client"], "TIME-WAIT");
        assert!(!object["reasoning"].as_array().unwrap().is_empty());
    }

    #[test]
    fn two_long_addresses_stand_one_below_the_other() {
        let end = serde_json::json!({"addr":"2001:db8:1111:2222:3333:4444:5555:6666","port":65535});
        let changes = serde_json::json!({"client":end,"server":end});
        let mut out = Vec::new();
        text(&mut out, Look::default(), &samples::verdict(12, changes)).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut lines = text.lines();
        let end = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
        assert_eq!(lines.next(), Some(format!("Flow 12: {end}").as_str()));
        assert_eq!(lines.next(), Some(format!("       > {end}").as_str()));
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 5), ["abcdefghij", "k"]);
        assert!(wrap(" ", 5).is_empty());
    }
}
