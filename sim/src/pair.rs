//! A request as the model sees it: safe views of the caller's iovecs.

/// One name and value of a request, as the kernel finds them in two iovecs.
///
/// This is the seam between the unsafe code and the model of the kernel: the views are made from the very
/// memory that the kernel would read and write, so the model needs no unsafe code of its own.
#[derive(Debug)]
pub struct Pair<'a> {
    /// The name's bytes, as many as the iovec says, the terminating NUL included where there is one.
    pub name: &'a [u8],
    /// The value's buffer, `None` where its address is NULL.
    pub value: Option<&'a mut [u8]>,
    /// The value's `iov_len`, which the kernel may change.
    pub len: &'a mut usize,
}
