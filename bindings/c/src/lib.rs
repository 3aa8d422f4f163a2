//! FreeBSD jails for C. The header, `include/fjail.h`, is made from the comments here.
//!
//! Each function converts its arguments, makes one call of the crate, and hands the result to `outcome`, which keeps
//! the error for the thread. No other code is unsafe than what reads and returns C's pointers, which the header's first
//! comment asks callers to keep valid.

mod argument;
mod jail;
mod list;
mod outcome;
#[cfg(feature = "sim")]
mod sim;
mod spawn;
mod wait;
