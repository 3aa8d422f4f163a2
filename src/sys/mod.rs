//! The system calls as C knows them, and all of the crate's unsafe code.

mod errno;
pub(crate) mod fd;
mod pair;

pub use errno::Errno;
pub use pair::Pair;
