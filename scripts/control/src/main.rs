//! Commits the fault that its argument names, and returns as if nothing had happened: scripts/sanitize runs this to
//! see that each tool reports the faults it is there for.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("overrun") => overrun(),
        Some("race") => race(),
        Some("alias") => alias(),
        _ => panic!("usage: control overrun|race|alias"),
    }
}

/// Reads one byte behind an allocation, as a decoder that trusts a length would.
fn overrun() {
    let values = black_box(vec![1_u8, 2, 3]);
    let start = black_box(values.as_ptr());
    // SAFETY: none: this is the fault.
    println!("{}", unsafe { start.add(3).read() });
}

/// Writes to one place from two threads without any order between them.
fn race() {
    struct Shared(*mut u64);
    // SAFETY: none: this is the fault.
    unsafe impl Send for Shared {}
    let mut value = 0_u64;
    let address = Shared(&raw mut value);
    // The threads meet here, so that neither ends before the other begins. `Relaxed` orders nothing else.
    let begun = AtomicUsize::new(0);
    thread::scope(|scope| {
        let begun = &begun;
        for place in [Shared(address.0), Shared(address.0)] {
            scope.spawn(move || {
                let place = place;
                begun.fetch_add(1, Ordering::Relaxed);
                while begun.load(Ordering::Relaxed) < 2 {
                    thread::yield_now();
                }
                // SAFETY: none: this is the fault.
                unsafe { *place.0 += 1 };
            });
        }
    });
    println!("{}", black_box(value));
}

/// Writes through a pointer while a reference says that nobody does.
fn alias() {
    let mut value = black_box(1_u32);
    let pointer = &raw mut value;
    // SAFETY: none: this is the fault.
    let reference = unsafe { &*pointer };
    // SAFETY: none: this is the fault.
    unsafe { pointer.write(2) };
    println!("{reference}");
}
