//! Guides, each about one subject. All code in them runs on the model.
//!
//! 1. [Creating and owning a jail](owning)
//! 2. [Networking](networking)
//! 3. [Nesting and delegation](nesting)
//! 4. [Programs inside](programs)
//! 5. [Watching](watching)
//! 6. [Keeping services running](services)
//! 7. [A container runtime](runtime)
//! 8. [Testing without FreeBSD](testing)
//! 9. [Forking beside owned jails](forking)
//! 10. [Writing a binding for another language](bindings)

#[doc = include_str!("guide/owning.md")]
pub mod owning {}

#[doc = include_str!("guide/networking.md")]
pub mod networking {}

#[doc = include_str!("guide/nesting.md")]
pub mod nesting {}

#[doc = include_str!("guide/programs.md")]
pub mod programs {}

#[doc = include_str!("guide/watching.md")]
pub mod watching {}

#[doc = include_str!("guide/services.md")]
pub mod services {}

#[doc = include_str!("guide/runtime.md")]
pub mod runtime {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/forking.md")]
pub mod forking {}

#[doc = include_str!("guide/bindings.md")]
pub mod bindings {}
