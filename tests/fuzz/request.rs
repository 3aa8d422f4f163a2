//! Requests made of anything, by the raw calls: refused, or understood by the model, and never a fault.

use std::os::fd::{AsFd, OwnedFd};

use freebsd_jail::raw::{self, At};
use freebsd_jail::{
    Jid, param,
    raw::{GetFlags, Request, SetFlags},
};

use super::{Input, assert_unharmed};

/// Fills a request, sends it, reads what came back, and again.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kernel = input.kernel();
    let _guard = kernel.install();
    let mut request = Request::new();
    let mut kept = Vec::new();
    while !input.is_empty() {
        step(&mut input, &mut request, &mut kept);
        check(&request);
    }
    assert_unharmed(&kernel);
}

fn step(input: &mut Input<'_>, request: &mut Request, kept: &mut Vec<OwnedFd>) {
    // What is refused leaves the request as it was: `check` sees to it.
    let _ = match input.below(16) {
        0 => request.flag(&input.name()).map(drop),
        1 | 2 => request.int(&input.name(), input.int()).map(drop),
        3 => request.ulong(&input.name(), input.byte().into()).map(drop),
        4 | 5 => request.string(&input.name(), input.text()).map(drop),
        6 => request.ip4(&input.name(), &input.ip4()).map(drop),
        7 => request.ip6(&input.name(), &input.ip6()).map(drop),
        8 => request.bytes(&input.name(), input.bytes(64)).map(drop),
        9 => request.space(&input.name(), usize::from(input.byte()) * 4).map(drop),
        10 => {
            request.remove(&input.name());
            Ok(())
        }
        11 => {
            request.clear();
            Ok(())
        }
        12 | 13 => {
            let flags = SetFlags::from_bits_retain(flags(input) & !SetFlags::ATTACH.bits());
            let at = at(input, kept);
            raw::jail_set(request, at, flags).map(|reply| kept.extend(reply.descriptor))
        }
        14 => {
            let flags = GetFlags::from_bits_retain(flags(input));
            let at = at(input, kept);
            raw::jail_get(request, at, flags).map(|reply| kept.extend(reply.descriptor))
        }
        _ => Jid::new(input.int()).map_or(Ok(()), raw::jail_remove),
    };
}

/// The low byte has every flag that there is; now and then all bits are anything.
fn flags(input: &mut Input<'_>) -> i32 {
    match input.below(16) {
        0 => input.int(),
        1..8 => SetFlags::CREATE.bits(),
        8..12 => SetFlags::UPDATE.bits(),
        _ => input.byte().into(),
    }
}

fn at<'f>(input: &mut Input<'_>, kept: &'f [OwnedFd]) -> At<'f> {
    let choice = input.below(8);
    match kept.get(input.below(8)) {
        Some(descriptor) if choice == 1 => At::Use(descriptor.as_fd()),
        Some(descriptor) if choice == 2 => At::Below(descriptor.as_fd()),
        _ => At::None,
    }
}

/// Whatever was done, a request is a list of different names with a value each, of no more than it says.
fn check(request: &Request) {
    let names: Vec<_> = request.names().collect();
    assert_eq!(names.len(), request.len());
    for name in &names {
        if let Some(value) = request.value(name) {
            assert!(value.len() <= 64 << 10);
        }
        let _ = request.len_of(name);
    }
    // Reading by the wrong type is an error, and no more.
    let _ = request.read(param::NAME);
    let _ = request.read(param::SECURELEVEL);
    let _ = request.read(param::IP4_ADDR);
    let _ = request.read(param::IP6_ADDR);
    let _ = request.read(param::PERSIST);
}
