//! An allocator that counts, so that leaks and greed are found without a sanitizer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that any input may take, and bytes for each of its own.
const BASE: usize = 48 << 20;
const EACH: usize = 4096;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(old, layout) }
    }
}

fn add(bytes: usize) {
    let now = NOW.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
}

/// Sees to it that the property gives back what it takes, and takes what is due to the input.
pub(crate) fn balanced(input: &[u8], property: fn(&[u8])) {
    if kept(input, property) != 0 {
        // Once something may be made that lasts; not every time.
        let again = kept(input, property);
        assert_eq!(again, 0, "bytes leaked");
    }
}

/// Bytes more than before.
fn kept(input: &[u8], property: fn(&[u8])) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    property(input);
    let peak = PEAK.load(Relaxed).saturating_sub(before);
    let most = BASE + EACH * input.len();
    assert!(peak <= most, "{peak} bytes at once");
    NOW.load(Relaxed).saturating_sub(before)
}
