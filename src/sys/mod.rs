//! The system calls with C's conventions, and all of the crate's unsafe code.
//!
//! The constants and structures are generated from FreeBSD's headers and keep their names. The functions are those of
//! the manual pages, for code that builds its iovecs itself: they return -1 and set `errno`, as libc's do. But they go
//! to the model if one is installed, fail with `ENOSYS` on a host without jails, and never make a system call that the
//! running kernel lacks (which would kill the process with SIGSYS).
//!
//! Prefer [`Request`](crate::raw::Request) and [`raw`](crate::raw), which do the same without unsafe code.

#![cfg_attr(not(feature = "sim"), allow(clippy::unused_self, reason = "without models there is one kernel"))]

#[cfg(not(freebsd_jail_generated))]
#[allow(missing_docs, non_camel_case_types, non_upper_case_globals, unreachable_pub)]
#[allow(dead_code, clippy::unreadable_literal)]
mod bindings;
#[cfg(freebsd_jail_generated)]
#[allow(missing_docs, non_camel_case_types, non_upper_case_globals, unreachable_pub)]
#[allow(dead_code, clippy::unreadable_literal)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
pub(crate) mod attach;
pub(crate) mod broadcast;
mod calls;
pub(crate) mod child;
pub(crate) mod cpuset;
mod descriptor;
pub(crate) mod directories;
pub(crate) mod errno;
pub(crate) mod event;
pub(crate) mod fd;
pub(crate) mod features;
pub(crate) mod gate;
pub(crate) mod hold;
mod identity;
pub(crate) mod inherit;
pub(crate) mod interface;
mod kernel;
mod layout;
mod legacy;
pub(crate) mod lock;
pub(crate) mod login_class;
#[cfg(feature = "sim")]
pub(crate) mod model;
mod open;
pub(crate) mod parameters;
pub(crate) mod process;
#[cfg(feature = "tokio")]
pub(crate) mod ready;
pub(crate) mod report;
mod sheet;
mod slot;
mod surroundings;
mod system;
pub(crate) mod trap;
pub(crate) mod user;
mod zeroed;

pub use bindings::{
    EVFILT_JAIL, EVFILT_JAILDESC, JAIL_API_VERSION, JAIL_AT_DESC, JAIL_ATTACH, JAIL_CREATE, JAIL_DYING,
    JAIL_GET_DESC, JAIL_GET_MASK, JAIL_OWN_DESC, JAIL_SET_MASK, JAIL_SYS_DISABLE, JAIL_SYS_INHERIT,
    JAIL_SYS_NEW, JAIL_UPDATE, JAIL_USE_DESC, NOTE_JAIL_ATTACH, NOTE_JAIL_CHILD, NOTE_JAIL_CTRLMASK,
    NOTE_JAIL_MULTI, NOTE_JAIL_REMOVE, NOTE_JAIL_SET, PRISON_STATE_ALIVE, PRISON_STATE_DYING,
    PRISON_STATE_INVALID, SYS_jail, SYS_jail_attach, SYS_jail_attach_jd, SYS_jail_get, SYS_jail_remove,
    SYS_jail_remove_jd, SYS_jail_set, XPRISON_VERSION, cpusetid_t, prison_state, xprison,
};
pub use calls::{jail, jail_attach, jail_attach_jd, jail_get, jail_remove, jail_remove_jd, jail_set};
pub(crate) use descriptor::DescriptorSlot;
pub(crate) use errno::ENOTCAPABLE;
pub(crate) use errno::Errno;
pub(crate) use features::Options;
pub(crate) use identity::ProcessMark;
pub(crate) use process::Process;
pub(crate) use sheet::{Row, Sheet};
pub(crate) use slot::{SetSlot, Slot};
pub(crate) use system::System;
#[cfg(feature = "sim")]
pub(crate) use system::is_stranded;
pub(crate) use trap::Trap;
