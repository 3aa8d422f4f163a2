//! Pseudo-random numbers, the same for the same seed: xorshift.

/// The generator.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Starts with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below an end.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }

    /// Returns an index into a list of this length.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("it fits")
    }

    /// Returns one of a list.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        *list.get(self.index(list.len())).expect("a list that is not empty")
    }

    /// Returns one of a list, if it has any.
    pub fn choose_mut<'l, T>(&mut self, list: &'l mut [T]) -> Option<&'l mut T> {
        let index = self.index(list.len());
        list.get_mut(index)
    }
}
