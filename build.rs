//! Chooses where the bindings come from.
//!
//! Without the feature `bindgen`, from the checked-in `src/sys/bindings.rs`, always. With it, from
//! FreeBSD's headers: those of `FREEBSD_JAIL_SYSROOT` (a folder with `usr/include`) if it is set,
//! else this machine's when it builds for itself, else still from the checked-in file. When the
//! machine's own headers do not serve, a warning says so and the checked-in file is used; a
//! sysroot was asked for by name, so that it does not serve is an error.
//!
//! `FREEBSD_JAIL_BINDGEN_TARGET` names the target for clang alone, so that one host can generate
//! for every architecture, without Rust's standard library for any; it needs a sysroot.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(freebsd_jail_generated)");

    #[cfg(feature = "bindgen")]
    return generate::run();
    #[cfg(not(feature = "bindgen"))]
    ExitCode::SUCCESS
}

#[cfg(feature = "bindgen")]
mod generate {
    use bindgen::callbacks::{IntKind, ParseCallbacks};
    use std::env;
    use std::fs;
    use std::panic;
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    const WRAPPER: &str = "wrapper.h";

    /// Whose headers are read.
    enum Headers {
        /// The folder that `FREEBSD_JAIL_SYSROOT` names.
        Sysroot(PathBuf),
        /// Those of this machine, which is what it builds for.
        Native,
        /// There are none.
        Foreign,
    }

    pub(super) fn run() -> ExitCode {
        println!("cargo::rerun-if-changed={WRAPPER}");
        for name in ["FREEBSD_JAIL_SYSROOT", "FREEBSD_JAIL_BINDGEN_TARGET", "LIBCLANG_PATH"] {
            println!("cargo::rerun-if-env-changed={name}");
        }

        let headers = headers();
        let done = match &headers {
            Headers::Sysroot(sysroot) => write_bindings(Some(sysroot)),
            Headers::Native => write_bindings(None),
            Headers::Foreign => {
                Err("there are no FreeBSD headers here; FREEBSD_JAIL_SYSROOT names a folder with \
                 usr/include to take them from"
                    .to_owned())
            }
        };
        match (done, headers) {
            (Ok(()), _) => {
                println!("cargo::rustc-cfg=freebsd_jail_generated");
                ExitCode::SUCCESS
            }
            (Err(reason), Headers::Sysroot(sysroot)) => {
                let sysroot = sysroot.display();
                tell("error", &format!("no bindings from FREEBSD_JAIL_SYSROOT={sysroot}: {reason}"));
                ExitCode::FAILURE
            }
            (Err(reason), Headers::Native | Headers::Foreign) => {
                tell("warning", &format!("using the checked-in bindings: {reason}"));
                ExitCode::SUCCESS
            }
        }
    }

    /// One line of output is one message to Cargo, so that a text of several lines takes several.
    fn tell(kind: &str, text: &str) {
        for line in text.lines() {
            println!("cargo::{kind}={line}");
        }
    }

    fn variable(name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn headers() -> Headers {
        // `var_os`: a path need not be UTF-8 to be meant.
        if let Some(sysroot) = env::var_os("FREEBSD_JAIL_SYSROOT").filter(|path| !path.is_empty()) {
            return Headers::Sysroot(sysroot.into());
        }
        // The same system is not enough: the headers in machine/ are one architecture's.
        let itself = variable("HOST") == variable("TARGET");
        match variable("CARGO_CFG_TARGET_OS").as_deref() {
            Some("freebsd") if itself => Headers::Native,
            _ => Headers::Foreign,
        }
    }

    /// The triple that clang parses for.
    fn target() -> Result<String, String> {
        if let Some(target) = variable("FREEBSD_JAIL_BINDGEN_TARGET") {
            return Ok(target);
        }
        let of_cargo = |name| variable(name).ok_or_else(|| format!("{name} is not set"));
        // Cargo's own triple has parts that clang does not know (`riscv64gc`), and with a sysroot
        // it need not be FreeBSD's at all.
        let arch = match of_cargo("CARGO_CFG_TARGET_ARCH")?.as_str() {
            "x86" => "i686",
            "arm" => "armv7",
            "powerpc64" if of_cargo("CARGO_CFG_TARGET_ENDIAN")? == "little" => "powerpc64le",
            arch => arch,
        }
        .to_owned();
        let abi = if arch == "armv7" { "-gnueabihf" } else { "" };
        Ok(format!("{arch}-unknown-freebsd{abi}"))
    }

    fn write_bindings(sysroot: Option<&Path>) -> Result<(), String> {
        let text = bindings(sysroot)?;
        let folder = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
        let file = Path::new(&folder).join("bindings.rs");
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn bindings(sysroot: Option<&Path>) -> Result<String, String> {
        let mut builder = bindgen::builder().header(WRAPPER).clang_arg(format!("--target={}", target()?));
        if let Some(sysroot) = sysroot {
            let include = sysroot.join("usr/include");
            if !include.join("sys/jail.h").is_file() {
                return Err(format!("{} has no sys/jail.h", include.display()));
            }
            let include = include.to_str().ok_or_else(|| format!("{}: not UTF-8", include.display()))?;
            // Nothing of this machine's: neither its headers nor those of its clang.
            builder = builder.clang_args(["-nostdinc", "-isystem", include]).detect_include_paths(false);
        }
        let builder = settings(builder)?;

        // bindgen panics where libclang is missing or unusable, and that is no fault of this
        // program's: its user wants the reason, not where it was found.
        panic::set_hook(Box::new(|_| {}));
        let generated = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.generate()));
        drop(panic::take_hook());
        let text = match generated {
            Ok(Ok(bindings)) => bindings.to_string(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                return Err(text
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("bindgen failed without a reason")
                    .to_owned());
            }
        };
        complete(&text).map(|()| text)
    }

    fn settings(builder: bindgen::Builder) -> Result<bindgen::Builder, String> {
        // The crate's `rust-version`. Left out, it would be that of the Rust at hand.
        let rust = bindgen::RustTarget::stable(85, 0).map_err(|error| error.to_string())?;
        Ok(builder
            .parse_callbacks(Box::new(CTypes))
            .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
            .allowlist_type("jail|xprison|prison_state|(__)?cpusetid_t")
            .allowlist_function("jail|jail_(set|get|attach|remove)|jail_(attach|remove)_jd")
            .allowlist_var("JAIL_.*|NOTE_JAIL_.*|EVFILT_JAIL.*|SYS_jail.*|XPRISON_VERSION")
            // What they refer to is libc's, so that a user's own iovecs are of the same type.
            .allowlist_recursively(false)
            .raw_line("use libc::{in_addr, in6_addr, iovec};")
            // `PRISON_STATE_ALIVE`, as in C.
            .prepend_enum_name(false)
            .merge_extern_blocks(true)
            // Tests of one architecture's layout would make one file for all impossible.
            .layout_tests(false)
            .use_core()
            .rust_target(rust)
            .rust_edition(bindgen::RustEdition::Edition2024)
            .formatter(bindgen::Formatter::Prettyplease)
            // Which bindgen it was says nothing of what it read; only noise in the drift check.
            .disable_header_comment())
    }

    /// The headers of FreeBSD 14 and before lack what the crate has to know of 15, since one
    /// binary serves both.
    fn complete(text: &str) -> Result<(), String> {
        const NEWEST: [&str; 4] =
            ["JAIL_OWN_DESC", "NOTE_JAIL_MULTI", "EVFILT_JAILDESC", "SYS_jail_remove_jd"];
        let missing: Vec<_> =
            NEWEST.into_iter().filter(|name| !text.contains(&format!("pub const {name}:"))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("these headers are older than FreeBSD 15.0: they have no {}", missing.join(", ")))
    }

    /// Gives each constant the type of the C argument or member that it is for; a macro has none.
    #[derive(Debug)]
    struct CTypes;

    impl ParseCallbacks for CTypes {
        fn int_macro(&self, name: &str, _: i64) -> Option<IntKind> {
            if name.starts_with("NOTE_JAIL_") {
                Some(IntKind::U32) // kevent.fflags
            } else if name.starts_with("EVFILT_JAIL") {
                Some(IntKind::I16) // kevent.filter
            } else if name.starts_with("JAIL_") || name.starts_with("SYS_jail") || name == "XPRISON_VERSION" {
                Some(IntKind::Int)
            } else {
                None
            }
        }
    }
}
