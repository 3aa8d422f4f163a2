//! Names and values in the kernel's format, and the call that sends them.

mod at;
mod call;
mod draft;
pub(crate) mod name;
mod pair;
mod store;
mod value;

pub use at::At;
pub(crate) use call::{Answer, ERRMSG_LEN, ErrorText, PERSIST, Verb};
pub(crate) use draft::{Draft, check_alone};
pub(crate) use pair::Pair;
pub(crate) use value::Wire;
