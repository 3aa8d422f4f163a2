//! What is looked up, checked and allocated before fork(2).

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::limits::{self, Resource};
#[cfg(feature = "sim")]
use crate::error::Stage;
use crate::error::{Call, Error, ErrorKind, Result};
use crate::jail::Jail;
use crate::sys::attach::ByDescriptor;
#[cfg(feature = "sim")]
use crate::sys::child::Identity as DescriptorIdentity;
use crate::sys::child::{self, Attach, Closures, Limit, Plan, Session};
#[cfg(feature = "sim")]
use crate::sys::model::{Inmate, close_directories};
use crate::sys::report::Report;
use crate::sys::trap::Trap;
use crate::sys::user;

/// The user, group and directory of a program.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) user: Option<OsString>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) groups: Option<Vec<u32>>,
    pub(super) directory: Option<PathBuf>,
    pub(super) process_group: Option<i32>,
    pub(super) setsid: bool,
    pub(super) terminal: bool,
    pub(super) fib: Option<u32>,
    pub(super) umask: Option<u32>,
    pub(super) limits: Vec<(Resource, u64, u64)>,
    /// Moved to the plan while a program is started.
    pub(super) closures: Closures,
}

/// The user as ids.
struct Identity {
    uid: Option<u32>,
    gid: Option<u32>,
    /// With the group first, as kernels before FreeBSD 15 require.
    groups: Option<Vec<u32>>,
}

impl Wishes {
    /// Makes the plan of a child.
    pub(super) fn plan(&self, jail: &Jail) -> Result<Plan> {
        let identity = self.identity()?;
        let directory = match &self.directory {
            Some(directory) => {
                Some(c_string(directory.as_os_str(), "a working directory cannot contain NUL")?)
            }
            None => None,
        };
        let session = match (self.setsid || self.terminal, self.process_group) {
            (true, Some(_)) => {
                return Err(Error::refused(
                    ErrorKind::Conflict,
                    "`process_group` cannot be combined with `setsid` or `controlling_terminal`",
                ));
            }
            (true, None) if self.terminal => Session::Terminal,
            (true, None) => Session::New,
            (false, Some(group)) => Session::Group(group),
            (false, None) => Session::Same,
        };
        let limits = self.limits.iter().map(|(resource, soft, hard)| limits::limit(*resource, *soft, *hard));
        let limits = limits.collect::<Result<Vec<Limit>>>()?;
        let report = Report::new().map_err(|errno| {
            Error::os(
                Call::Mmap,
                errno,
                ErrorKind::ResourceExhausted,
                "mapping a page for the child's report",
            )
        })?;
        let umask = self.umask.map(limits::umask).transpose()?;
        let fib = self.fib.map(limits::fib).transpose()?;
        Ok(Plan {
            session,
            directory,
            umask,
            limits,
            groups: identity.groups,
            gid: identity.gid,
            uid: identity.uid,
            report: Some(report),
            ..attaching_with(jail, fib)?
        })
    }

    /// Returns the account of the program's user, `None` if the host has none for that uid.
    pub(super) fn account(&self) -> Result<Option<user::Account>> {
        match (&self.user, self.uid) {
            (Some(name), _) => look_up(name).map(Some),
            (None, uid) => user::account(user::Who::Uid(uid.unwrap_or_else(child::effective_uid)))
                .map_err(|errno| Error::os(Call::Getpwnam, errno, ErrorKind::Other, "looking up the user")),
        }
    }

    fn identity(&self) -> Result<Identity> {
        if let Some(name) = &self.user {
            if self.uid.is_some() {
                return Err(Error::refused(ErrorKind::Conflict, "`user` and `uid` cannot be combined"));
            }
            let account = look_up(name)?;
            let gid = self.gid.unwrap_or(account.gid);
            let groups = self.groups.as_deref().unwrap_or(&account.groups);
            return Ok(Identity {
                uid: Some(account.uid),
                gid: Some(gid),
                groups: Some(group_first(gid, groups)),
            });
        }
        if self.uid.is_some() && self.gid.is_none() {
            return Err(Error::refused(
                ErrorKind::InvalidRequest,
                format_args!(
                    "a user without a group would leave the program in group {}, this process's own: set the \
                     group too, or give the user by name",
                    child::effective_gid()
                ),
            ));
        }
        let groups = match (&self.groups, self.gid) {
            (Some(groups), gid) => Some(group_first(gid.unwrap_or_else(child::effective_gid), groups)),
            // When changing the group, drop this process's supplementary groups.
            (None, Some(gid)) => Some(group_first(gid, &[])),
            (None, None) => None,
        };
        Ok(Identity { uid: self.uid, gid: self.gid, groups })
    }
}

/// The plan of a child that attaches to the jail and does nothing else.
pub(super) fn attaching(jail: &Jail) -> Result<Plan> {
    attaching_with(jail, None)
}

/// The same, after the child has chosen a routing table.
fn attaching_with(jail: &Jail, fib: Option<i32>) -> Result<Plan> {
    #[cfg(feature = "sim")]
    let inmate = inmate(jail, fib)?;
    let mut plan = Plan {
        #[cfg(feature = "sim")]
        inmate,
        withhold: Trap::T45.is_there(&jail.system),
        ..Plan::new(attach_by(jail)?)
    };
    // The model has counted the process already.
    if !plan.attach.is_outside() {
        plan.fib = fib;
    }
    Ok(plan)
}

#[cfg_attr(
    not(feature = "sim"),
    allow(clippy::unnecessary_wraps, reason = "what identifies a model's descriptor is asked at once")
)]
fn attach_by(jail: &Jail) -> Result<Attach> {
    jail.check()?;
    #[cfg(feature = "sim")]
    if jail.system.as_model().is_some() {
        let descriptor = jail.descriptor().map(DescriptorIdentity::of).transpose();
        return descriptor.map(Attach::Outside).map_err(|errno| {
            Error::os(Call::Fstat, errno, ErrorKind::InvalidDescriptor, "").at(Stage::Attach)
        });
    }
    Ok(match jail.descriptor() {
        Some(descriptor) => {
            Attach::Descriptor(ByDescriptor::new(jail.system.clone(), descriptor, jail.jid().get()))
        }
        None => Attach::Jid(jail.jid().get()),
    })
}

/// Makes a forked process of the model attach to the jail: it returns the error that a real child would get, and stays
/// in the jail as long as the program runs.
#[cfg(feature = "sim")]
fn inmate(jail: &Jail, fib: Option<i32>) -> Result<Option<Inmate>> {
    jail.check()?;
    let Some(model) = jail.system.as_model() else { return Ok(None) };
    if !model.exec_allowed() {
        return Err(Error::refused(
            ErrorKind::Unsupported,
            "the model of the kernel runs no program: sim::Kernel::allow_exec(true) has it run them on the \
             host, where nothing confines them",
        ));
    }
    Ok(Some(Inmate::new(forked(jail, model, fib)?)))
}

/// Forks a process of the model that attaches to the jail.
#[cfg(feature = "sim")]
pub(super) fn forked(
    jail: &Jail,
    model: &crate::sim::Kernel,
    fib: Option<i32>,
) -> Result<crate::sim::Process> {
    jail.check()?;
    // As a real child would be forked (T43).
    let _starting = crate::sys::lock::starting();
    let child = model.process().fork();
    close_directories(&child);
    if let Some(fib) = fib {
        child.set_fib(fib.unsigned_abs());
    }
    match child.run(|| jail.attach_even_owned()) {
        Ok(()) => Ok(child),
        Err(error) => {
            child.exit();
            Err(error.at(Stage::Attach))
        }
    }
}

/// Looks up a user in the host's database.
fn look_up(name: &OsStr) -> Result<user::Account> {
    let c_name = c_string(name, "a user's name cannot contain NUL")?;
    match user::account(user::Who::Name(&c_name)) {
        Ok(Some(account)) => Ok(account),
        Ok(None) => Err(Error::refused(
            ErrorKind::InvalidValue,
            format_args!("the host has no user {:?}", name.to_string_lossy()),
        )),
        Err(errno) => Err(Error::os(Call::Getpwnam, errno, ErrorKind::Other, "looking up the user")),
    }
}

/// Puts the group before the others.
///
/// Kernels before FreeBSD 15 use the first of a list as the group itself, which a later setgid(2) replaces. Newer ones
/// do so for programs that were linked on an older system. So there it is listed twice, as getgrouplist(3) has always
/// done.
fn group_first(gid: u32, groups: &[u32]) -> Vec<u32> {
    let first = if cfg!(target_os = "freebsd") { vec![gid, gid] } else { vec![gid] };
    first.into_iter().chain(groups.iter().copied().filter(|group| *group != gid)).collect()
}

pub(super) fn c_string(text: &OsStr, reason: &'static str) -> Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| nul(text, reason))
}

/// The error of a string that contains NUL.
pub(super) fn nul(text: &OsStr, reason: &'static str) -> Error {
    Error::refused(ErrorKind::InvalidValue, reason).with_value(format_args!("{text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_comes_first() {
        let first: &[u32] = if cfg!(target_os = "freebsd") { &[5, 5] } else { &[5] };
        assert_eq!(group_first(5, &[1, 5, 2]), [first, &[1, 2]].concat());
        assert_eq!(group_first(5, &[]), first);
    }

    #[test]
    fn without_settings_the_user_stays_the_same() {
        let identity = Wishes::default().identity().expect("nothing to refuse");
        assert!(identity.uid.is_none() && identity.gid.is_none() && identity.groups.is_none());
    }

    #[test]
    fn another_user_gets_none_of_this_process_s_groups() {
        let wishes = Wishes { uid: Some(7), gid: Some(8), ..Wishes::default() };
        let identity = wishes.identity().expect("somebody");
        assert_eq!(identity.groups, Some(group_first(8, &[])));
    }
}
