//! The recordings of real kernels, replayed against the model.

#![cfg(feature = "sim")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../examples/replay/errno.rs"]
mod errno;
#[path = "../examples/replay/known.rs"]
mod known;
#[path = "../examples/replay/player.rs"]
mod player;
#[path = "../examples/replay/transcript.rs"]
mod transcript;

use std::path::{Path, PathBuf};

/// Returns the folder of the recordings. On another machine than the build's, an environment variable names it.
fn transcripts() -> PathBuf {
    std::env::var_os("FREEBSD_JAIL_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), Into::into)
        .join("transcripts")
}

/// Replays every recording of a release and returns their number.
fn replay(release: &str) -> usize {
    let folder = transcripts();
    let mut known = known::Known::default();
    known.read(&folder.join("known.txt")).expect("the list of known differences can be read");
    let files = std::fs::read_dir(folder.join(release)).expect("the release has recordings");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file has a name").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    if files.is_empty() {
        println!("skipped: the recordings are not part of the published crate");
    }
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let outcome = player::play(file).expect("the recording can be replayed");
        assert!(outcome.calls > 0, "{}: nothing was compared", file.display());
        for difference in outcome.differences {
            if known.reason(file, difference.line).is_none() {
                wrong.push(format!("{}:{difference}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    files.len()
}

#[test]
fn the_model_of_13_2_answers_as_recorded() {
    let count = replay("freebsd-13.2");
    assert!(count == 0 || count >= 18, "only {count} recordings");
}

#[test]
fn the_model_of_14_2_answers_as_recorded() {
    let count = replay("freebsd-14.2");
    assert!(count == 0 || count >= 18, "only {count} recordings");
}

#[test]
fn the_model_of_15_1_answers_as_recorded() {
    let count = replay("freebsd-15.1");
    assert!(count == 0 || count >= 20, "only {count} recordings");
}

#[test]
fn the_model_answers_as_kernels_with_modules_and_events_did() {
    let count = replay("recorded");
    assert!(count == 0 || count >= 3, "only {count} recordings");
}

/// Writes a transcript into a folder that does not name a release, and replays it.
fn replay_lines(name: &str, lines: &[&str]) -> Result<player::Outcome, String> {
    let file = std::env::temp_dir().join(format!("fj-{}-{name}.jsonl", std::process::id()));
    std::fs::write(&file, lines.join("\n")).expect("written");
    let outcome = player::play(&file);
    std::fs::remove_file(&file).expect("removed");
    outcome
}

#[test]
fn a_transcript_names_its_kernel_in_its_first_line() {
    let probe = r#"{"call":"jail_get","flags":16,"in":[["desc","i:-1"]],"ret":-1,"errno":"EBADF","out":[[4,"ffffffff"]]}"#;
    let named = r#"{"call":"sysctl","name":"kern.osrelease","ret":0,"errno":"","value":"31352e312d524500"}"#;
    let dated = r#"{"call":"sysctl","name":"kern.osreldate","ret":0,"errno":"","value":"f5e71600"}"#;
    let host = r#"{"call":"sysctl","name":"kern.hostname","ret":0,"errno":"","value":"626f7800"}"#;
    let kernel = r#"{"call":"kernel","release":"15.1-RE","osreldate":1501173,"hostname":"box"}"#;
    let outcome = replay_lines("15", &[kernel, probe, named, dated, host]).expect("replayed");
    assert_eq!(outcome.calls, 4);
    assert!(outcome.differences.is_empty(), "{:?}", outcome.differences);
    let older = r#"{"call":"kernel","release":"14.0-STABLE","osreldate":1400507,"hostname":"box"}"#;
    let outcome = replay_lines("14", &[older, probe]).expect("replayed");
    assert_eq!(outcome.differences.len(), 1, "14 has no descriptors");
    let error = replay_lines("none", &[probe]).expect_err("neither line nor folder");
    assert!(error.contains("does not tell the kernel"), "{error}");
}

#[test]
fn t16_a_transcript_with_a_call_that_hangs_a_kernel_is_refused() {
    let kernel = r#"{"call":"kernel","release":"15.1-RELEASE","osreldate":1501000,"hostname":"box"}"#;
    let hangs =
        r#"{"call":"jail_get","flags":0,"in":[["jid","i:1"],["meta.","0:8"]],"ret":1,"errno":"","out":[]}"#;
    let error = replay_lines("t16", &[kernel, hangs]).expect_err("it is not sent");
    assert!(error.contains(":2: ") && error.contains("T16"), "{error}");
}
