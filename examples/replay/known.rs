//! Differences that are accepted, each with its reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Accepted differences by transcript and line.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeMap<(PathBuf, usize), String>);

impl Known {
    /// Adds those of a file: a line `TRANSCRIPT:LINE REASON` for each, comments behind `#`.
    pub(crate) fn read(&mut self, path: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (place, reason) =
                parse(line).ok_or_else(|| format!("{}: not understood: {line}", path.display()))?;
            self.0.insert(place, reason);
        }
        Ok(())
    }

    /// Why a difference is accepted, if it is.
    pub(crate) fn reason(&self, file: &Path, line: usize) -> Option<&str> {
        let known = self.0.iter().find(|((name, at), _)| *at == line && file.ends_with(name))?;
        Some(known.1)
    }
}

/// Reads a line: the transcript with its folder, the line's number, and the reason.
fn parse(line: &str) -> Option<((PathBuf, usize), String)> {
    let (place, reason) = line.split_once(char::is_whitespace)?;
    let (name, number) = place.rsplit_once(':')?;
    Some(((name.into(), number.parse().ok()?), reason.trim().to_owned()))
}
