//! Limits a jail's resources by rctl(4). Shows that the rules belong to its name and outlive it, and how an owner
//! removes them.
//!
//!     limits
//!
//! The kernel must have been started with `kern.racct.enable=1`. Off FreeBSD it prints what it would do.

use std::error::Error;

use freebsd_jail::{Jail, OwnedJail, param, sim};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The rules of the jail of a name, by the crate `rctl`.
#[cfg(target_os = "freebsd")]
mod rules {
    use rctl::{Filter, Rule, Subject};

    use super::Result;

    /// Adds a rule such as `maxproc:deny=20`, as rctl(8) writes it.
    pub(crate) fn add(name: &str, limit: &str) -> Result<()> {
        Ok(format!("{}:{limit}", Subject::jail_name(name)).parse::<Rule>()?.apply()?)
    }

    /// Fails if there are none.
    pub(crate) fn remove_all(name: &str) -> Result<()> {
        Ok(Filter::new().subject(&Subject::jail_name(name)).remove_rules()?)
    }

    /// Not `Subject::limits`: that has the limits of processes only (`sys_rctl_get_limits` in sys/kern/kern_rctl.c).
    pub(crate) fn list(name: &str) -> Result<Vec<String>> {
        let rules = Filter::new().subject(&Subject::jail_name(name)).rules()?;
        Ok(rules.into_iter().map(|rule| rule.to_string()).collect())
    }

    pub(crate) fn processes(name: &str) -> Result<Option<usize>> {
        Ok(Subject::jail_name(name).usage()?.get(&rctl::Resource::MaxProcesses).copied())
    }
}

#[cfg(not(target_os = "freebsd"))]
#[allow(clippy::unnecessary_wraps, reason = "on FreeBSD each may fail")]
mod rules {
    use super::Result;

    pub(crate) fn add(name: &str, limit: &str) -> Result<()> {
        println!("# rctl -a jail:{name}:{limit}");
        Ok(())
    }

    pub(crate) fn remove_all(name: &str) -> Result<()> {
        println!("# rctl -r jail:{name}");
        Ok(())
    }

    pub(crate) fn list(name: &str) -> Result<Vec<String>> {
        println!("# rctl jail:{name}");
        Ok(Vec::new())
    }

    pub(crate) fn processes(name: &str) -> Result<Option<usize>> {
        println!("# rctl -u jail:{name}");
        Ok(None)
    }
}

/// A jail with limits, which are removed with it.
struct Limited {
    // Dropped after `drop` has removed it and its rules.
    jail: OwnedJail,
    /// The jail's name when the rules were made. Renaming the jail renames them, and those of jails below stay under the
    /// old name (T53): rename before there are rules.
    name: String,
}

impl Limited {
    fn new(jail: OwnedJail, limits: &[&str]) -> Result<Self> {
        let name = jail.get(param::NAME.utf8())?;
        // A name with a colon would be read as another subject (T53).
        if name.contains(':') {
            return Err(format!("rctl(4) cannot limit a jail with a colon in its name: {name}").into());
        }
        let limited = Self { jail, name };
        // An earlier jail of this name may have left rules: they hold for this one, too.
        limited.take_away();
        for limit in limits {
            rules::add(&limited.name, limit)?;
        }
        Ok(limited)
    }

    fn take_away(&self) {
        if let Err(error) = rules::remove_all(&self.name) {
            // There are no rules.
            eprintln!("limits: {error}");
        }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // Remove the jail first, so that nothing in it runs without limits.
        let _ = self.jail.remove();
        self.take_away();
    }
}

fn main() -> Result<()> {
    let model = (!cfg!(target_os = "freebsd")).then(sim::Kernel::new);
    let _guard = model.as_ref().map(sim::Kernel::install);
    let name = format!("limits-{}", std::process::id());

    let jail = Jail::builder().name(format!("{name}:")).path("/").create()?;
    println!("refused: {}", Limited::new(jail, &[]).map(drop).err().ok_or("a colon is in the name")?);

    // Rules outlive their jail.
    let jail = Jail::builder().name(&name).path("/").create()?;
    if let Err(error) = rules::add(&name, "maxproc:deny=10") {
        println!("{error}: is kern.racct.enable=1 set in /boot/loader.conf?");
        return Ok(());
    }
    drop(jail);
    println!("after the jail: {}", rules::list(&name)?.join(" "));

    // An owner that removes all rules, even older ones.
    let jail = Jail::builder().name(&name).path("/").create()?;
    let limited = Limited::new(jail, &["maxproc:deny=20", "memoryuse:deny=256m"])?;
    println!("with limits: {}", rules::list(&name)?.join(" "));
    println!("processes: {:?}", rules::processes(&limited.name)?);
    drop(limited);
    println!("after the owner: {:?}", rules::list(&name).unwrap_or_default());
    Ok(())
}
