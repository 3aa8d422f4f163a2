//! The structure and the constants of kevent(2) that the model uses.

/// The fields of `struct kevent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kevent {
    /// What is watched: a jid or a descriptor.
    pub ident: usize,
    /// The filter.
    pub filter: i16,
    /// The action or the state: `EV_ADD` and the other flags.
    pub flags: u16,
    /// The filter's own flags, such as `NOTE_JAIL_SET`.
    pub fflags: u32,
    /// The filter's own value.
    pub data: i64,
    /// A value chosen by the caller and returned with the events; adding the filter again changes it.
    pub udata: usize,
    /// Another such value, which stays as it was when the filter was first added.
    pub extra: u64,
}

/// Add a filter, or change the existing one: `EV_ADD` in `sys/event.h`, as are the others.
pub const EV_ADD: u16 = 0x0001;
/// Delete a filter.
pub const EV_DELETE: u16 = 0x0002;
/// The filter is deleted once its event has been read.
pub(crate) const EV_ONESHOT: u16 = 0x0010;
/// Reading an event clears it.
pub(crate) const EV_CLEAR: u16 = 0x0020;
/// The filter is deleted without an event.
pub(crate) const EV_DROP: u16 = 0x1000;
/// There will be no more events.
pub(crate) const EV_EOF: u16 = 0x8000;

/// The filter that tells the time.
pub const EVFILT_TIMER: i16 = -7;
/// The filter of a jail, by its jid.
pub const EVFILT_JAIL: i16 = -14;
/// The filter of a jail, by its descriptor.
pub const EVFILT_JAILDESC: i16 = -15;

/// The jail was changed.
pub const NOTE_JAIL_SET: u32 = 0x4000_0000;
/// A process attached to the jail.
pub const NOTE_JAIL_ATTACH: u32 = 0x2000_0000;
/// The jail was removed.
pub const NOTE_JAIL_REMOVE: u32 = 0x1000_0000;
/// There was more than one new jail or process.
pub const NOTE_JAIL_MULTI: u32 = 0x0800_0000;
/// A jail was created below it.
pub const NOTE_JAIL_CHILD: u32 = 0x8000_0000;
