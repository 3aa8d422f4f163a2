//! Programs in jails.
//!
//! [`Jail::command`](crate::Jail::command) starts one. A [`Gate`] holds it until the gate is opened.

mod arguments;
mod command;
mod environment;
mod failure;
mod foreign;
mod hold;
mod hook;
mod limits;
mod plan;
mod processes;
mod settings;
mod signal;
mod standard;

pub use command::JailCommand;
pub use hold::{Gate, Opener};
pub use limits::Resource;
pub use processes::{Process, Processes};
