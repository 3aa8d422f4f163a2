//! Creates, reads, lists, changes, nests and removes jails, and prints what it does.
//!
//! On FreeBSD as root it uses the kernel; anywhere else a model of it, which confines nothing.
//!
//! `cargo run --example quickstart`

#![allow(clippy::expect_used, reason = "what must fail is expected to")]

use std::net::Ipv4Addr;

use freebsd_jail::{ErrorKind, Jail, JailUpdate, Result, param, sim};

fn main() -> Result<()> {
    // On any other system the calls of this thread go to the model while the guard lives.
    let model = (!cfg!(target_os = "freebsd")).then(sim::Kernel::new);
    let _guard = model.as_ref().map(sim::Kernel::install);
    println!("running on {}\n", if model.is_some() { "the model of the kernel" } else { "the kernel" });

    println!("create: a jail with a host name, an address and at most one child jail");
    let jail = Jail::builder()
        .name("quickstart")
        .path("/")
        .hostname("www.example.org")
        .ip4([Ipv4Addr::new(10, 0, 0, 22)])
        .securelevel(1)
        .children_max(1)
        .create()?;
    println!("  jid {}\n", jail.jid());

    println!("read: five parameters in one system call");
    let (name, path, hostname, securelevel, addresses) = jail.get((
        param::NAME.utf8(),
        param::PATH,
        param::HOST_HOSTNAME.utf8(),
        param::SECURELEVEL,
        param::IP4_ADDR,
    ))?;
    println!("  name           {name}");
    println!("  path           {}", path.display());
    println!("  host.hostname  {hostname}");
    println!("  securelevel    {securelevel}");
    println!("  ip4.addr       {addresses:?}\n");

    println!("update: another host name, a higher secure level");
    jail.update(&JailUpdate::new().hostname("new.example.org").securelevel(2))?;
    let (hostname, securelevel) = jail.get((param::HOST_HOSTNAME.utf8(), param::SECURELEVEL))?;
    println!("  host.hostname  {hostname}");
    println!("  securelevel    {securelevel}\n");

    println!("nest: a jail below it");
    let child = jail.child_builder().name("child").path("/").create()?;
    println!("  jid {}, parent {:?}", child.jid(), child.get(param::PARENT)?);
    let refused = child.update(&JailUpdate::new().securelevel(0)).expect_err("below its parent's level");
    println!("  lowering its secure level: {:?}\n    {refused}", refused.kind());
    let full = jail.child_builder().name("another").path("/").create().expect_err("there is room for one");
    println!("  a second one: {:?}\n    {full}\n", full.kind());

    println!("list: every visible jail, one system call each");
    for entry in Jail::all().get((param::JID, param::NAME.utf8(), param::HOST_HOSTNAME.utf8())) {
        let (jid, name, hostname) = entry?;
        println!("  {jid:>5}  {name:<20}  {hostname}");
    }

    println!("\nremove: the child by dropping its handle, its parent by a call");
    let jid = child.jid();
    drop(child);
    let gone = Jail::open(jid).expect_err("removed");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    println!("  opening jail {jid} again: {gone}");
    let jid = jail.jid();
    jail.remove()?;
    println!("  jail {jid} removed");
    Ok(())
}
