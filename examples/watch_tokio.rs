//! Waits for events of jails in an async runtime: tokio's `AsyncFd` around the watcher.
//!
//! On FreeBSD 15 or later it reports new jails until there has been none for ten seconds. Anywhere else it shows the
//! same on a model of the kernel, with jails of its own.

use std::io;
use std::time::Duration;

use freebsd_jail::watch::Event;
use freebsd_jail::{Jail, Watcher, sim};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A watcher that can be awaited.
struct AsyncWatcher {
    watcher: AsyncFd<Watcher>,
}

impl AsyncWatcher {
    fn new(watcher: Watcher) -> io::Result<Self> {
        // For reading only: kqueue(2) refuses to watch another queue for writing.
        // SAFETY: the watcher owns its descriptor, has the same one as long as it lives, and closes it when it is
        // dropped, which is after the `AsyncFd` has let go of it.
        let watcher = unsafe { AsyncFd::register_with_interest(watcher, Interest::READABLE) }?;
        Ok(Self { watcher })
    }

    /// Waits for the next event. Nothing is lost if the future is dropped.
    async fn next(&self) -> io::Result<Event> {
        loop {
            let mut ready = self.watcher.readable().await?;
            match self.watcher.get_ref().try_next()? {
                Some(event) => return Ok(event),
                // Only now has everything been read: tokio may wait for the next time.
                None => ready.clear_ready(),
            }
        }
    }
}

async fn follow(watcher: &AsyncWatcher, patience: Duration) -> io::Result<()> {
    while let Ok(event) = tokio::time::timeout(patience, watcher.next()).await {
        let event = event?;
        println!("{:?}: {:?}", event.jid(), event.kinds().collect::<Vec<_>>());
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    if cfg!(target_os = "freebsd") {
        let watcher = Watcher::new()?;
        watcher.watch_own()?;
        return runtime
            .block_on(async { follow(&AsyncWatcher::new(watcher)?, Duration::from_secs(10)).await });
    }
    println!("this is no FreeBSD: a model of its kernel follows");
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    let watcher = Watcher::new()?;
    watcher.watch_own()?;
    runtime.block_on(async {
        let watcher = AsyncWatcher::new(watcher)?;
        let jails = async {
            for name in ["one", "two", "three"] {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let jail = Jail::builder().name(name).path("/").create()?;
                watcher.watcher.get_ref().watch_jid(jail.jid())?;
                jail.update().securelevel(1).apply()?;
                jail.remove()?;
            }
            io::Result::Ok(())
        };
        let (followed, done) = tokio::join!(follow(&watcher, Duration::from_millis(300)), jails);
        followed.and(done)
    })
}
