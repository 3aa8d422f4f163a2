//! FreeBSD's jail system calls.

#![deny(unsafe_code)]

#[cfg(not(unix))]
compile_error!("freebsd-jail wraps system calls of FreeBSD and builds on Unix only");

#[allow(unsafe_code)]
pub mod sys;

#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
