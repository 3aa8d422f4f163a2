//! Bytes that live in borrowed memory until they outgrow it.

/// Like a `Vec`, but may start in memory that the caller lends, usually on its stack.
#[derive(Debug)]
pub(crate) struct Store<'s> {
    /// Everything after `len` is zero.
    memory: Memory<'s>,
    len: usize,
}

#[derive(Debug)]
enum Memory<'s> {
    Lent(&'s mut [u8]),
    Owned(Vec<u8>),
}

impl<'s> Store<'s> {
    pub(crate) const fn new() -> Self {
        Self { memory: Memory::Owned(Vec::new()), len: 0 }
    }

    /// Starts with space for that many bytes.
    pub(crate) fn with_room(count: usize) -> Self {
        Self { memory: Memory::Owned(vec![0; count]), len: 0 }
    }

    /// Starts in lent memory, which must be all zeros.
    pub(crate) fn lent(memory: &'s mut [u8]) -> Self {
        Self { memory: Memory::Lent(memory), len: 0 }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        let memory = match &self.memory {
            Memory::Lent(memory) => &**memory,
            Memory::Owned(memory) => memory,
        };
        memory.get(..self.len).unwrap_or_default()
    }

    fn memory(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Lent(memory) => memory,
            Memory::Owned(memory) => memory,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        let len = self.len;
        self.memory().get_mut(..len).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn clear(&mut self) {
        self.remove(0, self.len);
    }

    /// Appends that many zeros, and returns them.
    pub(crate) fn grow(&mut self, count: usize) -> &mut [u8] {
        let (start, end) = (self.len, self.len.saturating_add(count));
        if end > self.memory().len() {
            self.spill(count);
        }
        self.len = end;
        self.memory().get_mut(start..end).unwrap_or_default()
    }

    /// Removes a range, moving what follows.
    pub(crate) fn remove(&mut self, start: usize, count: usize) {
        let bytes = self.as_mut_slice();
        let end = start.saturating_add(count).min(bytes.len());
        let start = start.min(end);
        bytes.copy_within(end.., start);
        let len = bytes.len() - (end - start);
        if let Some(freed) = bytes.get_mut(len..) {
            freed.fill(0);
        }
        self.len = len;
    }

    #[cold]
    fn spill(&mut self, more: usize) {
        let mut memory = Vec::with_capacity(2 * (self.len + more));
        memory.extend_from_slice(self.as_slice());
        memory.resize(memory.capacity(), 0);
        self.memory = Memory::Owned(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_in_lent_memory_while_it_fits() {
        let mut memory = [0; 4];
        let mut store = Store::lent(&mut memory);
        store.grow(2).copy_from_slice(&[1, 2]);
        store.grow(2);
        assert!(matches!(store.memory, Memory::Lent(_)));
        assert_eq!(store.as_slice(), [1, 2, 0, 0]);
    }

    #[test]
    fn it_moves_to_the_heap_when_it_outgrows_it() {
        let mut memory = [0; 2];
        let mut store = Store::lent(&mut memory);
        store.grow(2).copy_from_slice(&[1, 2]);
        store.grow(1).fill(3);
        assert!(matches!(store.memory, Memory::Owned(_)));
        assert_eq!(store.as_slice(), [1, 2, 3]);
    }

    #[test]
    fn removing_moves_what_follows_wherever_it_lives() {
        let mut memory = [0; 4];
        let mut lent = Store::lent(&mut memory);
        let mut owned = Store::new();
        for store in [&mut lent, &mut owned] {
            store.grow(4).copy_from_slice(&[1, 2, 3, 4]);
            store.remove(1, 2);
            assert_eq!(store.as_slice(), [1, 4]);
            store.grow(2);
            assert_eq!(store.as_slice(), [1, 4, 0, 0]);
            store.remove(1, 9);
            assert_eq!(store.as_slice(), [1]);
            store.clear();
            assert_eq!(store.len(), 0);
            store.grow(1);
            assert_eq!(store.as_slice(), [0]);
        }
    }
}
