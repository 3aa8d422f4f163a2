//! How a parameter can be used.

use super::Sealed;

/// How a parameter can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Set at creation, changed later, and read.
    ReadWrite,
    /// Set at creation only, and read.
    CreateOnly,
    /// Read only.
    ReadOnly,
}

/// Marks a parameter that can be set at creation, changed later, and read.
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

/// Marks a parameter that can be set at creation only, and read.
#[derive(Debug, Clone, Copy)]
pub enum CreateOnly {}

/// Marks a parameter that can only be read.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

/// A marker for how a parameter can be used. Sealed.
pub trait Marker: Sealed {
    /// The marker's value.
    const ACCESS: Access;
}

impl Sealed for ReadWrite {}
impl Sealed for CreateOnly {}
impl Sealed for ReadOnly {}

impl Marker for ReadWrite {
    const ACCESS: Access = Access::ReadWrite;
}

impl Marker for CreateOnly {
    const ACCESS: Access = Access::CreateOnly;
}

impl Marker for ReadOnly {
    const ACCESS: Access = Access::ReadOnly;
}

/// Parameters that can be set at creation. Sealed.
#[diagnostic::on_unimplemented(message = "this parameter cannot be set", label = "it is read-only")]
pub trait Creatable: Marker {}

/// Parameters that can be changed after creation. Sealed.
#[diagnostic::on_unimplemented(
    message = "this parameter cannot be changed after creation",
    label = "set it on the builder, before `create`"
)]
pub trait Updatable: Creatable {}

impl Creatable for ReadWrite {}
impl Creatable for CreateOnly {}
impl Updatable for ReadWrite {}
