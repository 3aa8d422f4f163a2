//! Address lists: their order, who may have them, and how a change of a parent's list affects a child's.
//!
//! After the `prison_ip_*` functions of `sys/kern/kern_jail.c`, and `in_jail.c` and `in6_jail.c` for the
//! comparisons. Addresses are bytes in network order, for which the order of the bytes is the kernel's order.

use core::fmt::Debug;

use super::flags::PrisonFlags;
use super::prison::{Key, Prison};
use super::state::State;

/// An IPv4 address in network order.
pub(super) type Ip4 = [u8; 4];
/// An IPv6 address.
pub(super) type Ip6 = [u8; 16];

/// What differs between the families.
pub(super) trait Address: Copy + Ord + Debug + Sized {
    /// The flag of a jail with a list of its own.
    const USER: PrisonFlags;
    /// The flag of a jail that is restricted, by itself or from above.
    const RESTRICTED: PrisonFlags;

    /// Reads consecutive addresses.
    fn read(bytes: &[u8]) -> Vec<Self>;
    /// Whether a jail may have this address.
    fn is_valid(&self) -> bool;
    /// A prison's list.
    fn of(prison: &Prison) -> Option<&Vec<Self>>;
    /// A prison's list, mutable.
    fn of_mut(prison: &mut Prison) -> &mut Option<Vec<Self>>;
}

impl Address for Ip4 {
    const USER: PrisonFlags = PrisonFlags::IP4_USER;
    const RESTRICTED: PrisonFlags = PrisonFlags::IP4;

    fn read(bytes: &[u8]) -> Vec<Self> {
        bytes.chunks_exact(4).filter_map(|chunk| chunk.try_into().ok()).collect()
    }

    fn is_valid(&self) -> bool {
        *self != [0; 4] && *self != [255; 4]
    }

    fn of(prison: &Prison) -> Option<&Vec<Self>> {
        prison.ip4.as_ref()
    }

    fn of_mut(prison: &mut Prison) -> &mut Option<Vec<Self>> {
        &mut prison.ip4
    }
}

impl Address for Ip6 {
    const USER: PrisonFlags = PrisonFlags::IP6_USER;
    const RESTRICTED: PrisonFlags = PrisonFlags::IP6;

    fn read(bytes: &[u8]) -> Vec<Self> {
        bytes.chunks_exact(16).filter_map(|chunk| chunk.try_into().ok()).collect()
    }

    fn is_valid(&self) -> bool {
        *self != [0; 16]
    }

    fn of(prison: &Prison) -> Option<&Vec<Self>> {
        prison.ip6.as_ref()
    }

    fn of_mut(prison: &mut Prison) -> &mut Option<Vec<Self>> {
        &mut prison.ip6
    }
}

/// Sorts all addresses but the first, the primary one; `None` if one is invalid or there twice:
/// `prison_ip_copyin`.
pub(super) fn sorted<T: Address>(mut list: Vec<T>) -> Option<Vec<T>> {
    let (first, rest) = list.split_first_mut()?;
    rest.sort_unstable();
    let repeats =
        rest.contains(first) || rest.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    let valid = list.iter().all(T::is_valid);
    (valid && !repeats).then_some(list)
}

/// Whether a parent's addresses include those of a list: `prison_ip_parent_match`.
///
/// The walk through the parent's sorted addresses continues where the last one was found. It is at its end at once if
/// the parent has only one.
pub(super) fn parent_has<T: Address>(parent: Option<&Vec<T>>, list: &[T]) -> bool {
    let (Some(parent), Some((first, rest))) = (parent, list.split_first()) else {
        return false;
    };
    let Some((parent_first, parent_rest)) = parent.split_first() else {
        return false;
    };
    if !parent.contains(first) {
        return false;
    }
    let mut left = parent_rest;
    for address in rest {
        if address == parent_first {
            continue;
        }
        match left.iter().position(|each| each == address) {
            Some(at) => left = left.get(at..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.is_empty() || !left.is_empty()
}

/// The rest of a jail's own list after the parent's list has changed: `prison_ip_restrict`.
///
/// If the primary address is gone, the kernel compares as if it were one of the sorted ones, which is not always right.
fn restricted<T: Address>(parent: &[T], own: &[T]) -> Option<Vec<T>> {
    let (own_first, own_rest) = own.split_first()?;
    let (parent_first, parent_rest) = parent.split_first()?;
    let mut kept = Vec::new();
    let mut left = own;
    if parent.contains(own_first) {
        kept.push(*own_first);
        left = own_rest;
    }
    let mut sorted = parent_rest.iter().peekable();
    for address in left {
        if address == parent_first {
            kept.push(*address);
            continue;
        }
        while sorted.next_if(|each| *each < address).is_some() {}
        if sorted.next_if(|each| *each == address).is_some() {
            kept.push(*address);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

impl State {
    /// Whether another jail on the same network stack has one of these addresses, but for two jails with one
    /// address each, which may share it: `prison_ip_conflict_check`.
    pub(super) fn addresses_clash<T: Address>(&self, parent: Key, key: Key, list: &[T]) -> bool {
        let stack = self.self_and_ancestors(parent);
        let top = stack.iter().find(|each| self.prison(**each).flags.contains(PrisonFlags::VNET));
        let skipped = |each: Key, prison: &Prison| {
            each == key || prison.flags.contains(PrisonFlags::VNET) || !prison.is_alive()
        };
        let near = self.below_while(*top.unwrap_or(&parent), |each, prison| {
            !skipped(each, prison) && !prison.flags.contains(T::USER)
        });
        near.into_iter().any(|each| {
            let prison = self.prison(each);
            if skipped(each, prison) || !prison.flags.contains(T::USER) {
                return false;
            }
            let Some(theirs) = T::of(prison) else {
                return false;
            };
            !(list.len() == 1 && theirs.len() == 1) && list.iter().any(|address| theirs.contains(address))
        })
    }

    /// Sets a jail's list, and restricts those of the jails below to it.
    pub(super) fn set_addresses<T: Address>(&mut self, key: Key, list: Option<Vec<T>>) {
        let prison = self.prison_mut(key);
        prison.flags.insert(T::RESTRICTED);
        *T::of_mut(prison) = list;
        let own_stack = |_: Key, prison: &Prison| !prison.flags.contains(PrisonFlags::VNET);
        for below in self.below_while(key, own_stack) {
            let prison = self.prison(below);
            if prison.flags.contains(PrisonFlags::VNET) {
                continue;
            }
            let parent = prison.parent.map(|parent| self.prison(parent)).and_then(T::of);
            let list = match (parent, T::of(prison)) {
                (Some(parent), _) if !prison.flags.contains(T::USER) => Some(parent.clone()),
                (Some(parent), Some(own)) => restricted(parent, own),
                _ => None,
            };
            *T::of_mut(self.prison_mut(below)) = list;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ip4 = [10, 0, 0, 1];
    const B: Ip4 = [10, 0, 0, 2];
    const C: Ip4 = [10, 0, 0, 3];

    #[test]
    fn the_first_address_stays_first() {
        assert_eq!(sorted(vec![C, B, A]), Some(vec![C, A, B]));
        assert_eq!(sorted(vec![A, B, B]), None);
        assert_eq!(sorted(vec![A, B, A]), None);
        assert_eq!(sorted(vec![[255_u8; 4]]), None);
    }

    #[test]
    fn a_subset_in_any_order_is_a_subset() {
        assert!(parent_has(Some(&vec![A, B, C]), &[C, A, B]));
        assert!(parent_has(Some(&vec![A]), &[A]));
        assert!(!parent_has(Some(&vec![A]), &[A, B]));
        assert!(!parent_has(None, &[A]));
    }

    #[test]
    fn a_list_loses_what_the_parent_lost() {
        assert_eq!(restricted(&[A, B], &[B, A, C]), Some(vec![B, A]));
        assert_eq!(restricted(&[A], &[B]), None);
        assert_eq!(restricted(&[A, C], &[B, A, C]), Some(vec![A, C]));
    }
}
