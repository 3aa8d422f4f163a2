//! Follows the events of all jails that this process can see, those that are created meanwhile included.
//!
//! On FreeBSD 15 or later it watches the kernel's jails until it is interrupted. Anywhere else it shows the same on a
//! model of the kernel, with jails of its own.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use freebsd_jail::watch::{Event, EventKind, WaitOutcome};
use freebsd_jail::{ErrorKind, Jail, Jid, Result, Watcher, param, sim};

fn main() -> ExitCode {
    let result = if cfg!(target_os = "freebsd") { follow(None) } else { on_the_model() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watch: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints events for ever, or until there is none for some time. Inside a jail it fails: a process cannot watch its own.
fn follow(patience: Option<Duration>) -> Result<()> {
    let mut follower = Follower { watcher: Watcher::new()?, watched: HashSet::new() };
    // In this order: a jail that is created before the list is read is in the list, one that is created after it is
    // an event.
    follower.watcher.watch_own()?;
    follower.watch_below(None)?;
    loop {
        let WaitOutcome::Done(event) = follower.watcher.wait(patience)? else { return Ok(()) };
        print(&event);
        for kind in event.kinds() {
            match (kind, event.jid()) {
                (EventKind::ChildCreated { jid: Some(jid) }, _) => follower.watch(jid)?,
                // Several: the event does not say which, so the list has to.
                (EventKind::ChildCreated { jid: None }, above) => follower.watch_below(above)?,
                (EventKind::Removed, Some(jid)) => {
                    follower.watched.remove(&jid);
                    // Another jail may have the jid already.
                    follower.watch(jid)?;
                }
                _ => {}
            }
        }
    }
}

struct Follower {
    watcher: Watcher,
    /// What is watched already.
    watched: HashSet<Jid>,
}

impl Follower {
    /// Watches a jail, and those that may have been created in it by now.
    fn watch(&mut self, jid: Jid) -> Result<()> {
        if !self.watched.insert(jid) {
            return Ok(());
        }
        match self.watcher.watch_jid(jid) {
            Ok(_) => self.watch_below(Some(jid)),
            // It has gone already, or its creation failed in the end.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.watched.remove(&jid);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Watches the jails directly below one, or all that there are.
    fn watch_below(&mut self, above: Option<Jid>) -> Result<()> {
        let above = above.map(Jail::unpinned);
        let below = match &above {
            Some(above) => above.children(),
            None => Jail::all(),
        };
        for jid in below.get(param::JID) {
            match jid {
                Ok(jid) => self.watch(jid)?,
                // The one above has gone.
                Err(error) if error.kind() == ErrorKind::Gone => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn print(event: &Event) {
    let jail = event.jid().map_or_else(|| "this jail".to_owned(), |jid| format!("jail {jid}"));
    for kind in event.kinds() {
        match kind {
            EventKind::ChildCreated { jid: Some(child) } => println!("{jail}: jail {child} was created"),
            EventKind::ChildCreated { jid: None } => println!("{jail}: jails were created"),
            EventKind::Changed => println!("{jail}: changed"),
            EventKind::Entered { pid: Some(pid) } => println!("{jail}: process {pid} entered"),
            EventKind::Entered { pid: None } => println!("{jail}: processes entered"),
            EventKind::Removed => println!("{jail}: began to die"),
            other => println!("{jail}: {other:?}"),
        }
    }
}

/// Does the same on a model, where another thread creates, changes and removes jails.
fn on_the_model() -> Result<()> {
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    println!("this is no FreeBSD: a model of its kernel follows");
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            let _guard = kernel.install();
            let pause = || std::thread::sleep(Duration::from_millis(50));
            pause();
            let outer = Jail::builder().name("outer").path("/").children_max(1).create()?;
            pause();
            let inner = outer.child_builder().name("inner").path("/").create()?;
            pause();
            kernel.process().fork().run(|| inner.attach())?;
            pause();
            outer.update().securelevel(1).apply()?;
            pause();
            outer.remove()
        });
        follow(Some(Duration::from_millis(500)))?;
        busy.join().unwrap_or(Ok(()))
    })
}
