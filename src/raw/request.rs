//! A request of jail_set(2) or jail_get(2), which owns its names and values.

use core::fmt;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, ErrorKind, Result};
use crate::param::{self, Decode, Kind, Param};
use crate::wire::{Draft, Wire, name};

/// An owned list of parameters for [`raw::jail_set`](crate::raw::jail_set) and [`raw::jail_get`](crate::raw::jail_get):
/// for what the typed layer lacks.
///
/// It holds names and values in its own buffer, so the kernel cannot write to memory that something else uses. Each
/// method that adds a parameter refuses what the kernel would misread: names that contain NUL, strings that are too
/// long and values of the wrong size according to the table, the same parameter twice (the kernel would answer only the
/// last one), `x` beside `nox`, the names `meta.` and `env.`, from which the kernels of FreeBSD 15 never return, and
/// `mdo` and `mdo.rules`, over which the module of FreeBSD 14.2 panics. The slots `errmsg` and `desc` are the crate's.
/// A request holds at most 510 parameters and 64 KiB: one that would exceed this is refused when it is added.
///
/// The values remain after a call; after a jail_get they hold the answer. The request can be used again.
///
/// ```
/// use freebsd_jail::raw::{self, At};
/// use freebsd_jail::{raw::{GetFlags, Request, SetFlags}, sim};
///
/// # fn main() -> freebsd_jail::Result<()> {
/// let kernel = sim::Kernel::new();
/// let _guard = kernel.install();
///
/// let mut request = Request::new();
/// request.string("name", "www")?.string("path", "/")?.flag("persist")?;
/// let jid = raw::jail_set(&mut request, At::None, SetFlags::CREATE)?.jid;
///
/// let mut request = Request::new();
/// request.int("jid", jid.get())?.space("name", 256)?;
/// raw::jail_get(&mut request, At::None, GetFlags::empty())?;
/// assert_eq!(request.value("name").map(|name| &name[..4]), Some(&b"www\0"[..]));
/// # raw::jail_remove(jid)?;
/// # Ok(())
/// # }
/// ```
pub struct Request {
    draft: Draft<'static>,
}

impl Request {
    /// Makes an empty request.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// assert!(Request::new().is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { draft: Draft::new() }
    }

    /// Adds a parameter without a value: NULL with length 0.
    ///
    /// On [jail_set(2)] this is a boolean: `persist` is true and `nopersist` is false. On [jail_get(2)] it asks for
    /// the length that the value needs, which [`len_of`](Self::len_of) returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`] for a malformed or reserved name, [`ErrorKind::Conflict`] when the kernel would
    /// take it for one that was added before, [`ErrorKind::InvalidRequest`] when the request would become too large.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, raw::{self, At, Request, SetFlags}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let mut request = Request::new();
    /// request.string("path", "/")?.flag("persist")?.flag("allow.noset_hostname")?;
    /// let jid = raw::jail_set(&mut request, At::None, SetFlags::CREATE)?.jid;
    /// assert!(!Jail::open(jid)?.get(param::allow::SET_HOSTNAME)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_set(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_set&sektion=2
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn flag(&mut self, name: &str) -> Result<&mut Self> {
        self.add(name, Wire::Null)
    }

    /// Adds a C int in native order.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag), and [`ErrorKind::InvalidValue`] when the parameter is not an int according to the
    /// table.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?;
    /// assert_eq!(request.value("securelevel"), Some(&2_i32.to_ne_bytes()[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn int(&mut self, name: &str, value: i32) -> Result<&mut Self> {
        self.add(name, Wire::Int(value))
    }

    /// Adds a C unsigned long in native order.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    ///
    /// ```
    /// # use freebsd_jail::{param, raw::Request};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.ulong("host.hostid", 7)?;
    /// assert_eq!(request.read(param::HOST_HOSTID)?, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ulong(&mut self, name: &str, value: u64) -> Result<&mut Self> {
        self.add(name, Wire::Ulong(value))
    }

    /// Adds a string, with a terminating NUL.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag), and [`ErrorKind::InvalidValue`] for a string that contains NUL, or is too long
    /// according to the table.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.string("host.hostname", "www")?;
    /// assert_eq!(request.value("host.hostname"), Some(&b"www\0"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn string(&mut self, name: &str, value: impl AsRef<OsStr>) -> Result<&mut Self> {
        self.add(name, Wire::Text(value.as_ref().as_bytes()))
    }

    /// Adds IPv4 addresses, in network order, 4 bytes each. An empty list means no address.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.ip4("ip4.addr", &[[10, 0, 0, 22].into()])?;
    /// assert_eq!(request.value("ip4.addr"), Some(&[10, 0, 0, 22][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip4(&mut self, name: &str, addresses: &[Ipv4Addr]) -> Result<&mut Self> {
        self.add(name, Wire::Ip4(addresses))
    }

    /// Adds IPv6 addresses, in network order, 16 bytes each. An empty list means no address.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.ip6("ip6.addr", &[])?; // no addresses
    /// assert_eq!(request.value("ip6.addr"), Some(&[][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn ip6(&mut self, name: &str, addresses: &[Ipv6Addr]) -> Result<&mut Self> {
        self.add(name, Wire::Ip6(addresses))
    }

    /// Adds bytes as they are.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.bytes("some.thing", &[1, 2])?; // as a kernel module has it
    /// assert_eq!(request.value("some.thing"), Some(&[1, 2][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn bytes(&mut self, name: &str, value: &[u8]) -> Result<&mut Self> {
        self.add(name, Wire::Bytes(value))
    }

    /// Adds a zeroed buffer of `len` bytes for [jail_get(2)].
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    ///
    /// ```
    /// # use freebsd_jail::{Jail, param, raw::{self, At, GetFlags, Request}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let mut request = Request::new();
    /// request.int("jid", jail.jid().get())?.space("name", 256)?;
    /// raw::jail_get(&mut request, At::None, GetFlags::empty())?;
    /// assert_eq!(request.read(param::NAME)?, "www");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    pub fn space(&mut self, name: &str, len: usize) -> Result<&mut Self> {
        self.add(name, Wire::Space(len))
    }

    /// Removes a parameter, and returns whether it existed.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?;
    /// assert!(request.remove("securelevel"));
    /// assert!(!request.remove("securelevel"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(&mut self, name: &str) -> bool {
        let place = self.draft.find(name).map(|pair| pair.place);
        if let Some(place) = place {
            self.draft.remove(place);
        }
        place.is_some()
    }

    /// Removes all parameters, and keeps the memory.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?.flag("persist")?;
    /// request.clear();
    /// assert!(request.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear(&mut self) {
        self.draft.clear();
    }

    /// Returns how many parameters there are.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?.flag("persist")?;
    /// assert_eq!(request.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.draft.len()
    }

    /// Whether there are no parameters.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// assert!(request.is_empty());
    /// request.flag("persist")?;
    /// assert!(!request.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.draft.len() == 0
    }

    /// Returns the names in the order in which they were added.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?.flag("persist")?;
    /// assert!(request.names().eq(["securelevel", "persist"]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.draft.names()
    }

    /// Returns a value: the one to be sent, and after a [jail_get(2)] the answer, cut to the length that the kernel
    /// returned. A string's length stays that of its buffer: read to the NUL.
    ///
    /// `None` for missing names, and for those without a value.
    ///
    /// ```
    /// # use freebsd_jail::raw::Request;
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.string("name", "www")?.flag("persist")?;
    /// assert_eq!(request.value("name"), Some(&b"www\0"[..]));
    /// assert_eq!(request.value("persist"), None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail_get(2)]: https://man.freebsd.org/cgi/man.cgi?query=jail_get&sektion=2
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.draft.value(name)
    }

    /// Returns the length of a value as returned by the kernel, in bytes; for one added by [`flag`](Self::flag), the
    /// length that it needs.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, raw::{self, At, GetFlags, Request}, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// let jail = Jail::builder().name("www").path("/").create()?;
    /// let mut request = Request::new();
    /// request.int("jid", jail.jid().get())?.flag("name")?;
    /// raw::jail_get(&mut request, At::None, GetFlags::empty())?;
    /// assert_eq!(request.len_of("name"), Some("www\0".len()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len_of(&self, name: &str) -> Option<usize> {
        Some(self.draft.find(name)?.answer_len)
    }

    /// Returns a value as the type of a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`] when the request has no such parameter with a value, and
    /// [`ErrorKind::InvalidAnswer`] when the bytes do not have that type.
    ///
    /// ```
    /// # use freebsd_jail::{param, raw::Request};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// let mut request = Request::new();
    /// request.int("securelevel", 2)?;
    /// assert_eq!(request.read(param::SECURELEVEL)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn read<T: Decode, A>(&self, param: Param<'_, T, A>) -> Result<T> {
        param.resolve()?;
        let bytes = self.value(param.name()).ok_or_else(|| {
            Error::refused(ErrorKind::InvalidParameter, "the request has no value of this name")
                .about(param.name())
        })?;
        T::decode(bytes, param.name())
    }

    fn add(&mut self, name: &str, value: Wire<'_>) -> Result<&mut Self> {
        name::check(name)?;
        self.draft.check_room(name, value.len()).map_err(|error| error.about(name))?;
        if let Some(other) = self.draft.collision(name) {
            return Err(name::conflict(name, other.name()));
        }
        let checked = value.check_number().and_then(|()| check_value(name, &value));
        checked.map_err(|error| param::with_wire(error.about(name), value))?;
        self.draft.push(name, value);
        Ok(self)
    }

    pub(super) fn draft(&mut self) -> &mut Draft<'static> {
        &mut self.draft
    }

    pub(super) fn as_draft(&self) -> &Draft<'static> {
        &self.draft
    }
}

/// Checks a value with the table.
fn check_value(name: &str, value: &Wire<'_>) -> Result<()> {
    let refuse = |reason: fmt::Arguments<'_>| Err(Error::refused(ErrorKind::InvalidValue, reason));
    if matches!(value, Wire::Text(text) if text.contains(&0)) {
        return refuse(format_args!("a string cannot contain NUL"));
    }
    if let Wire::Text(bytes) | Wire::Bytes(bytes) = value {
        if name::user_key(name).is_some() && bytes.contains(&b'\n') {
            return refuse(format_args!("a newline in a value would forge other keys"));
        }
        if name == "name" && name::has_host_level(bytes) {
            return refuse(format_args!("{}", name::HOST_LEVEL));
        }
        if name == "mac.do.rules" && name::has_rule_from_any(bytes) {
            return refuse(format_args!("{}", name::FROM_ANY));
        }
    }
    let Some(definition) = param::table::find(name) else {
        return Ok(());
    };
    if let Wire::Bytes(bytes) = value {
        check_text_of_keys(&definition.name, bytes)?;
    }
    // Of a string, as of anything, NULL asks for the length.
    if matches!(value, Wire::Null) {
        return Ok(());
    }
    let len = value.len();
    if matches!(value, Wire::Text(_)) && !matches!(definition.kind, Kind::String | Kind::Bytes) {
        return refuse(format_args!("its values are of kind {:?}, not strings", definition.kind));
    }
    if !param::size_fits(definition.kind, len) {
        return refuse(format_args!("{len} bytes are not a value of kind {:?}", definition.kind));
    }
    let is_answer = matches!(value, Wire::Space(_));
    if let Some(max) = definition.max.filter(|&max| len > max && !is_answer) {
        return refuse(format_args!("{len} bytes are more than the maximum of {max}"));
    }
    Ok(())
}

/// Refuses bytes for `meta` or `env` that do not end where their text does (T36): the kernel would keep what follows
/// a NUL until the next change, which cuts there and drops other keys. See `jm_osd_method_set` in
/// `sys/kern/kern_jailmeta.c`.
fn check_text_of_keys(parameter: &str, bytes: &[u8]) -> Result<()> {
    let reason = match (parameter, bytes) {
        ("meta" | "env", [text @ .., 0]) if text.contains(&0) => {
            "a NUL inside the text would make the next change drop other keys; room for an answer is `space`"
        }
        ("meta" | "env", [.., last]) if *last != 0 => "the text has to end in NUL",
        _ => return Ok(()),
    };
    Err(Error::refused(ErrorKind::InvalidValue, reason))
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for pair in self.draft.pairs() {
            let name = pair.name();
            match pair.value() {
                Some(value) => map.entry(&name, &format_args!("{}", value.escape_ascii())),
                None => map.entry(&name, &format_args!("NULL")),
            };
        }
        map.finish()
    }
}
