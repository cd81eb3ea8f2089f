//! The tests of significance against values computed by other means (`testdata/statistics`).

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use whoclosed::check::diff::stats::{Share, fisher, holm, mann_whitney, quantile};

fn reference() -> Value {
    let path = support::testdata("statistics/reference.json");
    let text = fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

fn cases(name: &str) -> Vec<Value> {
    let cases = reference()[name].as_array().expect("cases").clone();
    assert!(cases.len() > 5, "{name}: {}", cases.len());
    cases
}

/// Equal but for the rounding of a few hundred steps.
#[track_caller]
fn assert_close(found: f64, expected: &Value, case: &Value) {
    let expected = expected.as_f64().expect("a number");
    let apart = (found - expected).abs();
    assert!(
        apart <= 1e-9 * expected,
        "{found} is not {expected}: {case}"
    );
}

fn share(pair: &Value) -> Share {
    let [count, of] = [0, 1].map(|at| pair[at].as_u64().expect("a count"));
    Share { count, of }
}

fn values(list: &Value) -> Vec<i64> {
    let list = list.as_array().expect("a list").iter();
    let mut values: Vec<i64> = list.map(|v| v.as_i64().expect("a number")).collect();
    values.sort_unstable();
    values
}

#[test]
fn fisher_is_the_sum_over_all_tables() {
    for case in cases("fisher") {
        let (old, new) = (share(&case["old"]), share(&case["new"]));
        assert_close(fisher(old, new), &case["p"], &case);
        assert_close(fisher(new, old), &case["p"], &case);
    }
}

#[test]
fn mann_whitney_is_the_count_over_all_choices_or_the_normal_approximation() {
    for case in cases("mann_whitney") {
        let (old, new) = (values(&case["old"]), values(&case["new"]));
        let shift = mann_whitney(&old, &new).expect("samples");
        assert_close(shift.larger, &case["larger"], &case);
        assert_close(shift.p, &case["p"], &case);
        let back = mann_whitney(&new, &old).expect("samples");
        assert_close(back.p, &case["p"], &case);
        assert!((back.larger + shift.larger - 1.0).abs() < 1e-12, "{case}");
    }
    assert_eq!(mann_whitney(&[], &[1]), None);
}

#[test]
fn holm_is_its_definition() {
    for case in cases("holm") {
        let list = |value: &Value| -> Vec<f64> {
            let list = value.as_array().expect("a list").iter();
            list.map(|p| p.as_f64().expect("a number")).collect()
        };
        let corrected = holm(&list(&case["p"]));
        assert_eq!(corrected.len(), list(&case["corrected"]).len());
        for (found, expected) in corrected.iter().zip(list(&case["corrected"])) {
            assert!((found - expected).abs() < 1e-12, "{case}");
        }
    }
}

#[test]
fn many_flows_take_no_time_and_no_number_overflows() {
    let of = 4_000_000_000;
    let share = |count| Share { count, of };
    assert!(fisher(share(2_000_000_000), share(2_000_000_000)) > 0.999);
    assert!(fisher(share(0), share(of)) < 1e-300);
    assert!(fisher(share(1_000_000), share(1_010_000)) < 1e-10);
}

proptest! {
    #[test]
    fn a_probability_is_one(a in 0..60_u64, b in 0..60_u64, more in 0..60_u64, less in 0..60_u64) {
        let (old, new) = (Share { count: a, of: a + more }, Share { count: b, of: b + less });
        let p = fisher(old, new);
        prop_assert!((0.0..=1.0).contains(&p), "{p}");
        // Equal shares of equal numbers are the most probable of all.
        prop_assert!(fisher(old, old) > 0.999_999);
    }

    #[test]
    fn a_share_more_apart_is_less_probable(of in 1..200_u64, at in 0..200_u64) {
        let share = |count| Share { count, of };
        let at = at.min(of - 1);
        let (near, far) = (fisher(share(0), share(at)), fisher(share(0), share(at + 1)));
        prop_assert!(far <= near * 1.000_001, "{near} {far}");
    }

    #[test]
    fn quantiles_are_values(mut all in prop::collection::vec(any::<i64>(), 1..50), part in 0..=1000_usize) {
        all.sort_unstable();
        let found = quantile(&all, part).expect("a value");
        let below = all.iter().filter(|&&v| v <= found).count();
        prop_assert!(below * 1000 >= part * all.len());
        let less = all.iter().filter(|&&v| v < found).count();
        prop_assert!(less * 1000 < part.max(1) * all.len());
    }
}
