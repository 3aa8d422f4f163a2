//! The environment of a program.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::JailCommand;
use crate::error::Result;
use crate::sys::login_class::LoginClass;
use crate::sys::user::Account;

/// A variable.
pub(super) type Variable = (OsString, OsString);

/// The default `PATH` of a program.
const PATH: &str = "/bin:/usr/bin";

/// # A clean environment
impl JailCommand<'_> {
    /// Replaces this process's environment by that of a login, as `jexec -l` and `exec.clean` of [jail(8)] do.
    ///
    /// - `HOME`, `SHELL` and `USER` are those of the [user](Self::user), from the **host's** database; without one,
    ///   those of this process's user. A [uid](Self::uid) without an account on the host gets `/`, `/bin/sh` and no
    ///   `USER`.
    /// - `TERM` is this process's.
    /// - `PATH` is `/bin:/usr/bin`.
    /// - The variables of the user's login class come from the host's `/etc/login.conf`: `PATH`, `MANPATH`, `LANG`,
    ///   `MM_CHARSET`, `MAIL`, `TZ` and the list `setenv`; see [login.conf(5)]. Off FreeBSD there are no login classes,
    ///   and none of this is set. The class's resource limits are not applied: see [`limit`](Self::limit).
    ///
    /// As with [`env_clear`](Self::env_clear), variables set before are lost; those set after take precedence. The user
    /// is looked up when a program is started. The working directory is not changed.
    ///
    /// ```
    /// # use freebsd_jail::{Jail, sim};
    /// # fn main() -> freebsd_jail::Result<()> {
    /// # let kernel = sim::Kernel::new();
    /// # let _guard = kernel.install();
    /// # kernel.allow_exec(true);
    /// let jail = Jail::builder().path("/").create()?;
    /// let output = jail.command("/usr/bin/env").clean_env().env("LANG", "C").output()?;
    /// let environment = String::from_utf8_lossy(&output.stdout);
    /// assert!(environment.contains("HOME=/") && environment.contains("LANG=C"));
    /// assert!(!environment.contains("CARGO"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [jail(8)]: https://man.freebsd.org/cgi/man.cgi?query=jail&sektion=8
    /// [login.conf(5)]: https://man.freebsd.org/cgi/man.cgi?query=login.conf&sektion=5
    #[doc(alias = "exec.clean")]
    pub fn clean_env(&mut self) -> &mut Self {
        self.inner.env_clear();
        self.cleared = true;
        self.clean = true;
        self
    }

    /// Runs `act` while the inner command has the variables of a clean environment that the caller has not set.
    pub(super) fn with_clean_env<R>(&mut self, act: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let variables = self.login_environment()?;
        self.inner.envs(variables.iter().map(|(name, value)| (name, value)));
        let result = act(self);
        for (name, _) in &variables {
            // The command's environment is cleared, so that none of these variables remain.
            self.inner.env_remove(name);
        }
        result
    }

    /// Returns the variables of a login that the caller has not set, or none if the environment is not clean.
    pub(super) fn login_environment(&self) -> Result<Vec<Variable>> {
        if !self.clean {
            return Ok(Vec::new());
        }
        let mut variables = login(self.wishes.account()?.as_ref());
        variables.retain(|(name, _)| !self.inner.get_envs().any(|(set, _)| set == name));
        Ok(variables)
    }

    /// Returns all variables of the program.
    pub(super) fn environment(&self) -> Vec<Variable> {
        let mut variables: Vec<Variable> = if self.cleared { Vec::new() } else { env::vars_os().collect() };
        for (name, value) in self.inner.get_envs() {
            set(&mut variables, name, value);
        }
        variables
    }
}

fn set(variables: &mut Vec<Variable>, name: &OsStr, value: Option<&OsStr>) {
    variables.retain(|(other, _)| other != name);
    variables.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

/// The environment of a login.
fn login(account: Option<&Account>) -> Vec<Variable> {
    let text = |text: &CString| OsString::from_vec(text.as_bytes().to_vec());
    let mut variables = vec![("PATH".into(), PATH.into())];
    variables.extend(env::var_os("TERM").map(|term| ("TERM".into(), term)));
    let Some(account) = account else {
        variables.extend([("HOME".into(), "/".into()), ("SHELL".into(), "/bin/sh".into())]);
        return variables;
    };
    let root: &[_] = if account.uid == 0 { &[c"root"] } else { &[] };
    // As login_getpwclass(3): root has a class of its own, unless its account names another.
    let own = Some(account.class.as_c_str()).filter(|class| !class.is_empty());
    let own: &[_] = own.as_ref().map_or(root, std::slice::from_ref);
    if let Some(class) = LoginClass::find(&[own, &[c"default"]].concat()) {
        of_class(&mut variables, &class, account);
    }
    set(&mut variables, "USER".as_ref(), Some(&text(&account.name)));
    set(&mut variables, "HOME".as_ref(), Some(&text(&account.home)));
    let shell = if account.shell.is_empty() { "/bin/sh".into() } else { text(&account.shell) };
    set(&mut variables, "SHELL".as_ref(), Some(&shell));
    variables
}

/// Adds the variables of a login class, as `setclassenvironment` of libutil does.
fn of_class(variables: &mut Vec<Variable>, class: &LoginClass, account: &Account) {
    let paths = [(c"path", "PATH"), (c"cdpath", "CDPATH"), (c"manpath", "MANPATH")];
    for (capability, name) in paths {
        if let Some(mut list) = class.text(capability) {
            list.iter_mut().filter(|byte| b", \t".contains(byte)).for_each(|byte| *byte = b':');
            set(variables, name.as_ref(), Some(&substitute(&list, account)));
        }
    }
    let others = [
        (c"lang", "LANG"),
        (c"charset", "MM_CHARSET"),
        (c"mail", "MAIL"),
        (c"timezone", "TZ"),
        (c"term", "TERM"),
    ];
    for (capability, name) in others {
        let kept = name == "TERM" && variables.iter().any(|(set, _)| set == name);
        if let Some(text) = class.text(capability).filter(|_| !kept) {
            set(variables, name.as_ref(), Some(&substitute(&text, account)));
        }
    }
    for entry in class.text(c"setenv").map(|list| split(&list)).unwrap_or_default() {
        let Some(at) = entry.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) else { continue };
        let (name, value) = entry.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        set(variables, OsStr::from_bytes(name.trim_ascii_start()), Some(&substitute(value, account)));
    }
}

/// Splits a list at commas that are not in quotes, which are left out.
fn split(list: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = vec![Vec::new()];
    let mut quote = None;
    for byte in list {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(mark), byte) if mark == *byte => quote = None,
            (None, b',') => entries.push(Vec::new()),
            _ => entries.last_mut().into_iter().for_each(|entry| entry.push(*byte)),
        }
    }
    entries
}

/// Replaces `~` by the user's home and `$` by the name, unless preceded by a backslash.
fn substitute(text: &[u8], account: &Account) -> OsString {
    let home = account.home.as_bytes();
    let mut result: Vec<u8> = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'~' | b'$' if result.last() == Some(&b'\\') => {
                result.pop();
                result.push(byte);
            }
            b'~' => {
                result.extend(home);
                if !home.ends_with(b"/") && bytes.peek() != Some(&b'/') {
                    result.push(b'/');
                }
            }
            b'$' => result.extend(account.name.as_bytes()),
            _ => result.push(byte),
        }
    }
    OsString::from_vec(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            uid: 1001,
            gid: 1001,
            groups: vec![1001],
            name: c"joe".to_owned(),
            home: c"/users/joe".to_owned(),
            shell: c"".to_owned(),
            class: c"".to_owned(),
        }
    }

    #[test]
    fn a_tilde_is_the_home_directory_and_a_dollar_the_name() {
        let account = account();
        assert_eq!(substitute(b"~/bin:/mail/$:\\~:\\$", &account), "/users/joe/bin:/mail/joe:~:$");
        assert_eq!(substitute(b"~bin", &account), "/users/joe/bin");
    }

    #[test]
    fn a_list_is_split_at_commas_outside_of_quotes() {
        assert_eq!(split(b"A=1,B=\"x,y\",C='z'"), [b"A=1".to_vec(), b"B=x,y".to_vec(), b"C=z".to_vec()]);
    }

    #[test]
    fn a_login_has_the_account_s_home_shell_and_name() {
        let variables = login(Some(&account()));
        let value =
            |name: &str| variables.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone());
        assert_eq!(value("HOME"), Some("/users/joe".into()));
        assert_eq!(value("SHELL"), Some("/bin/sh".into()));
        assert_eq!(value("USER"), Some("joe".into()));
        assert!(value("PATH").is_some());
        assert!(!login(None).iter().any(|(name, _)| name == "USER"));
    }
}
