//! Follows all jails and waits for the end of one in an async runtime: feature `tokio`.
//!
//! On FreeBSD it ends when nothing has happened for ten seconds. Anywhere else it creates jails on a model of the
//! kernel.

use std::time::Duration;

use freebsd_jail::watch::{AsyncFollower, Follower, WaitOutcome};
use freebsd_jail::{Jail, JailUpdate, Result, sim};
use tokio::time::{sleep, timeout};

/// Reports what happens, until nothing happens for some time.
async fn follow(mut follower: AsyncFollower, patience: Duration) -> Result<()> {
    // The timeout drops the future, which loses nothing.
    while let Ok(told) = timeout(patience, follower.wait()).await {
        println!("{:?}", told?);
    }
    Ok(())
}

/// Creates a jail, has another task wait for its end, and removes it.
async fn one_jail(name: &'static str) -> Result<()> {
    let jail = Jail::builder().name(name).path("/").create()?;
    let same = jail.try_clone()?;
    let end = async move {
        let outcome = same.wait_gone_async(Some(Duration::from_secs(10))).await?;
        println!("{name} is {}", if outcome.is_done() { "gone" } else { "still held" });
        Result::Ok(())
    };
    let removal = async {
        sleep(Duration::from_millis(50)).await;
        jail.update(&JailUpdate::new().securelevel(1))?;
        sleep(Duration::from_millis(50)).await;
        match jail.remove_and_wait_async(Some(Duration::from_secs(10))).await? {
            WaitOutcome::Done(()) => println!("{name} was removed"),
            WaitOutcome::TimedOut(mut held) => println!("{name} is held by {}", held.holders()?),
        }
        Ok(())
    };
    tokio::try_join!(end, removal).map(drop)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if cfg!(target_os = "freebsd") {
        runtime.block_on(async { follow(Follower::new()?.into_async()?, Duration::from_secs(10)).await })?;
        return Ok(());
    }
    println!("this is not FreeBSD: following the jails of a model of its kernel");
    let kernel = sim::Kernel::new();
    let _guard = kernel.install();
    runtime.block_on(async {
        let follower = Follower::new()?.into_async()?;
        let jails = async { tokio::try_join!(one_jail("one"), one_jail("two"), one_jail("three")) };
        let (end, jails) = tokio::join!(follow(follower, Duration::from_millis(500)), jails);
        end.and(jails.map(drop))
    })?;
    Ok(())
}
