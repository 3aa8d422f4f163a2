//! Programs in jails.
//!
//! [`Jail::command`](crate::Jail::command) starts one. A [`Gate`] holds it until the gate is opened.

mod failure;
mod limits;
mod plan;

// rustdoc shows the methods of `Jail` and `JailCommand` in this order.
mod arguments;

mod environment;

mod settings;

mod hook;

mod command;

mod hold;

mod standard;

mod foreign;

mod processes;

mod signal;

pub use command::JailCommand;
pub use hold::{Gate, Opener};
pub use limits::Resource;
pub use processes::{Process, Processes};
