//! Parameters that exclude each other.

use core::fmt;

use super::Settings;
use crate::error::{Error, ErrorKind};
use crate::param::Mode;

impl Settings<'_> {
    /// Finds parameters that exclude each other.
    #[cold]
    pub(super) fn find_exclusions(&self, found: &mut Vec<Error>) {
        const HOST: [&str; 4] = ["host.hostname", "host.domainname", "host.hostuuid", "host.hostid"];
        const LINUX: [&str; 3] = ["linux.osname", "linux.osrelease", "linux.oss_version"];
        for (mode, values) in [("host", &HOST[..]), ("linux", &LINUX)] {
            if self.mode(mode) != Some(Mode::Inherit) {
                continue;
            }
            if let Some(value) = self.first_of(values) {
                exclude(
                    found,
                    mode,
                    format_args!("a jail that has its parent's `{mode}` cannot have `{value}`"),
                );
            }
        }
        for (mode, addresses) in [("ip4", "ip4.addr"), ("ip6", "ip6.addr")] {
            if self.mode(mode).is_some_and(|mode| mode != Mode::New) && self.value(addresses).is_some() {
                let parent = "a jail that has its parent's";
                exclude(found, mode, format_args!("{parent} addresses or none cannot have `{addresses}`"));
            }
        }
        if self.value("vnet").is_some() {
            if let Some(other) = self.first_of(&["ip4", "ip4.addr", "ip6", "ip6.addr"]) {
                let either = "the kernel takes `vnet`, whatever its value, or";
                exclude(found, "vnet", format_args!("{either} `{other}`, but not both"));
            }
        }
        let rules = self.text("mac.do.rules");
        match self.mode("mac.do") {
            Some(Mode::New) if rules.is_none() => {
                exclude(found, "mac.do", format_args!("`New` takes `mac.do.rules`, and there are none"));
            }
            Some(Mode::Disable | Mode::Inherit) if rules.is_some_and(|rules| !rules.is_empty()) => {
                let reason =
                    format_args!("a jail with `mac.do.rules` can neither inherit rules nor have none");
                exclude(found, "mac.do", reason);
            }
            _ => {}
        }
    }
}

#[cold]
#[inline(never)]
fn exclude(found: &mut Vec<Error>, parameter: &str, reason: fmt::Arguments<'_>) {
    found.push(Error::refused(ErrorKind::Conflict, reason).about(parameter));
}
