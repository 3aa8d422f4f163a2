//! The model's file system: which paths exist.

use std::collections::BTreeMap;

use crate::raw::Errno;

use super::flags::MAXPATHLEN;

/// The longest name in a directory: `NAME_MAX`.
const NAME_MAX: usize = 255;

/// The kind of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A directory.
    Directory,
    /// Anything else.
    File,
}

/// Which paths exist.
#[derive(Debug)]
pub(super) struct Files {
    /// The paths that were added, as the host sees them.
    known: BTreeMap<Vec<u8>, Kind>,
    /// Whether a path that was not added is a directory. Otherwise it does not exist.
    open: bool,
    /// The paths that were removed, with everything below them.
    gone: Vec<Vec<u8>>,
}

impl Default for Files {
    /// Every path is a directory, except `/nonexistent` with everything below it, and the file `/etc/passwd`.
    fn default() -> Self {
        Self { known: BTreeMap::from([(b"/etc/passwd".to_vec(), Kind::File)]), open: true, gone: Vec::new() }
    }
}

impl Files {
    /// Removes every path but the root directory. From then on only added paths exist.
    pub(super) fn close(&mut self) {
        self.known = BTreeMap::from([(b"/".to_vec(), Kind::Directory)]);
        self.open = false;
    }

    /// Adds a path and the directories that lead to it.
    pub(super) fn add(&mut self, path: &[u8], kind: Kind) {
        let mut walked = Vec::new();
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            walked.push(b'/');
            walked.extend_from_slice(name);
            self.known.entry(walked.clone()).or_insert(Kind::Directory);
        }
        if !walked.is_empty() {
            self.gone.retain(|gone| !is_at_or_below(gone, &walked));
            self.known.insert(walked, kind);
        }
    }

    /// Removes a path and everything below it.
    pub(super) fn remove(&mut self, path: &[u8]) {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        self.known.retain(|known, _| !is_at_or_below(path, known));
        self.gone.push(path.to_vec());
    }

    /// Returns the kind of a path, as the host sees it.
    pub(super) fn kind(&self, path: &[u8]) -> Option<Kind> {
        if let Some(kind) = self.known.get(path) {
            return Some(*kind);
        }
        let missing =
            is_at_or_below(b"/nonexistent", path) || self.gone.iter().any(|gone| is_at_or_below(gone, path));
        (self.open && !missing).then_some(Kind::Directory)
    }

    /// Resolves a path for a process with this root and working directory, and returns it as the host sees it: `namei`,
    /// and `vn_path_to_global_path`.
    pub(super) fn look_up(&self, root: &[u8], cwd: &[u8], path: &[u8]) -> Result<(Vec<u8>, Kind), Errno> {
        if path.is_empty() {
            return Err(Errno(libc::ENOENT));
        }
        if path.len() >= MAXPATHLEN {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        let start = if path.starts_with(b"/") { root } else { cwd };
        let mut at = start.to_vec();
        let mut kind = Kind::Directory;
        for name in path.split(|byte| *byte == b'/') {
            if name.is_empty() && at == start {
                continue;
            }
            if kind != Kind::Directory {
                return Err(Errno(libc::ENOTDIR));
            }
            match name {
                b"" | b"." => {}
                b".." if at == root => {}
                b".." => at = parent(&at),
                name if name.len() > NAME_MAX => return Err(Errno(libc::ENAMETOOLONG)),
                name => {
                    if at != b"/" {
                        at.push(b'/');
                    }
                    at.extend_from_slice(name);
                    kind = self.kind(&at).ok_or(Errno(libc::ENOENT))?;
                }
            }
        }
        if at.len() >= MAXPATHLEN {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        Ok((at, kind))
    }
}

/// Whether a path is another one or below it.
fn is_at_or_below(above: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

/// The directory that a path is in.
fn parent(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|byte| *byte == b'/') {
        None | Some(0) => b"/".to_vec(),
        Some(slash) => path.get(..slash).unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &Files, root: &str, cwd: &str, path: &str) -> Result<String, Errno> {
        let (path, _) = files.look_up(root.as_bytes(), cwd.as_bytes(), path.as_bytes())?;
        Ok(String::from_utf8_lossy(&path).into_owned())
    }

    #[test]
    fn paths_are_resolved_as_the_host_names_them() {
        let files = Files::default();
        assert_eq!(found(&files, "/", "/", "/tmp/../usr//jail/."), Ok("/usr/jail".into()));
        assert_eq!(found(&files, "/usr/jail", "/usr/jail/etc", "x"), Ok("/usr/jail/etc/x".into()));
        assert_eq!(found(&files, "/usr/jail", "/usr/jail", "/../../a"), Ok("/usr/jail/a".into()));
        assert_eq!(found(&files, "/", "/", "/nonexistent/x"), Err(Errno(libc::ENOENT)));
        assert_eq!(found(&files, "/", "/", "/etc/passwd/x"), Err(Errno(libc::ENOTDIR)));
        assert_eq!(found(&files, "/", "/", ""), Err(Errno(libc::ENOENT)));
    }

    #[test]
    fn a_removed_path_is_missing_until_it_is_added_again() {
        let mut files = Files::default();
        files.remove(b"/usr/jail");
        assert_eq!(found(&files, "/", "/", "/usr/jail/etc"), Err(Errno(libc::ENOENT)));
        assert_eq!(found(&files, "/", "/", "/usr/jails"), Ok("/usr/jails".into()));
        files.add(b"/usr/jail/etc", Kind::Directory);
        assert_eq!(found(&files, "/", "/", "/usr/jail/etc"), Ok("/usr/jail/etc".into()));
    }

    #[test]
    fn with_only_paths_nothing_else_exists() {
        let mut files = Files::default();
        files.close();
        files.add(b"/usr/jail", Kind::Directory);
        assert_eq!(found(&files, "/", "/", "/usr"), Ok("/usr".into()));
        assert_eq!(found(&files, "/", "/", "/tmp"), Err(Errno(libc::ENOENT)));
    }
}
