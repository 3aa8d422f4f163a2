//! Copying parameters of another jail.

use super::JailBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::get::Present;
use crate::jail::Jail;
use crate::param::{self, Kind, Mode, Sharing, Value};

/// Parameters that are a jail's own or its parent's, depending on the mode. For a jail with its parent's they read as
/// the parent's, but setting them would make them its own.
const GROUPS: [(&str, &[&str]); 4] = [
    ("host", &["host.hostname", "host.domainname", "host.hostuuid", "host.hostid"]),
    ("linux", &["linux.osname", "linux.osrelease", "linux.oss_version"]),
    ("zfs", &["zfs.mount_snapshot"]),
    ("mac.do", &["mac.do.rules"]),
];

/// The same for addresses, whose mode reads as [`Mode::Disable`] even if they are the jail's own.
const ADDRESSES: [(&str, &str, Kind); 2] = [("ip4", "ip4.addr", Kind::Ip4), ("ip6", "ip6.addr", Kind::Ip6)];

/// # Copying from another jail
impl JailBuilder {
    /// Copies the named parameters from another jail. They are read now, in one [jail_get(2)].
    ///
    /// Each name must be in the [table](param::TABLE) as one that can be set, or be a permission `allow.*`, or an entry
    /// of `meta` or `env`; an entry that the jail lacks is left out.
    ///
    /// If a jail inherits its addresses, host names, Linux names, ZFS settings or rules of [mac_do(4)], naming the mode
    /// (`ip4`, `ip6`, `host`, `linux`, `zfs`, `mac.do`) copies that it inherits them, even if their values are named as
    /// well. For a jail with its own addresses, naming `ip4` or `ip6` copies the addresses, since the mode does not
    /// show them. For a jail with its own network stack, name `vnet` instead, or in addition. If `ip4` or `ip6` are
    /// named alone and read as inherited, one more call finds out whether the jail has its own network stack.
    ///
    /// # Errors
    ///
    /// As [`Jail::get`], and [`ErrorKind::InvalidParameter`] for a name whose type is not known.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let one = Jail::builder().path("/").hostname("one").securelevel(2).create()?;
    /// let two = Jail::builder().path("/").copy_from(&one, &["securelevel"])?.create()?;
    /// assert_eq!(two.get((param::SECURELEVEL, param::HOST_HOSTNAME.utf8()))?, (2, String::new()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    /// [mac_do(4)]: https://man.freebsd.org/cgi/man.cgi?query=mac_do&sektion=4
    pub fn copy_from(mut self, jail: &Jail, names: &[&str]) -> Result<Self> {
        self.read_from(jail, names)?;
        Ok(self)
    }

    fn read_from(&mut self, jail: &Jail, names: &[&str]) -> Result<()> {
        let mut keys = Vec::with_capacity(names.len());
        for &name in names {
            keys.push((name, kind_of(name)?));
        }
        for (mode, addresses, kind) in ADDRESSES {
            if names.contains(&mode) && !names.contains(&addresses) {
                keys.push((addresses, kind));
            }
        }
        let mut copied = Copied { values: jail.get(Present(&keys))?, keys };
        for (mode, others) in GROUPS {
            if copied.mode(mode).is_some_and(|mode| mode != Mode::New) {
                copied.forget(others);
            }
        }
        for (mode, addresses, _) in ADDRESSES {
            if names.contains(&mode) {
                self.settings.unset(mode);
                self.settings.unset(addresses);
            }
            match copied.mode(mode) {
                // It has addresses of its own, or none: the kernel tells both alike.
                Some(Mode::Disable) => copied.forget(&[mode]),
                Some(_) => copied.forget(&[addresses]),
                None => {}
            }
        }
        copied.choose_network(jail)?;
        for ((name, _), value) in copied.keys.iter().zip(&copied.values) {
            if let Some(value) = value {
                self.settings.set_value(name, value);
            }
        }
        Ok(())
    }
}

/// The values that were read, `None` for those not to be set.
struct Copied<'n> {
    keys: Vec<(&'n str, Kind)>,
    values: Vec<Option<Value>>,
}

impl Copied<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        let place = self.keys.iter().position(|(key, _)| *key == name)?;
        self.values.get(place)?.as_ref()
    }

    fn mode(&self, name: &str) -> Option<Mode> {
        match self.value(name) {
            Some(Value::Mode(mode)) => Some(*mode),
            _ => None,
        }
    }

    fn forget(&mut self, names: &[&str]) {
        for ((name, _), value) in self.keys.iter().zip(&mut self.values) {
            if names.contains(name) {
                *value = None;
            }
        }
    }

    /// Keeps either `vnet` or the addresses, which the kernel does not accept together.
    fn choose_network(&mut self, jail: &Jail) -> Result<()> {
        const OF_ADDRESSES: [&str; 4] = ["ip4", "ip4.addr", "ip6", "ip6.addr"];
        let has_addresses = OF_ADDRESSES.iter().any(|name| self.value(name).is_some());
        match self.mode("vnet") {
            Some(Mode::New) => self.forget(&OF_ADDRESSES),
            Some(_) if has_addresses => self.forget(&["vnet"]),
            Some(_) => {}
            None => {
                let inherited =
                    ["ip4", "ip6"].into_iter().find(|name| self.mode(name) == Some(Mode::Inherit));
                let Some(inherited) = inherited else { return Ok(()) };
                match jail.get(param::VNET) {
                    Ok(Sharing::New) => {
                        let reason = "the jail has a network stack of its own: copy `vnet` instead";
                        return Err(Error::refused(ErrorKind::Conflict, reason).about(inherited));
                    }
                    Ok(_) => {}
                    // A kernel without VIMAGE.
                    Err(error) if error.kind() == ErrorKind::UnknownParameter => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn kind_of(name: &str) -> Result<Kind> {
    param::kind_of(name).ok_or_else(|| {
        let reason = "its type is known neither by the table nor by its name";
        Error::refused(ErrorKind::InvalidParameter, reason).about(name)
    })
}
