//! Parameters that exclude each other.

use super::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::param::Mode;

impl Settings {
    /// Refuses what excludes each other.
    pub(crate) fn check(&self) -> Result<()> {
        const HOST: [&str; 4] = ["host.hostname", "host.domainname", "host.hostuuid", "host.hostid"];
        const LINUX: [&str; 3] = ["linux.osname", "linux.osrelease", "linux.oss_version"];
        if !self.has_modes {
            return Ok(());
        }
        for (mode, values) in [("host", &HOST[..]), ("linux", &LINUX)] {
            let inherits = self.mode(mode) == Some(Mode::Inherit);
            if let Some(value) = self.first_of(values).filter(|_| inherits) {
                return exclude(
                    mode,
                    &format!("a jail that has its parent's `{mode}` cannot have `{value}`"),
                );
            }
        }
        for (mode, addresses) in [("ip4", "ip4.addr"), ("ip6", "ip6.addr")] {
            if self.mode(mode).is_some_and(|mode| mode != Mode::New) && self.value(addresses).is_some() {
                let reason =
                    format!("a jail that has its parent's addresses or none cannot have `{addresses}`");
                return exclude(mode, &reason);
            }
        }
        let has_vnet = self.value("vnet").is_some();
        if let Some(other) = self.first_of(&["ip4", "ip4.addr", "ip6", "ip6.addr"]).filter(|_| has_vnet) {
            let reason = format!("the kernel takes `vnet`, whatever its value, or `{other}`, but not both");
            return exclude("vnet", &reason);
        }
        self.check_mac_do()
    }

    fn check_mac_do(&self) -> Result<()> {
        let rules = self.text("mac.do.rules").is_some_and(|rules| !rules.is_empty());
        match self.mode("mac.do") {
            Some(Mode::New) if self.text("mac.do.rules").is_none() => {
                exclude("mac.do", "`New` takes `mac.do.rules`, and there are none")
            }
            Some(Mode::Disable | Mode::Inherit) if rules => {
                exclude("mac.do", "a jail with `mac.do.rules` can neither inherit rules nor have none")
            }
            _ => Ok(()),
        }
    }
}

fn exclude(parameter: &str, reason: &str) -> Result<()> {
    Err(Error::refused(ErrorKind::Conflict, reason.to_owned()).about(parameter))
}
