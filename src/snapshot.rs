//! All jails at one moment: sysctl `security.jail.list`.

use core::mem::offset_of;
use core::sync::atomic::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::error::{Call, Error, ErrorKind, Result};
use crate::jid::Jid;
use crate::sys::{self, Errno, System, xprison};

/// All jails below this process's own at one moment, from sysctl `security.jail.list`: one [sysctl(3)] for any number
/// of jails.
///
/// A list of the living jails is of one moment as well, and as fast, if it [reads](crate::Jails::get) nothing but jid,
/// name, path and host name. A snapshot does what no list does:
///
/// - it has the dying jails of the same moment. A list with [dying](crate::Jails::dying) jails reads one after the other,
///   and may have one twice or not at all (T59);
/// - it has jails that were never completely created ([`JailState::Invalid`]), which keep a name in use (T18);
/// - it is in the order of the tree: a jail before its children, the newest first.
///
/// It has no other fields than these, because the kernel reports the others wrongly: addresses are mixed with those of
/// other jails, and the cpuset is always 0 (T11).
///
/// ```
/// use freebsd_jail::{Jail, snapshot::Snapshot};
/// # use freebsd_jail::sim;
///
/// # fn main() -> freebsd_jail::Result<()> {
/// # let kernel = sim::Kernel::new();
/// # let _guard = kernel.install();
/// let jail = Jail::builder().name("www").path("/usr/jail").hostname("www.example.org").create()?;
/// let snapshot = Snapshot::current()?;
/// let www = snapshot.iter().find(|entry| entry.name() == "www").expect("listed");
/// assert_eq!(www.jid(), jail.jid());
/// assert_eq!(www.hostname(), "www.example.org");
/// assert!(www.is_alive());
/// # Ok(())
/// # }
/// ```
///
/// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Snapshot {
    entries: Vec<SnapshotEntry>,
}

/// One jail of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SnapshotEntry {
    jid: Jid,
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize"))]
    name: OsString,
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize"))]
    path: PathBuf,
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::param::text::serialize"))]
    hostname: OsString,
    state: JailState,
}

/// The state of a jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum JailState {
    /// It is being created, or is left over from a failed creation. Only a snapshot shows such jails.
    Invalid,
    /// It is alive.
    Alive,
    /// It has been removed and is still held.
    Dying,
}

impl Snapshot {
    /// Asks the kernel.
    ///
    /// Wraps [sysctl(3)] of `security.jail.list`. Needs no privilege.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where there are no jails; [`ErrorKind::InvalidAnswer`] when the answer does not have
    /// the format of FreeBSD 13.2 to 15.
    ///
    /// # FreeBSD versions
    ///
    /// All. Since 15.0 a dying jail may have another jid than before: a new jail that requests its jid gets it.
    ///
    /// [sysctl(3)]: https://man.freebsd.org/cgi/man.cgi?query=sysctl&sektion=3
    pub fn current() -> Result<Self> {
        Self::of(&System::current())
    }

    pub(crate) fn of(system: &System) -> Result<Self> {
        let bytes = read(system).map_err(|errno| match errno.0 {
            libc::ENOSYS => Error::no_jails(Call::Sysctl),
            libc::ENOMEM => Error::os(
                Call::Sysctl,
                errno,
                ErrorKind::ResourceExhausted,
                "security.jail.list keeps growing while it is read",
            ),
            _ => Error::os(Call::Sysctl, errno, ErrorKind::Other, "security.jail.list"),
        })?;
        let entries = parse(&bytes).ok_or_else(|| {
            Error::refused(
                ErrorKind::InvalidAnswer,
                "security.jail.list has another form than FreeBSD 13.2 to 15 give it",
            )
        })?;
        Ok(Self { entries })
    }

    /// Iterates over the jails, in the kernel's order.
    pub fn iter(&self) -> core::slice::Iter<'_, SnapshotEntry> {
        self.entries.iter()
    }

    /// Returns the number of jails, including dying ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no jails.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'s> IntoIterator for &'s Snapshot {
    type Item = &'s SnapshotEntry;
    type IntoIter = core::slice::Iter<'s, SnapshotEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Snapshot {
    type Item = SnapshotEntry;
    type IntoIter = std::vec::IntoIter<SnapshotEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl SnapshotEntry {
    /// Returns the jail's jid.
    #[must_use]
    pub fn jid(&self) -> Jid {
        self.jid
    }

    /// Returns its name, as this process sees it.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Returns its root directory, as this process sees it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its host name.
    #[must_use]
    pub fn hostname(&self) -> &OsStr {
        &self.hostname
    }

    /// Returns its state.
    #[must_use]
    pub fn state(&self) -> JailState {
        self.state
    }

    /// Whether it is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state == JailState::Alive
    }
}

/// The living jails of one moment, in the order of their jids, as the kernel gave them.
#[derive(Debug)]
pub(crate) struct Living {
    bytes: Vec<u8>,
    /// The jid of each, and where its record starts.
    records: Vec<(i32, usize)>,
}

impl Living {
    /// Asks the kernel. `None` where it does not answer as known.
    pub(crate) fn of(system: &System) -> Option<Self> {
        Self::parse(read(system).ok()?)
    }

    pub(crate) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut records = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let start = bytes.len() - rest.len();
            let (record, state);
            (record, state, rest) = split(rest)?;
            if state == JailState::Alive {
                records.push((int(record, offset_of!(xprison, pr_id))?, start));
            }
        }
        records.sort_unstable();
        Some(Self { bytes, records })
    }

    /// Returns the first jail whose jid is higher, and its record.
    pub(crate) fn after(&self, jid: i32) -> Option<(i32, Record<'_>)> {
        let place = self.records.partition_point(|&(other, _)| other <= jid);
        let &(jid, start) = self.records.get(place)?;
        Some((jid, Record(self.bytes.get(start..)?)))
    }
}

/// What the list says of one jail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'r>(&'r [u8]);

impl<'r> Record<'r> {
    /// Returns the most bytes of a parameter that the list has rightly, `None` for all others.
    pub(crate) fn size(name: &str) -> Option<usize> {
        match name {
            "jid" => Some(size_of::<i32>()),
            "name" | "host.hostname" => Some(256),
            "path" => Some(1024),
            _ => None,
        }
    }

    /// Returns a parameter, as jail_get(2) does.
    pub(crate) fn get(self, name: &str) -> Option<&'r [u8]> {
        let field = |offset: usize| self.0.get(offset..)?.get(..Self::size(name)?);
        let string = |offset| {
            let field = field(offset)?;
            let len = field.iter().position(|&byte| byte == 0)?;
            field.get(..=len)
        };
        match name {
            "jid" => field(offset_of!(xprison, pr_id)),
            "name" => string(offset_of!(xprison, pr_name)),
            "path" => string(offset_of!(xprison, pr_path)),
            "host.hostname" => string(offset_of!(xprison, pr_host)),
            _ => None,
        }
    }
}

/// Reads the list. It may grow between the question for its length and the answer, so there is room for a few more.
fn read(system: &System) -> core::result::Result<Vec<u8>, Errno> {
    let known = &system.cache().list;
    let mib = match known.mib.get() {
        Some(mib) => mib,
        None => known.mib.get_or_init({
            let mib = system.sysctl_mib("security.jail.list")?;
            move || mib
        }),
    };
    // The length costs as much as the list, so it is asked for only if the last one is not enough.
    let mut room = known.room.load(Ordering::Relaxed);
    let mut slack = 8 * size_of::<xprison>();
    for _ in 0..8 {
        if room == 0 {
            room = system.sysctl(mib.as_slice(), None, None)?.saturating_add(slack);
        }
        let mut bytes = Vec::new();
        // Whatever length the kernel says.
        bytes.try_reserve_exact(room).map_err(|_| Errno(libc::ENOMEM))?;
        bytes.resize(room, 0);
        match system.sysctl(mib.as_slice(), Some(&mut bytes), None) {
            Ok(len) => {
                bytes.truncate(len);
                known.room.store(len.saturating_add(slack), Ordering::Relaxed);
                return Ok(bytes);
            }
            Err(Errno(libc::ENOMEM)) => (room, slack) = (0, slack.saturating_mul(4)),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno(libc::ENOMEM))
}

/// Reads the records, `None` where they do not add up.
pub(crate) fn parse(mut bytes: &[u8]) -> Option<Vec<SnapshotEntry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (record, state);
        (record, state, bytes) = split(bytes)?;
        let text = |name| Record(record).get(name)?.strip_suffix(&[0]).map(<[u8]>::to_vec);
        entries.push(SnapshotEntry {
            jid: Jid::new(int(record, offset_of!(xprison, pr_id))?)?,
            name: OsString::from_vec(text("name")?),
            path: PathBuf::from(OsString::from_vec(text("path")?)),
            hostname: OsString::from_vec(text("host.hostname")?),
            state,
        });
    }
    Some(entries)
}

/// Splits off the first record, with as many addresses behind it as it says.
fn split(bytes: &[u8]) -> Option<(&[u8], JailState, &[u8])> {
    let (record, rest) = bytes.split_at_checked(size_of::<xprison>())?;
    if int(record, offset_of!(xprison, pr_version))? != sys::XPRISON_VERSION {
        return None;
    }
    // How many addresses follow is said rightly; only whose they are is not.
    let ip4s = usize::try_from(int(record, offset_of!(xprison, pr_ip4s))?).ok()?;
    let ip6s = usize::try_from(int(record, offset_of!(xprison, pr_ip6s))?).ok()?;
    let addresses = ip4s.checked_mul(4)?.checked_add(ip6s.checked_mul(16)?)?;
    let state = match u32::try_from(int(record, offset_of!(xprison, pr_state))?).ok()? {
        sys::PRISON_STATE_INVALID => JailState::Invalid,
        sys::PRISON_STATE_ALIVE => JailState::Alive,
        sys::PRISON_STATE_DYING => JailState::Dying,
        _ => return None,
    };
    Some((record, state, rest.get(addresses..)?))
}

/// Reads four bytes as an int; the counts, which are unsigned, are small.
fn int(record: &[u8], offset: usize) -> Option<i32> {
    record.get(offset..)?.first_chunk().copied().map(i32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn record(jid: i32, state: u32, ip4s: u32, ip6s: u32) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<xprison>()];
        let mut put =
            |offset: usize, value: &[u8]| bytes[offset..offset + value.len()].copy_from_slice(value);
        put(offset_of!(xprison, pr_version), &sys::XPRISON_VERSION.to_ne_bytes());
        put(offset_of!(xprison, pr_id), &jid.to_ne_bytes());
        put(offset_of!(xprison, pr_state), &state.to_ne_bytes());
        put(offset_of!(xprison, pr_name), format!("jail{jid}").as_bytes());
        put(offset_of!(xprison, pr_path), b"/usr/jail");
        put(offset_of!(xprison, pr_host), b"h\xf6st");
        put(offset_of!(xprison, pr_ip4s), &ip4s.to_ne_bytes());
        put(offset_of!(xprison, pr_ip6s), &ip6s.to_ne_bytes());
        bytes.resize(bytes.len() + 4 * ip4s as usize + 16 * ip6s as usize, 0xff);
        bytes
    }

    #[test]
    fn addresses_are_skipped_however_many_there_are() {
        let bytes = [record(1, 1, 2, 0), record(5, 2, 2, 3), record(3, 0, 0, 0)].concat();
        let entries = parse(&bytes).expect("well formed");
        let seen: Vec<_> = entries.iter().map(|entry| (entry.jid().get(), entry.state())).collect();
        assert_eq!(seen, [(1, JailState::Alive), (5, JailState::Dying), (3, JailState::Invalid)]);
        assert_eq!(entries[1].name(), "jail5");
        assert_eq!(entries[1].path(), Path::new("/usr/jail"));
        assert_eq!(entries[1].hostname(), OsStr::from_bytes(b"h\xf6st"));
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let good = record(1, 1, 1, 1);
        assert!(parse(&good).is_some());
        assert_eq!(parse(&[]), Some(vec![]));
        for len in 1..good.len() {
            assert_eq!(parse(&good[..len]), None, "{len} bytes");
        }
        assert_eq!(parse(&record(0, 1, 0, 0)), None);
        assert_eq!(parse(&record(1, 9, 0, 0)), None);
        let mut other = good.clone();
        other[offset_of!(xprison, pr_version)..][..4].copy_from_slice(&4_i32.to_ne_bytes());
        assert_eq!(parse(&other), None);
        let mut endless = good;
        endless[offset_of!(xprison, pr_ip6s)..][..4].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(parse(&endless), None);
    }
}
