//! Events that the model's kevent(2) returns.

/// An event: the fields of `struct kevent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event {
    /// What is watched: a jid or a descriptor.
    pub ident: usize,
    /// `EVFILT_JAIL` or `EVFILT_JAILDESC`.
    pub filter: i16,
    /// `EV_EOF` and other flags.
    pub flags: u16,
    /// `NOTE_JAIL_SET` and other flags.
    pub fflags: u32,
    /// The jid of a new jail or the pid of a process that attached, if there was only one.
    pub data: i64,
    /// The caller's value from the last time the watch was added.
    pub udata: usize,
}
