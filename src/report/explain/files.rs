//! Where the frames of a set stand in its files.

use crate::close::verdict::Verdict;
use crate::report::printable;

/// Frames in a row: the numbers of the first and the last one in the set and in the file.
struct Run<'a> {
    source: &'a str,
    first: [u64; 2],
    last: [u64; 2],
}

/// A sentence for each row of frames; none for a single capture.
pub(super) fn sentences(verdict: &Verdict) -> Vec<String> {
    let mut runs: Vec<Run> = Vec::new();
    for file in verdict.files.iter().flatten() {
        let mut begun = false;
        for &frame in &file.frames {
            match runs
                .last_mut()
                .filter(|run| begun && run.goes_on_with(frame))
            {
                Some(run) => run.last = frame,
                None => runs.push(Run {
                    source: &file.source,
                    first: frame,
                    last: frame,
                }),
            }
            begun = true;
        }
    }
    runs.iter().map(Run::sentence).collect()
}

impl Run<'_> {
    fn goes_on_with(&self, [in_set, in_file]: [u64; 2]) -> bool {
        let [set, file] = self.first;
        in_set.wrapping_sub(set) == in_file.wrapping_sub(file)
    }

    fn sentence(&self) -> String {
        let (first, last) = (self.first, self.last);
        let source = printable(self.source);
        if first == last {
            return format!("frame {} is frame {} of {source}", first[0], first[1]);
        }
        format!(
            "frames {} to {} are frames {} to {} of {source}",
            first[0], last[0], first[1], last[1]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::sentences;
    use crate::report::samples;
    use serde_json::json;

    #[test]
    fn frames_in_a_row_stand_together() {
        let files = json!([
            {"source":"a","frames":[[1, 1], [8, 8]]},
            {"source":"b","frames":[[9, 1], [10, 2], [12, 3]]},
        ]);
        let verdict = samples::verdict(0, json!({"files":files}));
        let expected = [
            "frames 1 to 8 are frames 1 to 8 of a",
            "frames 9 to 10 are frames 1 to 2 of b",
            "frame 12 is frame 3 of b",
        ];
        assert_eq!(sentences(&verdict), expected);
        assert!(sentences(&samples::verdict(0, json!({}))).is_empty());
    }
}
