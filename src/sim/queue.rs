//! What kevent(2) returns, as the model's callers see it.

/// What kevent(2) tells: the fields of `struct kevent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event {
    /// What is watched: a jid, or the number of a descriptor.
    pub ident: usize,
    /// `EVFILT_JAIL` or `EVFILT_JAILDESC`.
    pub filter: i16,
    /// `EV_EOF` and its like.
    pub flags: u16,
    /// `NOTE_JAIL_SET` and its like.
    pub fflags: u32,
    /// The jid of a new jail, or the pid of a process that entered, if there was one of them alone.
    pub data: i64,
    /// What was given when the watch was added last.
    pub udata: usize,
}
