//! Uses freebsd-jail as any other program does: from outside, without the model. It compiles on every Unix, and
//! anywhere but on FreeBSD each call says that it is unsupported.

#![forbid(unsafe_code)]

use std::ffi::OsString;

use freebsd_jail::{param, Jail, OwnedJail, Result};

/// Creates a jail.
pub fn create(name: &str, hostname: &str) -> Result<OwnedJail> {
    Jail::builder().name(name).path("/").hostname(hostname).create()
}

/// Reads a jail's host name.
pub fn hostname(name: &str) -> Result<OsString> {
    Jail::open(name)?.get(param::HOST_HOSTNAME)
}

/// Lists the names of all jails.
pub fn names() -> Result<Vec<OsString>> {
    Jail::all().get(param::NAME).collect()
}

#[cfg(all(test, not(target_os = "freebsd")))]
mod tests {
    use freebsd_jail::{ErrorKind, Jail, Jid};

    #[test]
    fn creating_is_unsupported() {
        let error = super::create("consumer", "consumer.example.org").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[test]
    fn creating_for_good_is_unsupported() {
        let error = Jail::builder().path("/").create_detached().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[test]
    fn opening_is_unsupported() {
        let error = super::hostname("consumer").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[test]
    fn listing_is_unsupported_and_not_an_empty_list() {
        let error = super::names().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let error = Jail::all().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[test]
    fn entering_and_removing_by_number_are_unsupported() {
        let jail = Jail::unpinned(Jid::new(1).unwrap());
        assert_eq!(jail.attach().unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(jail.remove().unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn an_io_error_says_so_too() {
        let error = std::io::Error::from(super::names().unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}");
    }
}
