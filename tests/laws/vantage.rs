//! The same connection captured at the client, in the middle and at the server never gets
//! contradicting verdicts.

use crate::support::essence::contradictions;
use crate::support::truth::{self, POINTS, Truth};
use crate::support::{self, wrap};
use std::collections::HashMap;
use std::fs;
use whoclosed::close::verdict::Verdict;

#[test]
fn points_of_capture_agree() {
    let truths = truth::all();
    let (mut lines, mut compared) = (Vec::new(), 0);
    for truth in &truths {
        let views: Vec<(&str, Vec<Verdict>, bool)> = POINTS
            .iter()
            .filter_map(|point| Some((*point, truth.captures.get(*point)?)))
            .map(|(point, capture)| {
                let path = support::testdata("captures").join(&capture.file);
                let file = fs::read(path).expect("readable");
                let crossed = super::loss::any_fin_crosses_reset(&wrap::read(&file));
                (point, support::verdicts(&file), crossed)
            })
            .collect();
        for (at, (here, a, crossed)) in views.iter().enumerate() {
            for (there, b, _) in &views[at + 1..] {
                for (nth, first, second) in pairs(truth, a, b, [*here, *there]) {
                    compared += 1;
                    let found = contradictions(first, second, *crossed);
                    let prefix = format!("{} flow {nth}, {here} and {there}", truth.name);
                    lines.extend(found.iter().map(|what| format!("{prefix}: {what}")));
                }
            }
        }
    }
    assert!(compared > 250, "only {compared} pairs compared");
    support::report("contradictions between points of capture", &lines);
}

/// The verdicts on one connection at two points, for those that left packets at both.
fn pairs<'a>(
    truth: &Truth,
    a: &'a [Verdict],
    b: &'a [Verdict],
    points: [&str; 2],
) -> Vec<(usize, &'a Verdict, &'a Verdict)> {
    let mut seen: [HashMap<(String, String), usize>; 2] = Default::default();
    let mut found = Vec::new();
    for (number, flow) in truth.flows.iter().enumerate() {
        let mut verdicts = [None, None];
        for (i, all) in [a, b].into_iter().enumerate() {
            if flow.is_unseen(points[i]) {
                continue;
            }
            let nth = seen[i].entry(flow.ends()).or_default();
            let mut same = all.iter().filter(|v| truth::ends(v) == flow.ends());
            verdicts[i] = same.nth(*nth);
            *nth += 1;
        }
        if let [Some(first), Some(second)] = verdicts {
            found.push((number, first, second));
        }
    }
    found
}
