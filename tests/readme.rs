//! The program in the README is the one on the documentation's front page, which runs as a test.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// The code of the lines, without comments, hidden lines and what is not code.
fn code<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    lines
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code).trim())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_readme_s_program_is_the_front_page_s() {
    let page = include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//! "));
    let page = code(page);
    assert_eq!(code(include_str!("../README.md").lines()), page);
    assert!(page.len() > 10, "{page:?}");
}
