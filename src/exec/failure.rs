//! Errors of a child, or of starting it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Asked, Call, Error, ErrorKind, Stage, Subject, attach_error};
use crate::jail::{Jail, attaching_error};
use crate::sys::Errno;
use crate::sys::child::{Attach, Plan};
use crate::sys::directories::path_of;
use crate::sys::report::{Report, Step};

/// Makes an error from the one of std's `Command` and the child's report.
pub(super) fn failure(error: &io::Error, plan: &Plan, jail: &Jail) -> Error {
    let step = plan.report.as_ref().map_or(Step::None, Report::step);
    let said = plan.report.as_ref().and_then(Report::errno);
    let Some(errno) = said.or_else(|| error.raw_os_error().map(Errno)) else {
        // std refuses some settings by itself.
        return Error::refused(ErrorKind::InvalidValue, error.to_string());
    };
    let (stage, call) = match step {
        Step::None => return before(errno),
        Step::Check => return replaced(errno).at(Stage::Attach),
        Step::Rules => return from_kernel(Call::JailGet, errno, plan).at(Stage::Attach),
        Step::Attach => return attaching(errno, plan, jail).at(Stage::Attach),
        Step::Exec => return execution(errno),
        Step::Closure => return closure(errno),
        Step::Kill | Step::Done => return signalling(errno),
        Step::Setsid => (Stage::Session, Call::Setsid),
        Step::Setpgid => (Stage::Session, Call::Setpgid),
        Step::Terminal => (Stage::Session, Call::Ioctl),
        Step::Fib => (Stage::Fib, Call::Setfib),
        Step::Limit => (Stage::Limits, Call::Setrlimit),
        Step::Chdir => (Stage::Directory, Call::Chdir),
        Step::Setgroups => (Stage::User, Call::Setgroups),
        Step::Setgid => (Stage::User, Call::Setgid),
        Step::Setuid => (Stage::User, Call::Setuid),
    };
    let (kind, reason) = match (stage, errno.0) {
        (
            Stage::Directory,
            libc::ENOENT | libc::ENOTDIR | libc::EACCES | libc::ELOOP | libc::ENAMETOOLONG,
        ) => (ErrorKind::InvalidPath, "the working directory, looked up in the jail"),
        (Stage::Session, libc::ENOTTY) => (ErrorKind::InvalidRequest, "the standard input is not a terminal"),
        (Stage::Fib, libc::EINVAL) => {
            (ErrorKind::InvalidValue, "no such routing table: sysctl net.fibs has their number")
        }
        (_, libc::EPERM) => (ErrorKind::PermissionDenied, ""),
        (_, libc::EINVAL) => (ErrorKind::InvalidValue, ""),
        (_, libc::EAGAIN | libc::ENOMEM) => (ErrorKind::ResourceExhausted, ""),
        _ => (ErrorKind::Other, ""),
    };
    let error = Error::os(call, errno, kind, reason).at(stage);
    match plan.directory.as_deref().filter(|_| stage == Stage::Directory) {
        Some(directory) => error.with_value(format_args!("{:?}", OsStr::from_bytes(directory.to_bytes()))),
        None => error,
    }
}

/// Makes an error from std's one about waiting for a running program or reading its output.
pub(super) fn lost(error: &io::Error) -> Error {
    let errno = Errno(error.raw_os_error().unwrap_or(libc::EIO));
    Error::os(Call::Wait, errno, ErrorKind::Other, "the program's status is lost")
}

/// The child was not created, or failed before its first step.
fn before(errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE => {
            (ErrorKind::ResourceExhausted, "creating a child and its pipes")
        }
        // std opens nothing else.
        libc::ENOENT | libc::ENOTDIR | libc::EACCES => {
            (ErrorKind::Other, "opening this process's /dev/null for a standard stream")
        }
        _ => (ErrorKind::Other, "creating a child and its pipes"),
    };
    Error::os(Call::Fork, errno, kind, reason)
}

fn replaced(errno: Errno) -> Error {
    Error::os(
        Call::Fstat,
        errno,
        ErrorKind::InvalidDescriptor,
        "in the child, the number of the jail's descriptor is another file's: it must be above 2, where the standard \
         streams are",
    )
}

fn from_kernel(call: Call, errno: Errno, plan: &Plan) -> Error {
    let text = plan.report.as_ref().map(Report::text).unwrap_or_default();
    let asked = Asked { subject: Subject::Handle, names: &|_| {} };
    Error::from_kernel(call, errno, &text, &asked)
}

fn attaching(errno: Errno, plan: &Plan, jail: &Jail) -> Error {
    let error = match plan.attach {
        Attach::Descriptor(_) => from_kernel(Call::JailSet, errno, plan),
        Attach::Jid(_) => attach_error(Call::JailAttach, errno),
        #[cfg(feature = "sim")]
        Attach::Outside(_) => {
            Error::os(Call::Chdir, errno, ErrorKind::Other, "changing to the host's root directory")
        }
    };
    let obstacle = plan.report.as_ref().and_then(Report::obstacle);
    // The child has only its standard input, output and error, whose numbers are other files in this process.
    let path = |fd| if fd > libc::STDERR_FILENO { path_of(fd) } else { None };
    attaching_error(error, jail, || obstacle.map(|fd| (fd, path(fd))))
}

/// A child failed to signal all processes of its jail.
pub(super) fn signalling(errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::EINVAL => (ErrorKind::InvalidValue, "no such signal"),
        libc::EPERM => (ErrorKind::PermissionDenied, "root in the jail may signal none of its processes"),
        _ => (ErrorKind::Other, ""),
    };
    Error::os(Call::Kill, errno, kind, reason)
}

fn closure(errno: Errno) -> Error {
    Error::refused(ErrorKind::Other, "a closure given to pre_exec failed")
        .with_errno(errno)
        .at(Stage::PreExec)
}

fn execution(errno: Errno) -> Error {
    let (kind, reason) = match errno.0 {
        libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG => {
            (ErrorKind::NotExecutable, "the program, its interpreter or its linker is not in the jail")
        }
        libc::EACCES | libc::ENOEXEC | libc::EPERM => (ErrorKind::NotExecutable, ""),
        libc::EAGAIN | libc::ENOMEM => (ErrorKind::ResourceExhausted, ""),
        libc::E2BIG => (ErrorKind::InvalidValue, "the arguments and the environment are too large"),
        _ => (ErrorKind::Other, ""),
    };
    Error::os(Call::Execve, errno, kind, reason).at(Stage::Exec)
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::exec::plan::Wishes;
    use crate::sim;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no memory that processes share")]
    fn a_descriptor_that_was_replaced_in_the_child_is_not_reported_as_a_removed_jail() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        kernel.allow_exec(true);
        let jail = Jail::builder().path("/").create().expect("created");
        let plan = Wishes::default().plan(&jail).expect("nothing to refuse");
        let report = plan.report.as_ref().expect("a report");
        report.reach(Step::Check);
        report.fail(Errno(libc::EBADF));
        let error = failure(&io::Error::from_raw_os_error(libc::EBADF), &plan, &jail);
        assert_eq!(
            (error.kind(), error.stage(), error.call(), error.errno()),
            (ErrorKind::InvalidDescriptor, Some(Stage::Attach), Some(Call::Fstat), Some(libc::EBADF))
        );
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no memory that processes share")]
    fn each_step_that_fails_has_its_stage_and_its_call() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        kernel.allow_exec(true);
        let jail = Jail::builder().path("/").create().expect("created");
        let invalid = ErrorKind::InvalidValue;
        for (step, errno, stage, call, kind) in [
            (Step::None, libc::EMFILE, None, Some(Call::Fork), ErrorKind::ResourceExhausted),
            (Step::None, libc::ENOENT, None, Some(Call::Fork), ErrorKind::Other),
            (
                Step::Setsid,
                libc::EPERM,
                Some(Stage::Session),
                Some(Call::Setsid),
                ErrorKind::PermissionDenied,
            ),
            (Step::Setpgid, libc::EINVAL, Some(Stage::Session), Some(Call::Setpgid), invalid),
            (
                Step::Terminal,
                libc::ENOTTY,
                Some(Stage::Session),
                Some(Call::Ioctl),
                ErrorKind::InvalidRequest,
            ),
            (Step::Fib, libc::EINVAL, Some(Stage::Fib), Some(Call::Setfib), invalid),
            (
                Step::Limit,
                libc::EPERM,
                Some(Stage::Limits),
                Some(Call::Setrlimit),
                ErrorKind::PermissionDenied,
            ),
            (Step::Chdir, libc::ENOENT, Some(Stage::Directory), Some(Call::Chdir), ErrorKind::InvalidPath),
            (Step::Chdir, libc::EIO, Some(Stage::Directory), Some(Call::Chdir), ErrorKind::Other),
            (Step::Setgroups, libc::EINVAL, Some(Stage::User), Some(Call::Setgroups), invalid),
            (Step::Setgid, libc::EPERM, Some(Stage::User), Some(Call::Setgid), ErrorKind::PermissionDenied),
            (Step::Setuid, libc::EAGAIN, Some(Stage::User), Some(Call::Setuid), ErrorKind::ResourceExhausted),
            (Step::Attach, libc::ENOENT, Some(Stage::Attach), Some(Call::Chdir), ErrorKind::Other),
            (Step::Closure, libc::EIO, Some(Stage::PreExec), None, ErrorKind::Other),
            (Step::Exec, libc::ENOEXEC, Some(Stage::Exec), Some(Call::Execve), ErrorKind::NotExecutable),
            (Step::Exec, libc::E2BIG, Some(Stage::Exec), Some(Call::Execve), invalid),
            (Step::Exec, libc::ENOMEM, Some(Stage::Exec), Some(Call::Execve), ErrorKind::ResourceExhausted),
            (Step::Kill, libc::EINVAL, None, Some(Call::Kill), invalid),
            (Step::Kill, libc::EPERM, None, Some(Call::Kill), ErrorKind::PermissionDenied),
        ] {
            let plan = Wishes::default().plan(&jail).expect("nothing to refuse");
            plan.report.as_ref().expect("a report").reach(step);
            let error = failure(&io::Error::from_raw_os_error(errno), &plan, &jail);
            let found = (error.kind(), error.stage(), error.call(), error.errno());
            assert_eq!(found, (kind, stage, call, Some(errno)), "{step:?}");
        }
        let plan = Wishes::default().plan(&jail).expect("nothing to refuse");
        let refused = failure(&io::ErrorKind::InvalidInput.into(), &plan, &jail);
        assert_eq!((refused.kind(), refused.errno()), (ErrorKind::InvalidValue, None));
        assert_eq!(lost(&io::ErrorKind::UnexpectedEof.into()).errno(), Some(libc::EIO));
        plan.report.as_ref().expect("a report").reach(Step::Fib);
        let error = failure(&io::Error::from_raw_os_error(libc::EINVAL), &plan, &jail);
        assert!(error.to_string().contains("no such routing table"), "{error}");
        assert!(before(Errno(libc::ENOENT)).to_string().contains("/dev/null"));
    }
}
