//! Rules about one Rust file: its head, its length, `unsafe`, and what must not be left in it.

use super::Source;
use crate::workspace;

const LINES_MAX: usize = 1_500;
const LINES_MAX_COMMANDS: usize = 800;
/// Columns of a line of comment; those of code are the formatter's business.
const COLUMNS_MAX: usize = 120;

/// Where `unsafe` may be at all; the list names the files.
const UNSAFE_FOLDERS: &[&str] =
    &["crates/structures/", "crates/net/", "crates/lua/src/raw/", "crates/base/src/alloc", "crates/server/src/alloc"];
const UNSAFE_LIST: &str = "xtask/src/tidy/unsafe_files.txt";

/// The files in which `unsafe` is allowed.
pub fn unsafe_files() -> Result<Vec<String>, String> {
    let path = workspace::root().join(UNSAFE_LIST);
    let text = std::fs::read_to_string(path).map_err(|error| format!("{UNSAFE_LIST}: {error}"))?;
    let lines = text.lines().map(str::trim);
    Ok(lines.filter(|l| !l.is_empty() && !l.starts_with('#')).map(String::from).collect())
}

pub fn check(sources: &[Source], unsafe_files: &[String]) -> Vec<String> {
    let mut findings: Vec<String> = sources.iter().flat_map(|source| check_file(source, unsafe_files)).collect();
    for file in unsafe_files {
        let used = sources.iter().any(|s| s.path == *file && keyword(&s.code, "unsafe").is_some());
        if !used {
            findings.push(format!("{UNSAFE_LIST}: {file} has no unsafe any more, remove it"));
        }
        if !UNSAFE_FOLDERS.iter().any(|folder| file.starts_with(folder)) {
            findings.push(format!("{UNSAFE_LIST}: {file} lies where unsafe is not allowed"));
        }
    }
    findings
}

fn check_file(source: &Source, unsafe_files: &[String]) -> Vec<String> {
    let Source { path, text, code } = source;
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(format!("{path}:1: a file opens with //! (what, why, invariants, limits)"));
    }
    let limit = if path.starts_with("crates/commands/") { LINES_MAX_COMMANDS } else { LINES_MAX };
    let lines = text.lines().count();
    if lines > limit {
        findings.push(format!("{path}: {lines} lines, the limit is {limit}"));
    }
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") && line.chars().count() > COLUMNS_MAX {
            findings.push(format!("{path}:{}: a comment passes {COLUMNS_MAX} columns", index + 1));
        }
    }
    let mut forbid = |offset: Option<usize>, what: &str| {
        if let Some(offset) = offset {
            findings.push(format!("{path}:{}: {what}", source.line_of(offset)));
        }
    };
    if !unsafe_files.contains(path) {
        forbid(keyword(code, "unsafe"), "unsafe in a file that the list of tidy does not name");
    }
    forbid(code.find("#[ignore"), "an ignored test: fix or remove it");
    forbid(code.find("todo!("), "todo! left behind");
    forbid(code.find("unimplemented!("), "unimplemented! left behind");
    if let Some(start) = source.tests_start() {
        let sleep = code[start..].find("thread::sleep").map(|at| start + at);
        forbid(sleep, "a test sleeps: wait for the condition instead");
    }
    findings
}

/// The first place of a whole word in code.
fn keyword(code: &str, word: &str) -> Option<usize> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    code.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = at.checked_sub(1).and_then(|before| code.as_bytes().get(before));
        !is_word(before) && !is_word(code.as_bytes().get(at + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)], &[])
    }

    #[test]
    fn each_rule_finds_its_case_and_spares_comments_and_literals() {
        let rest = "// unsafe todo!(\nconst A: &str = \"unimplemented!( #[ignore\";\n";
        assert_eq!(findings("a.rs", &format!("//! Unsafe.\n{rest}")), Vec::<String>::new());
        for (text, line) in [
            ("fn a() {}\n", 1),
            ("//! A\nfn a() { unsafe {} }\n", 2),
            ("//! A\n\n#[ignore]\n", 3),
            ("//! A\nfn a() { todo!() }\n", 2),
            ("//! A\n#[cfg(test)]\nmod tests {\n    std::thread::sleep(x);\n", 4),
        ] {
            let found = findings("a.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!("a.rs:{line}: ")), "{found:?}");
        }
    }

    #[test]
    fn a_word_that_contains_the_keyword_is_not_the_keyword() {
        assert_eq!(findings("a.rs", "//! A\n#![forbid(unsafe_code)]\n"), Vec::<String>::new());
    }

    #[test]
    fn commands_have_a_lower_limit_of_lines() {
        let text = format!("//! A\n{}", "\n".repeat(900));
        assert_eq!(findings("crates/engine/src/a.rs", &text).len(), 0);
        assert_eq!(findings("crates/commands/src/a.rs", &text).len(), 1);
    }

    #[test]
    fn the_list_of_unsafe_files_holds_no_others() {
        let file = Source::new("crates/net/src/a.rs", "//! A\nfn a() { unsafe {} }\n");
        let list = |path: &str| vec![path.to_string()];
        assert_eq!(check(&[file], &list("crates/net/src/a.rs")), Vec::<String>::new());
        assert_eq!(check(&[], &list("crates/net/src/gone.rs")).len(), 1);
        assert_eq!(check(&[], &list("crates/engine/src/gone.rs")).len(), 2);
    }
}
