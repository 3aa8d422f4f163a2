//! What it costs to build and to read requests, without any kernel: on the model's side of the seam nothing is
//! measured but the crate, since the call fails at once where there is no model and no FreeBSD.

#![allow(clippy::expect_used, reason = "a measurement that fails has no result")]

use std::hint::black_box;
use std::net::Ipv4Addr;

use divan::Bencher;
use freebsd_jail::{Jail, param, raw::Request, sim};

fn main() {
    divan::main();
}

/// Building the request of a jail, as `create` sends it.
#[divan::bench]
fn build_jail() -> impl Sized {
    Jail::builder()
        .name(black_box("bench"))
        .path("/")
        .hostname("bench.example.org")
        .ip4([Ipv4Addr::new(10, 0, 0, 22)])
        .securelevel(2)
}

/// The same by hand, through `Request`.
#[divan::bench]
fn build_request() -> Request {
    let mut request = Request::new();
    request
        .string("name", black_box("bench"))
        .and_then(|request| request.string("path", "/"))
        .and_then(|request| request.string("host.hostname", "bench.example.org"))
        .and_then(|request| request.ip4("ip4.addr", &[Ipv4Addr::new(10, 0, 0, 22)]))
        .and_then(|request| request.int("securelevel", 2))
        .expect("a request");
    request
}

/// A request of as many parameters as the kernel takes.
#[divan::bench]
fn build_largest_request(bencher: Bencher<'_, '_>) {
    let names: Vec<String> = (0..510).map(|index| format!("allow.mount.fs{index}")).collect();
    bencher.bench_local(|| {
        let mut request = Request::new();
        for name in &names {
            request.flag(name).expect("a name");
        }
        request
    });
}

/// Reading an answer's values out of a request.
#[divan::bench]
fn decode_answer(bencher: Bencher<'_, '_>) {
    let mut request = Request::new();
    request
        .string("name", "bench")
        .and_then(|request| request.string("path", "/usr/jail"))
        .and_then(|request| request.int("securelevel", 2))
        .and_then(|request| request.ip4("ip4.addr", &[Ipv4Addr::new(10, 0, 0, 22)]))
        .expect("a request");
    bencher.bench_local(|| {
        (
            request.read(param::NAME).expect("a name"),
            request.read(param::PATH).expect("a path"),
            request.read(param::SECURELEVEL).expect("a level"),
            request.read(param::IP4_ADDR).expect("addresses"),
        )
    });
}

/// A whole read of one integer, the model's part included.
#[divan::bench]
fn get_int_on_the_model(bencher: Bencher<'_, '_>) {
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    let jail = Jail::builder().path("/").securelevel(2).create().expect("created");
    bencher.bench_local(|| jail.get(param::SECURELEVEL).expect("read"));
}
