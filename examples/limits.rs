//! Limits what a jail may use, by rctl(8): that the rules belong to its name and outlive it, and how an owner takes them
//! away.
//!
//!     limits
//!
//! It runs rctl(8), which is in FreeBSD's base system: the crate `rctl` 0.4 does not build off FreeBSD, where this has to
//! build, too. The kernel must have been started with `kern.racct.enable=1`. Off FreeBSD it prints the commands.

use std::error::Error;
use std::process::Command;

use freebsd_jail::{Jail, OwnedJail, param, sim};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A jail with limits, which are taken away with it.
struct Limited {
    // Dropped after `drop` has removed it and its rules.
    jail: OwnedJail,
    /// What the rules are filed under: the jail's name when they were made. Renaming the jail renames them, and those
    /// of jails below stay under the old name (T53): rename before there are rules.
    subject: String,
}

impl Limited {
    fn new(jail: OwnedJail, limits: &[&str]) -> Result<Self> {
        let name = jail.get(param::NAME.utf8())?;
        // A name with a colon would be read as another subject (T53).
        if name.contains(':') {
            return Err(format!("rctl(8) cannot limit a jail with a colon in its name: {name}").into());
        }
        let limited = Self { jail, subject: format!("jail:{name}") };
        // An earlier jail of this name may have left rules: they hold for this one, too.
        limited.take_away();
        for limit in limits {
            rctl(&["-a", &format!("{}:{limit}", limited.subject)])?;
        }
        Ok(limited)
    }

    fn take_away(&self) {
        if let Err(error) = rctl(&["-r", &self.subject]) {
            // There are none.
            eprintln!("limits: {error}");
        }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // First the jail: nothing in it runs without limits then.
        let _ = self.jail.remove();
        self.take_away();
    }
}

/// Runs rctl(8), and returns what it printed.
fn rctl(arguments: &[&str]) -> Result<String> {
    println!("# rctl {}", arguments.join(" "));
    if !cfg!(target_os = "freebsd") {
        return Ok(String::new());
    }
    let output = Command::new("/usr/bin/rctl").args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into())
}

fn main() -> Result<()> {
    let model = (!cfg!(target_os = "freebsd")).then(sim::Kernel::new);
    let _guard = model.as_ref().map(sim::Kernel::install);
    let name = format!("limits-{}", std::process::id());
    let subject = format!("jail:{name}");

    // Rules outlive their jail.
    let jail = Jail::builder().name(&name).path("/").create()?;
    if let Err(error) = rctl(&["-a", &format!("{subject}:maxproc:deny=10")]) {
        println!("{error}: is kern.racct.enable=1 set in /boot/loader.conf?");
        return Ok(());
    }
    drop(jail);
    // Not `-l`, which lists the limits of processes only (`sys_rctl_get_limits` in sys/kern/kern_rctl.c).
    println!("after the jail: {}", rctl(&[&subject])?.trim());

    // An owner that takes them away, also those that it finds.
    let jail = Jail::builder().name(&name).path("/").create()?;
    let limited = Limited::new(jail, &["maxproc:deny=20", "memoryuse:deny=256m"])?;
    println!("with limits: {}", rctl(&[&subject])?.trim());
    println!("in use: {}", rctl(&["-u", &limited.subject])?.lines().take(3).collect::<Vec<_>>().join(" "));
    drop(limited);
    println!("after the owner: {:?}", rctl(&[&subject]).unwrap_or_default());
    Ok(())
}
