//! Several things at a time, in the order in which they were given.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What `work` makes of each, by so many threads.
pub(crate) fn in_parallel<T: Send, U: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let threads = threads.min(items.len());
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let waiting: VecDeque<_> = items.into_iter().enumerate().collect();
    let waiting = Mutex::new(waiting);
    let all = || {
        // A thread that panicked has left the lists as they were.
        let next = || {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.pop_front()
        };
        while let Some((number, item)) = next() {
            let result = work(item);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((number, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without a thread the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, all);
        }
        all();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
