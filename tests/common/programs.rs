//! Programs in jails, as tests start them.

use freebsd_jail::{Jail, JailCommand};

use super::{Host, host, on_every_kernel};

/// The host's kernel, whose programs may run where it is a model.
pub fn executing_host() -> Host {
    let host = host();
    allow_exec(&host);
    host
}

/// Runs a test on every kernel, where programs may run.
pub fn on_every_executing_kernel(test: impl Fn(&Host)) {
    on_every_kernel(|host| {
        allow_exec(host);
        test(host);
    });
}

/// Lets the model run programs, where it is one.
pub fn allow_exec(host: &Host) {
    if let Some(model) = host.model() {
        model.allow_exec(true);
    }
}

/// A shell in the jail, with a script.
pub fn shell<'j>(jail: &'j Jail, script: &str) -> JailCommand<'j> {
    let mut command = jail.command("/bin/sh");
    command.arg("-c").arg(script);
    command
}
