//! Lists and events in any bytes, as a kernel might answer: read or refused, and never a fault.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    match which % 3 {
        0 => freebsd_jail::fuzzing::snapshot(bytes),
        1 => freebsd_jail::fuzzing::processes(bytes),
        _ => freebsd_jail::fuzzing::event(bytes),
    }
});
