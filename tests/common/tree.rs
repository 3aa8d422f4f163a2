//! A directory tree for a jail's root, with a few programs of the host.

use std::fs;
use std::path::{Path, PathBuf};

/// A tree, removed when it is dropped.
pub struct Tree(PathBuf);

impl Tree {
    /// Makes a tree with these programs, their libraries, and an empty `/tmp`.
    pub fn with(programs: &[&str]) -> Self {
        let root = std::env::temp_dir().join(super::name("tree"));
        let tree = Self(root);
        tree.directory("/tmp");
        for program in programs {
            tree.copy(Path::new(program));
        }
        tree.copy(Path::new("/libexec/ld-elf.so.1"));
        for library in fs::read_dir("/lib").expect("/lib").map(|entry| entry.expect("an entry").path()) {
            if library.is_file() && library.to_string_lossy().contains(".so") {
                tree.copy(&library);
            }
        }
        tree
    }

    /// The tree's root.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a directory in it.
    pub fn directory(&self, path: &str) {
        fs::create_dir_all(self.inside(Path::new(path))).expect("made");
    }

    /// Writes a file in it.
    pub fn file(&self, path: &str, text: &str) {
        fs::write(self.inside(Path::new(path)), text).expect("written");
    }

    fn copy(&self, file: &Path) {
        let to = self.inside(file);
        fs::create_dir_all(to.parent().expect("not the root")).expect("made");
        fs::copy(file, to).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
