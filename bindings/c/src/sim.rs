//! A model of the kernel, for tests.

use core::ffi::c_char;
use core::ptr;
use freebsd_jail::sim::{Kernel, ProcessGuard, Release};
use freebsd_jail::{Error, ErrorKind, Result};

use crate::argument::string;
use crate::outcome::answer;

/// A model of the kernel in memory, which gets the jail calls of this process.
pub struct Model {
    kernel: Kernel,
    _guard: ProcessGuard,
}

/// Installs a model of a FreeBSD release, such as `"14.2"`, or of the newest for `NULL`: from now on, all jail calls of
/// this process go to it. Returns `NULL` with errno set on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_sim_install(release: *const c_char) -> *mut Model {
    // SAFETY: as the header asks.
    let release = unsafe { string(release) };
    let kernel = match release {
        Some(release) => find(&release.to_string_lossy()).map(Kernel::with_release),
        None => Ok(Kernel::new()),
    };
    let model = kernel.map(|kernel| {
        let guard = kernel.install_for_process();
        Box::into_raw(Box::new(Model { kernel, _guard: guard }))
    });
    answer(model, ptr::null_mut())
}

/// Permits `fjail_spawn` to run programs, which the model does not confine: they run on the host. Does nothing with
/// `NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_sim_allow_exec(model: *const Model) {
    // SAFETY: it came from `fjail_sim_install`, and is freed after this call.
    if let Some(model) = unsafe { model.as_ref() } {
        model.kernel.allow_exec(true);
    }
}

fn find(name: &str) -> Result<Release> {
    let is_it = |release: &Release| release.osrelease().split('-').next() == Some(name);
    Release::ALL
        .into_iter()
        .find(is_it)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no model of FreeBSD {name}")))
}

/// Ends the model. The jails in it are gone. Does nothing with `NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fjail_sim_uninstall(model: *mut Model) {
    if !model.is_null() {
        // SAFETY: it came from `fjail_sim_install`, and is not used again.
        drop(unsafe { Box::from_raw(model) });
    }
}
