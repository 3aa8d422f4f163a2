//! Moves network interfaces between jails.

#[cfg(any(target_os = "freebsd", test))]
use core::ffi::c_char;

use super::{Errno, System};

impl System {
    /// Moves a network interface into a jail's network stack or back out of it: `SIOCSIFVNET` and `SIOCSIFRVNET`.
    pub(crate) fn move_interface(&self, name: &[u8], jid: i32, way: Move) -> Result<(), Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(freebsd_jail_sim::seam::move_interface(model, name, jid, way.into())?);
        }
        move_interface(name, jid, way)
    }

    /// Whether this process's network stack has an interface of a name. Wraps if_nametoindex(3).
    pub(crate) fn has_interface(&self, name: &[u8]) -> Result<bool, Errno> {
        #[cfg(feature = "sim")]
        if let Some((model, _inside)) = self.model()? {
            return Ok(freebsd_jail_sim::seam::has_interface(model, name)?);
        }
        has_interface(name)
    }
}

/// The direction of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Into,
    Back,
}

/// Returns the name of an interface as `struct ifreq` has it.
///
/// # Errors
///
/// `EINVAL` if it is empty, contains NUL, or leaves no room for the NUL at the end.
#[cfg(any(target_os = "freebsd", test))]
fn terminated(name: &[u8]) -> Result<[c_char; libc::IFNAMSIZ], Errno> {
    const INVALID: Errno = Errno(libc::EINVAL);
    let mut terminated = [0; libc::IFNAMSIZ];
    let (_nul, room) = terminated.split_last_mut().ok_or(INVALID)?;
    if name.is_empty() || name.contains(&0) {
        return Err(INVALID);
    }
    for (place, byte) in room.get_mut(..name.len()).ok_or(INVALID)?.iter_mut().zip(name) {
        *place = c_char::from_ne_bytes([*byte]);
    }
    Ok(terminated)
}

#[cfg(target_os = "freebsd")]
fn move_interface(name: &[u8], jid: i32, way: Move) -> Result<(), Errno> {
    use core::ffi::c_ulong;
    use core::mem::zeroed;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    // C's `_IOWR('i', number, struct ifreq)`.
    const fn request(number: c_ulong) -> c_ulong {
        const SIZE: c_ulong = size_of::<libc::ifreq>() as c_ulong;
        0xc000_0000 | SIZE << 16 | (b'i' as c_ulong) << 8 | number
    }
    const SIOCSIFVNET: c_ulong = request(90);
    const SIOCSIFRVNET: c_ulong = request(91);

    // Any socket will do: the request concerns the network stack, not the protocol.
    let socket =
        UnixDatagram::unbound().map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EMFILE)))?;
    // SAFETY: the structure consists of integers and pointers, for which zero is valid.
    let mut interface: libc::ifreq = unsafe { zeroed() };
    interface.ifr_name = terminated(name)?;
    interface.ifr_ifru.ifru_jid = jid;
    let number = match way {
        Move::Into => SIOCSIFVNET,
        Move::Back => SIOCSIFRVNET,
    };
    // SAFETY: the request number includes the size of the structure, which is ours; the kernel reads it and may write
    // the name in it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), number, &raw mut interface) };
    Errno::check(result).map(drop)
}

#[cfg(target_os = "freebsd")]
fn has_interface(name: &[u8]) -> Result<bool, Errno> {
    let name = std::ffi::CString::new(name).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: the call only reads the string, which ends in NUL.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    match index {
        0 => match Errno::last() {
            Errno(libc::ENXIO) => Ok(false),
            errno => Err(errno),
        },
        _ => Ok(true),
    }
}

#[cfg(not(target_os = "freebsd"))]
fn has_interface(_: &[u8]) -> Result<bool, Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(not(target_os = "freebsd"))]
fn move_interface(_: &[u8], _: i32, _: Move) -> Result<(), Errno> {
    Err(Errno(libc::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_interface_ends_in_nul() {
        let short = terminated(b"lo0").expect("it fits");
        assert_eq!(short.map(|char| char.to_ne_bytes()[0]), *b"lo0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let longest = terminated(b"abcdefghijklmno").expect("it fits");
        assert_eq!(longest.map(|char| char.to_ne_bytes()[0]), *b"abcdefghijklmno\0");
        for wrong in [&b""[..], b"abcdefghijklmnop", b"lo\0"] {
            assert_eq!(terminated(wrong), Err(Errno(libc::EINVAL)), "{wrong:?}");
        }
    }

    #[cfg(not(target_os = "freebsd"))]
    #[test]
    fn other_systems_have_no_interfaces_to_move() {
        assert_eq!(has_interface(b"lo0"), Err(Errno(libc::ENOSYS)));
        assert_eq!(move_interface(b"lo0", 1, Move::Into), Err(Errno(libc::ENOSYS)));
    }
}
