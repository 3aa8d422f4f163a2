//! A model of the kernel's jail code, in memory.
