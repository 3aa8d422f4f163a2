//! What a child does between fork(2) and execve(2).
//!
//! Everything that runs there is async-signal-safe: system calls, and arithmetic on memory that was there before. Other
//! threads of the parent may have held any lock when it forked, the allocator's among them, and no thread in the child
//! would release it.

use core::ffi::c_int;
use core::fmt;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::CString;
use std::io;
#[cfg(feature = "sim")]
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use libc::{gid_t, mode_t, pid_t, uid_t};

use super::attach::{ByDescriptor, Errmsg};
#[cfg(feature = "sim")]
use super::fd::{self, Stat};
use super::hold::Hold;
use super::report::{Report, Step};
pub(crate) use super::surroundings::Limit;
use super::surroundings::{set_controlling_terminal, set_fib, set_limit};
use super::{Errno, System, directories, inherit, lock};

/// The session and process group of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// Those of its parent.
    Same,
    /// A session of its own.
    New,
    /// A session of its own, with the standard input as its controlling terminal.
    Terminal,
    /// A process group, 0 for one of its own.
    Group(pid_t),
}

/// How the child attaches to the jail.
#[derive(Debug)]
pub(crate) enum Attach {
    /// Not at all: the jail belongs to a model, which was asked before the fork. The child changes to the host's root
    /// directory, as attaching changes to the jail's.
    #[cfg(feature = "sim")]
    Outside(Option<Identity>),
    /// By jid, with jail_attach(2).
    Jid(c_int),
    /// By descriptor, with jail_set(2).
    Descriptor(ByDescriptor),
}

impl Attach {
    /// Whether the jail belongs to a model.
    pub(crate) fn is_outside(&self) -> bool {
        match self {
            #[cfg(feature = "sim")]
            Self::Outside(_) => true,
            Self::Jid(_) | Self::Descriptor(_) => false,
        }
    }
}

/// Identifies a descriptor of a model by its number and its fstat(2) data.
#[cfg(feature = "sim")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    descriptor: c_int,
    file: Stat,
}

#[cfg(feature = "sim")]
impl Identity {
    pub(crate) fn of(descriptor: BorrowedFd<'_>) -> Result<Self, Errno> {
        let descriptor = descriptor.as_raw_fd();
        Ok(Self { descriptor, file: fd::host_fstat(descriptor)? })
    }

    /// Checks the descriptor, as [`ByDescriptor::check`] does.
    fn check(&self) -> Result<(), Errno> {
        if fd::host_fstat(self.descriptor) == Ok(self.file) { Ok(()) } else { Err(Errno(libc::EBADF)) }
    }
}

/// A caller's closure that runs in the child. The caller has promised that it is async-signal-safe.
pub(crate) type Closure = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

/// The caller's closures, in the order in which they run.
#[derive(Default)]
pub(crate) struct Closures(pub(crate) Vec<Closure>);

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} closures", self.0.len())
    }
}

/// The steps of the child, prepared before the fork.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) session: Session,
    /// The routing table.
    pub(crate) fib: Option<c_int>,
    pub(crate) attach: Attach,
    pub(crate) directory: Option<CString>,
    pub(crate) umask: Option<mode_t>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) groups: Option<Vec<gid_t>>,
    pub(crate) gid: Option<gid_t>,
    pub(crate) uid: Option<uid_t>,
    /// Refuses to attach unless this is still the effective user.
    pub(crate) only_as: Option<uid_t>,
    /// Runs after all of the above.
    pub(crate) closures: Closures,
    /// Whether the program must not inherit jail descriptors.
    pub(crate) withhold: bool,
    /// The process that made the plan. If that process executes the program itself, it keeps its directories and signal
    /// handlers, because it goes on using them if it fails.
    pub(crate) planner: u32,
    /// Where the child reports its stage and error.
    pub(crate) report: Option<Report>,
    /// The program that the child executes by itself, and what it waits for first.
    pub(crate) hold: Option<Hold>,
    /// The model's process that has attached to the jail in the child's place.
    #[cfg(feature = "sim")]
    pub(crate) inmate: Option<super::model::Inmate>,
    /// Where the children of a command that other code starts tell the model of them.
    #[cfg(feature = "sim")]
    pub(crate) register: Option<Arc<Report>>,
}

impl Plan {
    /// Returns the plan of a child of this process that attaches to the jail and does nothing else.
    pub(crate) fn new(attach: Attach) -> Self {
        Self {
            session: Session::Same,
            fib: None,
            attach,
            directory: None,
            umask: None,
            limits: Vec::new(),
            groups: None,
            gid: None,
            uid: None,
            only_as: None,
            closures: Closures::default(),
            withhold: false,
            planner: std::process::id(),
            report: None,
            hold: None,
            #[cfg(feature = "sim")]
            inmate: None,
            #[cfg(feature = "sim")]
            register: None,
        }
    }

    /// Notes in the parent that the program has been started.
    #[cfg_attr(not(feature = "sim"), allow(clippy::unused_self, reason = "a kernel knows"))]
    pub(crate) fn started(&mut self, pid: u32) {
        #[cfg(feature = "sim")]
        if let Some(inmate) = &mut self.inmate {
            inmate.started(pid);
        }
        #[cfg(not(feature = "sim"))]
        let _ = pid;
    }

    /// Takes all steps, in an order in which each is still permitted. Does not return if the program is held.
    pub(super) fn carry_out(&mut self) -> Result<(), Errno> {
        let result = self.steps();
        if let (Some(report), Err(errno)) = (&self.report, result) {
            report.fail(errno);
        }
        result
    }

    fn steps(&mut self) -> Result<(), Errno> {
        let forked = std::process::id() != self.planner;
        if forked {
            reset_handlers();
        }
        if self.only_as.is_some_and(|uid| uid != effective_uid()) {
            return Err(Errno(libc::EPERM));
        }
        match self.session {
            Session::Same => {}
            Session::New | Session::Terminal => {
                self.reach(Step::Setsid);
                // SAFETY: takes nothing and touches no memory.
                check(unsafe { libc::setsid() })?;
            }
            Session::Group(group) => {
                self.reach(Step::Setpgid);
                // SAFETY: takes numbers and touches no memory.
                check(unsafe { libc::setpgid(0, group) })?;
            }
        }
        if self.session == Session::Terminal {
            self.reach(Step::Terminal);
            set_controlling_terminal()?;
        }
        if let Some(fib) = self.fib {
            self.reach(Step::Fib);
            set_fib(fib)?;
        }
        self.attach(forked)?;
        if let Some(directory) = &self.directory {
            self.reach(Step::Chdir);
            // SAFETY: a string that ends in NUL, ours, and only read.
            check(unsafe { libc::chdir(directory.as_ptr()) })?;
        }
        if let Some(umask) = self.umask {
            // SAFETY: takes a number, touches no memory and cannot fail.
            unsafe { libc::umask(umask) };
        }
        for limit in &self.limits {
            self.reach(Step::Limit);
            set_limit(*limit)?;
        }
        // Each step removes a privilege that the ones before it need.
        if let Some(groups) = &self.groups {
            self.reach(Step::Setgroups);
            #[allow(
                clippy::useless_conversion,
                reason = "the count's type differs from one Unix to the next"
            )]
            let count = groups.len().try_into().map_err(|_| Errno(libc::EINVAL))?;
            // SAFETY: as many ids as `len` says, ours, and only read.
            check(unsafe { libc::setgroups(count, groups.as_ptr()) })?;
        }
        if let Some(gid) = self.gid {
            self.reach(Step::Setgid);
            // SAFETY: takes a number and touches no memory.
            check(unsafe { libc::setgid(gid) })?;
        }
        if let Some(uid) = self.uid {
            self.reach(Step::Setuid);
            // SAFETY: takes a number and touches no memory.
            check(unsafe { libc::setuid(uid) })?;
        }
        if !self.closures.0.is_empty() {
            self.reach(Step::Closure);
        }
        for closure in &mut self.closures.0 {
            // As in std, an error without an errno is EINVAL.
            closure().map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EINVAL)))?;
        }
        if self.withhold {
            inherit::withhold_jail_descriptors();
        }
        self.reach(Step::Exec);
        match &mut self.hold {
            Some(hold) => hold.check().map(|()| hold.carry_out()),
            None => Ok(()),
        }
    }

    fn reach(&self, step: Step) {
        if let Some(report) = &self.report {
            report.reach(step);
        }
    }

    fn attach(&self, forked: bool) -> Result<(), Errno> {
        if forked {
            forbid_tracing();
        }
        let result = self.try_to_attach();
        if result != Err(Errno(libc::EPERM)) {
            return result;
        }
        if forked {
            // SAFETY: this process was forked to execute a program, or to exit when it cannot. Its descriptors are
            // copies; the only one that std uses here is a pipe, which is not a directory.
            let replaced = unsafe { directories::replace_directories() };
            if replaced {
                let again = self.try_to_attach();
                if again != Err(Errno(libc::EPERM)) {
                    return again;
                }
            }
        }
        if let (Some(report), Some(fd)) = (&self.report, directories::first_directory()) {
            report.obstructed(fd);
        }
        result
    }

    fn try_to_attach(&self) -> Result<(), Errno> {
        match &self.attach {
            #[cfg(feature = "sim")]
            Attach::Outside(descriptor) => {
                if let Some(descriptor) = descriptor {
                    self.reach(Step::Check);
                    descriptor.check()?;
                }
                self.reach(Step::Attach);
                // SAFETY: a string that ends in NUL, and only read.
                check(unsafe { libc::chdir(c"/".as_ptr()) })?;
                if let Some(register) = &self.register {
                    register.sign_in();
                }
                Ok(())
            }
            Attach::Jid(jid) => {
                self.reach(Step::Attach);
                System::jail_attach_unlocked(*jid)
            }
            Attach::Descriptor(by_descriptor) => {
                self.reach(Step::Check);
                by_descriptor.check()?;
                let mut errmsg = [0; 1024];
                let result = self.attach_by(by_descriptor, &mut errmsg);
                if let (Some(report), Err(_)) = (&self.report, result) {
                    report.say(&errmsg);
                }
                result
            }
        }
    }

    fn attach_by(&self, by_descriptor: &ByDescriptor, errmsg: &mut Errmsg) -> Result<(), Errno> {
        self.reach(Step::Rules);
        let rules = by_descriptor.rules(errmsg)?;
        self.reach(Step::Attach);
        by_descriptor.attach(rules, errmsg)
    }
}

/// Turns -1 into the errno.
fn check(result: c_int) -> Result<(), Errno> {
    Errno::check(result).map(drop)
}

/// Returns the effective user. Async-signal-safe.
pub(crate) fn effective_uid() -> uid_t {
    // SAFETY: takes nothing, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

/// Returns the effective group. Async-signal-safe.
pub(crate) fn effective_gid() -> gid_t {
    // SAFETY: takes nothing, touches no memory and cannot fail.
    unsafe { libc::getegid() }
}

/// The highest signal number of all systems: FreeBSD's `_SIG_MAXSIG`.
const MAX_SIGNAL: c_int = 128;

/// Gives each signal that has a handler its default effect, as execve(2) will. Until then a signal, which the jail's
/// processes can send once this process has attached, would run the parent's handlers on a copy of its memory and on
/// descriptors that both share, such as the pipe by which a handler wakes the parent.
fn reset_handlers() {
    for signal in 1..=MAX_SIGNAL {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the kernel writes one structure, which is ours; it refuses numbers that are no signals, and libc
        // those that it needs for itself.
        if Errno::check(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) }).is_err() {
            continue;
        }
        // SAFETY: it was zeroed, which is valid for its numbers and pointers, and then filled in.
        let action = unsafe { action.assume_init_mut() };
        if action.sa_sigaction == libc::SIG_DFL || action.sa_sigaction == libc::SIG_IGN {
            continue;
        }
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = 0;
        // SAFETY: the structure is ours and only read; no handler is installed.
        let _ = unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
    }
}

/// Keeps the jail's processes from tracing this one before it has executed its program: until then it has all of its
/// parent's memory, and the descriptors that execve(2) will close. The kernel lifts this at execve(2).
#[cfg(target_os = "freebsd")]
fn forbid_tracing() {
    let mut status: c_int = -1;
    // SAFETY: asks about this process; the kernel writes one int, which is ours.
    let asked = Errno::check(unsafe {
        libc::procctl(libc::P_PID, 0, libc::PROC_TRACE_STATUS, (&raw mut status).cast())
    });
    // Already traced, or never to be traced: neither is changed.
    if asked.is_err() || status != 0 {
        return;
    }
    let mut disable = libc::PROC_TRACE_CTL_DISABLE;
    // SAFETY: about this process; the kernel reads one int, which is ours.
    let _ = unsafe { libc::procctl(libc::P_PID, 0, libc::PROC_TRACE_CTL, (&raw mut disable).cast()) };
}

#[cfg(not(target_os = "freebsd"))]
fn forbid_tracing() {}

/// Makes a command's children carry out a plan. It is installed once, because std's closures cannot be removed.
#[derive(Debug)]
pub(crate) struct Hook(Arc<AtomicPtr<Plan>>);

/// Marks a command that permanently has another plan: no plan is at this address.
const RETIRED: *mut Plan = ptr::dangling_mut();

impl Hook {
    pub(crate) fn install(command: &mut Command) -> Self {
        let current = Arc::new(AtomicPtr::new(ptr::null_mut::<Plan>()));
        let theirs = Arc::clone(&current);
        let closure = move || -> io::Result<()> {
            let plan = theirs.load(Ordering::Acquire);
            if plan == RETIRED {
                return Ok(());
            }
            // SAFETY: `run` alone sets the pointer, to a plan that it borrows uniquely until it clears it. In
            // between this closure is its only user: in the child, which has a copy, or in the thread of `run`.
            let plan = unsafe { plan.as_mut() };
            let plan = plan.ok_or(Errno(libc::EINVAL))?;
            Ok(plan.carry_out()?)
        };
        // SAFETY: the closure makes system calls and computes; it allocates nothing, takes no lock and logs
        // nothing, and closes descriptors only where nobody uses them.
        unsafe { command.pre_exec(closure) };
        Self(current)
    }

    /// Makes the command's children do nothing here from now on, because another plan has been installed permanently.
    pub(crate) fn retire(self) {
        self.0.store(RETIRED, Ordering::Release);
    }

    /// Makes the command's children carry out this plan while `act` runs.
    pub(crate) fn run<R>(&self, plan: &mut Plan, act: impl FnOnce() -> R) -> R {
        struct Clear<'h>(&'h AtomicPtr<Plan>);
        impl Drop for Clear<'_> {
            fn drop(&mut self) {
                self.0.store(ptr::null_mut(), Ordering::Release);
            }
        }
        self.0.store(plan, Ordering::Release);
        let _clear = Clear(&self.0);
        act()
    }
}

/// Makes all later children of a command carry out this plan, after what has been registered before. `keep` lives as
/// long as the command.
pub(crate) fn hook_for_good<K: Send + Sync + 'static>(command: &mut Command, mut plan: Plan, keep: K) {
    // std alone knows when it starts a program, and how often.
    #[cfg(feature = "sim")]
    if let Some(inmate) = plan.inmate.take() {
        plan.register = super::model::leave_register(inmate);
    }
    let closure = move || -> io::Result<()> {
        let _ = &keep;
        // The planner itself, which attaches and is then replaced by the program. It must not wait here: std holds a
        // lock, for which a thread that starts a program may be waiting.
        let _attaching = if std::process::id() == plan.planner {
            Some(lock::try_attaching().ok_or(Errno(libc::EAGAIN))?)
        } else {
            None
        };
        Ok(plan.carry_out()?)
    };
    // SAFETY: as for `Hook::install`.
    unsafe { command.pre_exec(closure) };
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::{Jail, sim};

    #[test]
    fn a_hook_has_no_plan_after_a_run() {
        let mut command = Command::new("/nonexistent");
        let hook = Hook::install(&mut command);
        hook.run(&mut Plan::new(Attach::Outside(None)), || ());
        let error = command.spawn().expect_err("no plan");
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn the_child_attaches_by_descriptor() {
        let kernel = sim::Kernel::new();
        let _guard = kernel.install();
        let jail = Jail::builder().path("/").create().expect("created");
        let descriptor = jail.descriptor().expect("a descriptor");
        let by_descriptor = ByDescriptor::new(System::current(), descriptor, jail.jid().get());
        let plan = Plan::new(Attach::Outside(None));
        let child = kernel.process().fork();
        let mut errmsg = [0; 1024];
        assert_eq!(child.run(|| plan.attach_by(&by_descriptor, &mut errmsg)), Ok(()));
        assert_eq!(child.jid(), jail.jid().get());
        child.exit();
    }
}
