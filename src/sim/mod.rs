//! A model of the kernel's jail code, in memory.

mod address;
mod apply;
mod attach;
mod calls;
mod check;
mod create;
mod descriptor;
mod files;
mod find;
mod flags;
mod get;
mod kernel;
mod legacy;
mod mac_do;
mod meta;
mod modules;
mod name;
mod options;
mod permission;
mod prison;
mod process;
mod refs;
mod release;
mod request;
mod set;
mod state;
mod sysctl;
mod sysctl_tree;
mod user;

pub use calls::Calls;
pub use kernel::{Guard, Kernel};
pub use legacy::Legacy;
pub use release::Release;
pub use user::Process;
