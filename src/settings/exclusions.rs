//! Parameters that exclude each other.

use std::borrow::Cow;

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
            let inherits = self.mode(mode) == Some(Mode::Inherit);
            if let Some(value) = self.first_of(values).filter(|_| inherits) {
                let reason = format!("a jail that has its parent's `{mode}` cannot have `{value}`");
                found.push(exclusion(mode, reason));
            }
        }
        for (mode, addresses) in [("ip4", "ip4.addr"), ("ip6", "ip6.addr")] {
            if self.mode(mode).is_some_and(|mode| mode != Mode::New) && self.value(addresses).is_some() {
                let reason =
                    format!("a jail that has its parent's addresses or none cannot have `{addresses}`");
                found.push(exclusion(mode, reason));
            }
        }
        let has_vnet = self.value("vnet").is_some();
        if let Some(other) = self.first_of(&["ip4", "ip4.addr", "ip6", "ip6.addr"]).filter(|_| has_vnet) {
            let reason = format!("the kernel takes `vnet`, whatever its value, or `{other}`, but not both");
            found.push(exclusion("vnet", reason));
        }
        let rules = self.text("mac.do.rules");
        match self.mode("mac.do") {
            Some(Mode::New) if rules.is_none() => {
                found.push(exclusion("mac.do", "`New` takes `mac.do.rules`, and there are none"));
            }
            Some(Mode::Disable | Mode::Inherit) if rules.is_some_and(|rules| !rules.is_empty()) => {
                let reason = "a jail with `mac.do.rules` can neither inherit rules nor have none";
                found.push(exclusion("mac.do", reason));
            }
            _ => {}
        }
    }
}

fn exclusion(parameter: &str, reason: impl Into<Cow<'static, str>>) -> Error {
    Error::refused(ErrorKind::Conflict, reason).about(parameter)
}
