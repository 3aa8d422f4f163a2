//! Code that the programs share: how they start, and the model on other systems than FreeBSD.

#![allow(dead_code, reason = "each program uses its part of this file")]
#![allow(unreachable_pub, reason = "it is a module of several programs")]

pub mod devfs;
pub mod parameter;

use std::process::{ExitCode, ExitStatus};

use freebsd_jail::{Jail, Jid, sim};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The model of the kernel, installed on other systems than FreeBSD.
pub struct Model {
    kernel: sim::Kernel,
    _guard: sim::ProcessGuard,
}

/// Runs a program on FreeBSD's kernel, or else on a model of it. Without options it prints the help.
pub fn run<O>(
    program: &str,
    help: &str,
    options: Result<Option<O>>,
    body: impl FnOnce(O, Option<&Model>) -> Result<ExitCode>,
) -> ExitCode {
    let options = match options {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{program}: {error}\n\n{help}");
            return ExitCode::FAILURE;
        }
    };
    let model = (!cfg!(target_os = "freebsd")).then(|| {
        eprintln!("{program}: this is not FreeBSD: a model of its kernel answers, which confines nothing");
        let kernel = sim::Kernel::new();
        let guard = kernel.install_for_process();
        Model { kernel, _guard: guard }
    });
    body(options, model.as_ref()).unwrap_or_else(|error| {
        eprintln!("{program}: {error}");
        ExitCode::FAILURE
    })
}

impl Model {
    pub fn kernel(&self) -> &sim::Kernel {
        &self.kernel
    }

    /// Lets programs run on this host, where nothing confines them.
    pub fn allow_exec(&self, allowed: bool) {
        self.kernel.allow_exec(allowed);
    }
}

/// Opens a jail. A model has no jails when a program starts: there the jail is created first.
pub fn open(jail: &str, model: Option<&Model>) -> Result<Jail> {
    if model.is_some() {
        eprintln!("the model has no jails yet: {jail} is created for demonstration");
        let builder = Jail::builder().path("/usr/jail").hostname("www.example.org");
        let builder = builder.ip4([[10, 0, 0, 22].into()]).children_max(1);
        let builder = match jail.parse::<Jid>() {
            Ok(jid) => builder.jid(jid),
            Err(_) => builder.name(jail),
        };
        builder.create_detached()?;
    }
    Ok(Jail::open(jail)?)
}

/// Returns a program's status as this program's.
pub fn status(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
