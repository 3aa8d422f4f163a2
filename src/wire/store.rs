//! A list that lives in borrowed memory until it outgrows it.

/// Like a `Vec`, but starts in memory that the caller lends, usually on its stack.
#[derive(Debug)]
pub(crate) enum Store<'s, T> {
    /// Everything after `len` is a default value.
    Lent {
        memory: &'s mut [T],
        len: usize,
    },
    Owned(Vec<T>),
}

impl<'s, T: Copy + Default> Store<'s, T> {
    /// Starts in lent memory, which must be all default values.
    pub(crate) fn lent(memory: &'s mut [T]) -> Self {
        Self::Lent { memory, len: 0 }
    }

    pub(crate) const fn owned() -> Self {
        Self::Owned(Vec::new())
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Lent { memory, len } => memory.get(..*len).unwrap_or_default(),
            Self::Owned(vec) => vec,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::Lent { memory, len } => memory.get_mut(..*len).unwrap_or_default(),
            Self::Owned(vec) => vec,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Lent { len, .. } => *len,
            Self::Owned(vec) => vec.len(),
        }
    }

    pub(crate) fn clear(&mut self) {
        match self {
            Self::Lent { memory, len } => {
                memory.fill(T::default());
                *len = 0;
            }
            Self::Owned(vec) => vec.clear(),
        }
    }

    /// Reserves space for that many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        match self {
            Self::Lent { memory, len } if memory.len() - *len < more => self.spill(more),
            Self::Lent { .. } => {}
            Self::Owned(vec) => vec.reserve(more),
        }
    }

    pub(crate) fn extend(&mut self, values: &[T]) {
        self.reserve(values.len());
        match self {
            Self::Lent { memory, len } => {
                // `reserve` has reserved the space.
                if let Some(room) = memory.get_mut(*len..*len + values.len()) {
                    room.copy_from_slice(values);
                    *len += values.len();
                }
            }
            Self::Owned(vec) => vec.extend_from_slice(values),
        }
    }

    pub(crate) fn push(&mut self, value: T) {
        match self {
            Self::Lent { memory, len } => {
                if let Some(place) = memory.get_mut(*len) {
                    *place = value;
                    *len += 1;
                    return;
                }
            }
            Self::Owned(vec) => {
                vec.push(value);
                return;
            }
        }
        self.extend(&[value]);
    }

    /// Appends that many default values, and returns them.
    pub(crate) fn grow(&mut self, count: usize) -> &mut [T] {
        self.reserve(count);
        match self {
            Self::Lent { memory, len } => {
                let start = *len;
                *len += count;
                memory.get_mut(start..*len).unwrap_or_default()
            }
            Self::Owned(vec) => {
                let start = vec.len();
                vec.resize(start + count, T::default());
                vec.get_mut(start..).unwrap_or_default()
            }
        }
    }

    /// Removes a range, moving what follows.
    pub(crate) fn remove(&mut self, start: usize, count: usize) {
        match self {
            Self::Lent { memory, len } => {
                let end = start.saturating_add(count).min(*len);
                let start = start.min(end);
                memory.copy_within(end..*len, start);
                let old = core::mem::replace(len, *len - (end - start));
                if let Some(freed) = memory.get_mut(*len..old) {
                    freed.fill(T::default());
                }
            }
            Self::Owned(vec) => {
                let end = start.saturating_add(count).min(vec.len());
                vec.drain(start.min(end)..end);
            }
        }
    }

    #[cold]
    fn spill(&mut self, more: usize) {
        let mut vec = Vec::with_capacity(self.len() + more);
        vec.extend_from_slice(self.as_slice());
        *self = Self::Owned(vec);
    }
}

impl Store<'_, u8> {
    /// Appends a name, a NUL, a value, and as many zeros as are missing to its room.
    pub(crate) fn put_pair(&mut self, name: &[u8], value: &[u8], room: usize) {
        match self {
            Self::Owned(vec) => {
                vec.reserve(name.len() + 1 + room);
                vec.extend_from_slice(name);
                vec.push(0);
                vec.extend_from_slice(value);
                match room - value.len() {
                    0 => {}
                    1 => vec.push(0),
                    more => vec.resize(vec.len() + more, 0),
                }
            }
            Self::Lent { .. } => {
                let memory = self.grow(name.len() + 1 + room);
                if let Some((start, rest)) = memory.split_at_mut_checked(name.len() + 1) {
                    copy(start, name);
                    copy(rest, value);
                }
            }
        }
    }
}

/// Copies bytes to the start of a slice that is as long.
fn copy(room: &mut [u8], bytes: &[u8]) {
    if let Some(room) = room.get_mut(..bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_in_lent_memory_while_it_fits() {
        let mut memory = [0u8; 4];
        let mut store = Store::lent(&mut memory);
        store.extend(&[1, 2]);
        store.grow(2);
        assert!(matches!(store, Store::Lent { .. }));
        assert_eq!(store.as_slice(), [1, 2, 0, 0]);
    }

    #[test]
    fn it_moves_to_the_heap_when_it_outgrows_it() {
        let mut memory = [0u8; 2];
        let mut store = Store::lent(&mut memory);
        store.extend(&[1, 2]);
        store.extend(&[3]);
        assert!(matches!(store, Store::Owned(_)));
        assert_eq!(store.as_slice(), [1, 2, 3]);
    }

    #[test]
    fn removing_moves_what_follows_wherever_it_lives() {
        let mut memory = [0u8; 4];
        let mut lent = Store::lent(&mut memory);
        let mut owned = Store::owned();
        for store in [&mut lent, &mut owned] {
            store.extend(&[1, 2, 3, 4]);
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
