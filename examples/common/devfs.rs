//! A device file system on a jail's `/dev`.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::Result;

/// How long a removed jail's processes and root directory may stay in use.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mounted devfs, unmounted when it is dropped.
pub struct Devfs(PathBuf);

impl Devfs {
    /// Mounts devfs below a jail's root, with the ruleset for jails, `devfsrules_jail` (4), which must
    /// be loaded; see devfs.rules(5).
    pub fn mount(root: &Path) -> Result<Self> {
        let place = place(root)?;
        if !cfg!(target_os = "freebsd") {
            eprintln!("devfs would be mounted on {}", place.display());
        }
        #[cfg(target_os = "freebsd")]
        nix::mount::Nmount::new()
            .str_opt(c"fstype", c"devfs")
            .str_opt_owned("fspath", &place)
            .str_opt(c"from", c"devfs")
            .str_opt(c"ruleset", c"4")
            .nmount(nix::mount::MntFlags::empty())
            .map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(Self(place))
    }

    /// Returns the devfs that is already mounted below a jail's root.
    pub fn mounted(root: &Path) -> Result<Self> {
        let place = place(root)?;
        #[cfg(target_os = "freebsd")]
        {
            use std::os::unix::fs::MetadataExt;

            let is_devfs = nix::sys::statfs::statfs(&place)?.filesystem_type_name() == "devfs";
            if !is_devfs || place.metadata()?.dev() == root.metadata()?.dev() {
                return Err(format!("{}: no devfs is mounted there", place.display()).into());
            }
        }
        Ok(Self(place))
    }

    /// Leaves it mounted if the jail stays.
    pub fn unless(self, lives: bool) -> Option<Self> {
        if lives {
            eprintln!("{}: mounted until the jail is removed with -r -D", self.0.display());
            std::mem::forget(self);
            return None;
        }
        Some(self)
    }
}

/// Returns the directory of devices of a jail with this root.
fn place(root: &Path) -> Result<PathBuf> {
    let place = root.join("dev");
    if cfg!(target_os = "freebsd") {
        let root = root.canonicalize()?;
        if root == Path::new("/") {
            return Err("/dev: the jail has the host's own".into());
        }
        // A symbolic link made inside the jail must not lead elsewhere.
        if place.canonicalize()? != root.join("dev") {
            return Err(format!("{}: it leads elsewhere", place.display()).into());
        }
        return Ok(root.join("dev"));
    }
    Ok(place)
}

impl Drop for Devfs {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        while let Err(error) = unmount(&self.0) {
            // The kernel releases a removed jail's processes and root directory after the jail has left the list.
            if error != nix::errno::Errno::EBUSY || Instant::now() >= end {
                eprintln!("{}: not unmounted: {error}", self.0.display());
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[cfg(target_os = "freebsd")]
fn unmount(place: &Path) -> nix::Result<()> {
    nix::mount::unmount(place, nix::mount::MntFlags::empty())
}

#[cfg(not(target_os = "freebsd"))]
#[allow(clippy::unnecessary_wraps, reason = "nothing was mounted")]
fn unmount(_: &Path) -> nix::Result<()> {
    Ok(())
}
