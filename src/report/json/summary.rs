//! The line of the summary.

use crate::close::summary::{Damage, SourceSummary, Summary, TimeWaitOwner};
use crate::close::vantage::{Point, Vantage};
use crate::report::json::BUFFER;
use crate::report::json::lines::Lines;
use crate::report::json::piece::Piece;
use crate::report::json::value::{Bounded, Json, fields, lists, object};
use std::io;

impl Lines {
    /// Appends the line of the summary, and how many flows were shown where that was asked.
    ///
    /// What is full is handed to `full`, which takes it away: a capture may have many hosts.
    pub(super) fn summary(
        &mut self,
        summary: &Summary,
        shown: Option<u64>,
        mut full: impl FnMut(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let to = self;
        let Summary {
            schema,
            sources,
            flows,
            by_outcome,
            by_closer,
            by_cause,
            findings,
            time_wait_owners,
            not_decoded,
            evicted,
            late_segments,
            unheard,
            filtered_out,
            outside_window,
            vantage,
            interrupted,
        } = summary;
        fields!(to, write, "{\"type\":\"summary\",", schema, sources, flows);
        fields!(to, write, ",", by_outcome, by_closer, by_cause, findings);
        to.raw(",\"time_wait_owners\":[");
        for (i, owner) in time_wait_owners.iter().enumerate() {
            to.piece(|to| {
                if i > 0 {
                    to.byte(b',');
                }
                owner.put(to);
            });
            if to.text().len() >= BUFFER {
                full(to)?;
            }
        }
        to.raw("]");
        fields!(to, write, ",", not_decoded, evicted, late_segments, unheard);
        fields!(
            to,
            write,
            ",",
            filtered_out,
            outside_window,
            vantage,
            interrupted
        );
        if let Some(shown) = shown {
            fields!(to, write, ",", shown);
        }
        to.raw("}\n");
        full(to)
    }
}

object!(SourceSummary by Json::write to Lines {
    source, frames, bytes, link_types, interfaces, start, end, dropped, damage, unlisted_damage, skipped
});
object!(Vantage by Json::write to Lines { point, confidence, evidence });
object!(Damage by Json::write to Lines { frame, offset, what, skipped });
object!(TimeWaitOwner by Bounded::put to Piece { addr, time_waits });
lists!(SourceSummary, Damage);

impl Json for Point {
    fn write(&self, to: &mut Lines) {
        self.name().write(to);
    }
}
