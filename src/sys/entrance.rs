//! A request that is ready before fork(2), so that the child has only the call left to make.

use core::ffi::c_int;

use super::{Errno, Slot, kernel};

/// The most pairs of a prepared request, `desc` and `errmsg` included: their iovecs are made on the stack, since
/// a forked child must not allocate.
const PAIRS: usize = 16;

/// The lengths of a name, its NUL included, and of its value, `None` for NULL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) name_len: usize,
    pub(crate) value_len: Option<usize>,
}

/// A request of jail_set(2) that owns all its memory and makes none when it is sent.
///
/// A descriptor in it is a number only: whoever sends it has the descriptor open.
#[derive(Debug)]
pub(crate) struct Prepared {
    bytes: Vec<u8>,
    cuts: Vec<Cut>,
    flags: c_int,
}

impl Prepared {
    /// Takes names and values that lie one after the other, to be cut up so. `None` if they are too many.
    pub(crate) fn new(bytes: Vec<u8>, cuts: Vec<Cut>, flags: c_int) -> Option<Self> {
        (cuts.len() < PAIRS).then_some(Self { bytes, cuts, flags })
    }

    /// Makes the request of the host's kernel, and of no model. Async-signal-safe.
    ///
    /// What the kernel has to say of a failure is in `errmsg` then.
    pub(crate) fn send(&mut self, errmsg: &mut [u8]) -> Result<(), Errno> {
        let mut slots = [const { Slot::EMPTY }; PAIRS];
        let mut rest = self.bytes.as_mut_slice();
        let mut free = slots.iter_mut();
        for cut in &self.cuts {
            let (Some((name, tail)), Some(slot)) = (rest.split_at_mut_checked(cut.name_len), free.next())
            else {
                return Err(Errno(libc::EINVAL));
            };
            let Some((value, tail)) = tail.split_at_mut_checked(cut.value_len.unwrap_or(0)) else {
                return Err(Errno(libc::EINVAL));
            };
            *slot = Slot::new(name, cut.value_len.map(|_| value));
            rest = tail;
        }
        if let Some(slot) = free.next() {
            *slot = Slot::new(b"errmsg\0", Some(errmsg));
        }
        let left = free.len();
        let Some(request) = slots.get_mut(..PAIRS - left) else { return Err(Errno(libc::EINVAL)) };
        let (iov, niov) = Slot::as_iovecs(request);
        // SAFETY: the slots are the iovecs, on this stack; they borrow `bytes` and `errmsg` uniquely, which are
        // all the memory that they name, until the call has returned.
        unsafe { kernel::jail_set(iov, niov, self.flags) }.map(drop)
    }
}
