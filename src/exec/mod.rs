//! Programs in jails.

mod command;
mod failure;
mod foreign;
mod plan;
mod processes;

pub use command::JailCommand;
pub use foreign::CommandExt;
