//! Reading the most used parameters of a jail.

use super::Jail;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{ErrorKind, Result};
use crate::get::{Answers, Keys, MAX_TUPLE, Question};
use crate::info::JailInfo;
use crate::network::{Ip4, Ip6, Network};
use crate::param::{self, CreateOnly, Mode, Param, ReadWrite, Sealed, Sharing};
use crate::sys::{Options, System};

/// Pairs each key with the rest of them.
macro_rules! nested {
    () => { () };
    ($first:expr, $($rest:expr,)*) => { ($first, nested!($($rest,)*)) };
}

/// The pattern of the values of nested keys.
macro_rules! nested_pattern {
    () => { () };
    ($first:ident, $($rest:ident,)*) => { ($first, nested_pattern!($($rest,)*)) };
}

/// Hands the fields that are read by one key each to another macro.
macro_rules! fields {
    ($do:ident $($with:tt)*) => {
        $do! { $($with)*
            jid: param::JID,
            name: param::NAME,
            parent: param::PARENT,
            path: param::PATH,
            hostname: param::HOST_HOSTNAME,
            domainname: param::HOST_DOMAINNAME,
            hostuuid: param::HOST_HOSTUUID,
            hostid: param::HOST_HOSTID,
            securelevel: param::SECURELEVEL,
            enforce_statfs: param::ENFORCE_STATFS,
            devfs_ruleset: param::DEVFS_RULESET,
            osrelease: param::OSRELEASE,
            osreldate: param::OSRELDATE,
            cpuset: param::CPUSET_ID,
            children_cur: param::CHILDREN_CUR,
            children_max: param::CHILDREN_MAX,
            persist: param::PERSIST,
            dying: param::DYING,
        }
    };
}

macro_rules! keys {
    ($($field:ident: $key:expr,)*) => { nested!($($key,)*) };
}

macro_rules! info {
    ($values:ident, $network:ident; $($field:ident: $key:expr,)*) => {{
        let nested_pattern!($($field,)*) = $values;
        JailInfo { $($field,)* network: $network }
    }};
}

/// The keys of a [`JailInfo`], for a kernel with these options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InfoKeys(u8);

impl InfoKeys {
    fn network(self) -> NetworkKeys {
        let has = |option| self.0 & option != 0;
        let ip4 = has(Options::INET).then_some((param::IP4, param::IP4_ADDR));
        let ip6 = has(Options::INET6).then_some((param::IP6, param::IP6_ADDR));
        (has(Options::VIMAGE).then_some(param::VNET), ip4, ip6)
    }
}

type Key<T, A = ReadWrite> = Param<'static, T, A>;
type NetworkKeys = (
    Option<Key<Sharing, CreateOnly>>,
    Option<(Key<Mode, CreateOnly>, Key<Vec<Ipv4Addr>>)>,
    Option<(Key<Mode, CreateOnly>, Key<Vec<Ipv6Addr>>)>,
);

impl Sealed for InfoKeys {}
impl Keys for InfoKeys {
    type Output = JailInfo;

    const ROOM: usize = 4096;
    const COUNT: usize = MAX_TUPLE;

    fn ask(&self, question: &mut Question<'_, '_>) -> Result<()> {
        self.network().ask(question)?;
        fields!(keys).ask(question)
    }

    fn answer(&self, answers: &mut Answers<'_, '_>) -> Result<JailInfo> {
        let (vnet, ip4, ip6) = self.network().answer(answers)?;
        let values = fields!(keys).answer(answers)?;
        let network = if vnet == Some(Sharing::New) {
            Network::Own
        } else {
            // The mode reads as `Disable` even for a jail with addresses of its own.
            let ip4 = ip4.map_or(Ip4::NONE, |(mode, addresses)| match mode {
                Mode::Inherit => Ip4::Inherit,
                _ => Ip4::Addresses(addresses),
            });
            let ip6 = ip6.map_or(Ip6::NONE, |(mode, addresses)| match mode {
                Mode::Inherit => Ip6::Inherit,
                _ => Ip6::Addresses(addresses),
            });
            Network::Shared { ip4, ip6 }
        };
        Ok(fields!(info values, network;))
    }
}

/// Reads with the keys that this kernel has, and repeats the call for each one that it lacks.
pub(crate) fn read_known<T>(system: &System, mut read: impl FnMut(&InfoKeys) -> Result<T>) -> Result<T> {
    let options = &system.cache().options;
    loop {
        let asked = options.get();
        match read(&InfoKeys(asked)) {
            Err(error)
                if error.kind() == ErrorKind::UnknownParameter
                    && error.parameter().is_some_and(|name| options.lacks(asked, name)) => {}
            result => return result,
        }
    }
}

/// # Reading the most used parameters
impl Jail {
    /// Reads the most used parameters in one call.
    ///
    /// Wraps [jail_get(2)]. If the kernel was built without IPv4, IPv6 or VIMAGE, the first time takes one more call
    /// for each; these fields then say that the jail has none.
    ///
    /// # Errors
    ///
    /// As [`Jail::get`].
    ///
    /// # FreeBSD versions
    ///
    /// All. Since 15.0 the handle's own jail is read; before, the jail that has its jid.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").hostname("www.example.org").create()?;
    /// let info = jail.info()?;
    /// assert_eq!((info.jid, info.name.to_str()), (jail.jid(), Some("www")));
    /// assert_eq!((info.children_max, info.persist, info.dying), (0, true, false));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn info(&self) -> Result<JailInfo> {
        read_known(&self.system, |keys| self.get(keys))
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::sim;

    #[test]
    fn an_option_that_the_kernel_lacks_is_left_out_and_not_asked_for_again() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let system = System::current();
        let unknown = |name: &str| Error::refused(ErrorKind::UnknownParameter, "").about(name);
        let mut calls = 0;
        let mut read = |keys: &InfoKeys| {
            calls += 1;
            match keys.network() {
                (Some(_), ..) => Err(unknown("vnet")),
                (_, Some(_), _) => Err(unknown("ip4.addr")),
                (None, None, ip6) => Ok(ip6.is_some()),
            }
        };
        assert_eq!(read_known(&system, &mut read).ok(), Some(true));
        assert_eq!(read_known(&system, &mut read).ok(), Some(true));
        assert_eq!(calls, 4);
        let error = read_known(&system, |_| Err::<(), _>(unknown("securelevel"))).err();
        assert_eq!(error.as_ref().and_then(Error::parameter), Some("securelevel"));
    }
}
