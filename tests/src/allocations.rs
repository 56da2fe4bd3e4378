//! Counts what a thread allocates, so that a test can bound a packet's work without a clock: calls, octets held, their peak.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counted; a test binary makes it its global one.
#[derive(Debug)]
pub struct Counted;

fn count(octets: i64, calls: u64) {
    // A thread that is ending has no counters any more.
    let _ = CALLS.try_with(|cell| cell.set(cell.get() + calls));
    let held = HELD.try_with(|cell| {
        cell.set(cell.get() + octets);
        cell.get()
    });
    let _ = PEAK.try_with(|cell| cell.set(cell.get().max(held.unwrap_or_default())));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without; each call goes to the system's unchanged")]
// SAFETY: every method hands its arguments to `System` as they came and gives back what that gave; counting touches only
// this thread's cells, which need no allocation.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64), 0);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64, 1);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// What this thread has allocated so far; all zero where [`Counted`] is not the global allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// Calls that asked for memory.
    pub calls: u64,
    /// Octets held now.
    pub held: i64,
    /// The most octets held since the last [`forget_peak`].
    pub peak: i64,
}

/// What this thread has allocated so far.
pub fn allocated() -> Allocated {
    Allocated { calls: CALLS.get(), held: HELD.get(), peak: PEAK.get() }
}

/// The peak counts from now on.
pub fn forget_peak() {
    PEAK.set(HELD.get());
}
