//! The permissions `allow.*` and their defaults.

use super::release::Release;

/// A set of permissions, a bit each, as `pr_allow` holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allow(u64);

impl Allow {
    /// No permission.
    pub(super) const NONE: Self = Self(0);

    /// The permissions of both sets.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions of this set that are not in another.
    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The permissions in both sets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no permission is in the set.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One permission's names and bit: an entry of `pr_flag_allow`.
#[derive(Debug)]
pub(super) struct Permission {
    /// The name that grants it.
    pub(super) name: String,
    /// The name that denies it: `no` goes before the last component.
    pub(super) noname: String,
    /// Its bit.
    pub(super) bit: Allow,
}

/// The permissions of a kernel.
#[derive(Debug)]
pub(super) struct Permissions {
    list: Vec<Permission>,
    /// The host's permissions: all, on 15 without `unprivileged_parent_tampering`.
    pub(super) of_host: Allow,
    /// The defaults of a new jail, as far as its parent has them: `JAIL_DEFAULT_ALLOW`.
    pub(super) of_new_jail: Allow,
    /// The permissions that a jail may have even if its parent lacks them: `PR_ALLOW_DIFFERENCES`.
    pub(super) not_compared: Allow,
    /// The permission without which uid 0 has no privileges.
    pub(super) suser: Allow,
}

impl Permissions {
    /// The permissions of a release.
    pub(super) fn of(release: &Release) -> Self {
        let list: Vec<Permission> =
            (0_u32..).zip(release.allow).map(|(bit, name)| permission(bit, name)).collect();
        let set = |names: &[&str]| {
            let chosen =
                list.iter().filter(|each| names.iter().any(|name| each.name == format!("allow.{name}")));
            chosen.fold(Allow::NONE, |set, each| set.with(each.bit))
        };
        let all = list.iter().fold(Allow::NONE, |set, each| set.with(each.bit));
        let tampering = set(&["unprivileged_parent_tampering"]);
        let by_default = set(&["set_hostname", "reserved_ports", "unprivileged_proc_debug", "suser"]);
        Self {
            of_host: if release.tampering_by_default { all } else { all.without(tampering) },
            of_new_jail: if release.tampering_by_default { by_default.with(tampering) } else { by_default },
            not_compared: set(&["unprivileged_proc_debug", "unprivileged_parent_tampering"]),
            suser: set(&["suser"]),
            list,
        }
    }

    /// Adds a permission, which no jail has by default, and returns its bit; `None` if it is there already.
    pub(super) fn add(&mut self, name: &str) -> Option<Allow> {
        let bit = u32::try_from(self.list.len()).ok()?;
        let permission = permission(bit, name);
        if bit >= u64::BITS || self.list.iter().any(|each| each.name == permission.name) {
            return None;
        }
        let added = permission.bit;
        self.list.push(permission);
        Some(added)
    }

    /// Every permission, in the kernel's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.list.iter()
    }
}

fn permission(bit: u32, name: &str) -> Permission {
    let noname = match name.rsplit_once('.') {
        Some((prefix, last)) => format!("allow.{prefix}.no{last}"),
        None => format!("allow.no{name}"),
    };
    Permission { name: format!("allow.{name}"), noname, bit: Allow(1 << bit) }
}
