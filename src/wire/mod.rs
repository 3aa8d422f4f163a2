//! Names and values in the kernel's format, and the call that sends them.

mod at;
mod call;
mod draft;
pub(crate) mod name;
mod store;
mod value;

pub use at::At;
pub(crate) use call::{Answer, ERRMSG_LEN, ErrorText, Verb};
pub(crate) use draft::{Draft, Entry, check_alone};
pub(crate) use value::Wire;
