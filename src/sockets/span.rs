//! Spans in sentences.

use crate::stamp::{MILLISECOND, SECOND};

/// A span as a person would say it: `428 ms`, `2.1 s`, `42 s`, `12 min`, `2 h`.
pub(super) fn span(nanos: i64) -> String {
    let nanos = nanos.saturating_abs();
    match nanos / SECOND {
        0 => format!("{} ms", nanos / MILLISECOND),
        1..100 => format!("{}.{} s", nanos / SECOND, nanos % SECOND / (SECOND / 10)),
        100..600 => format!("{} s", nanos / SECOND),
        600..7200 => format!("{} min", nanos / SECOND / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::span;
    use crate::stamp::{MILLISECOND, SECOND};

    #[test]
    fn spans() {
        let shown = [428 * MILLISECOND, 2150 * MILLISECOND, 120 * SECOND].map(span);
        assert_eq!(shown, ["428 ms", "2.1 s", "120 s"]);
        assert_eq!([7199, 7200].map(|s| span(s * SECOND)), ["119 min", "2 h"]);
        assert_eq!(span(i64::MIN), span(i64::MAX));
    }
}
