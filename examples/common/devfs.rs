//! A device file system on a jail's `/dev`.

use std::path::{Path, PathBuf};

use super::Result;

/// A mounted devfs, unmounted when it is dropped.
pub struct Devfs(PathBuf);

impl Devfs {
    /// Mounts devfs below a jail's root, with the rule set that is meant for jails: `devfsrules_jail`, 4, which
    /// has to be loaded; see devfs.rules(5).
    pub fn mount(root: &Path) -> Result<Self> {
        let place = root.join("dev");
        if cfg!(target_os = "freebsd") {
            // A symbolic link made inside the jail must not lead the mount elsewhere.
            if place.canonicalize()? != root.canonicalize()?.join("dev") {
                return Err(format!("{}: it leads elsewhere", place.display()).into());
            }
        } else {
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

    /// The one that is mounted below a jail's root already.
    pub fn mounted(root: &Path) -> Self {
        Self(root.join("dev"))
    }

    /// Leaves it mounted, if it is to stay.
    pub fn unless(self, stays: bool) -> Option<Self> {
        if stays {
            std::mem::forget(self);
            return None;
        }
        Some(self)
    }
}

impl Drop for Devfs {
    fn drop(&mut self) {
        #[cfg(target_os = "freebsd")]
        if let Err(error) = nix::mount::unmount(&self.0, nix::mount::MntFlags::empty()) {
            eprintln!("{}: not unmounted: {error}", self.0.display());
        }
    }
}
