//! Names and values as the kernel takes them: what a request is made of, and the call that sends it.

mod draft;
pub(crate) mod name;
mod store;

pub(crate) use draft::{Answer, Desc, Draft, ERRMSG_LEN, Entry, Outgoing, Verb};
