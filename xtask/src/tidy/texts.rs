//! Words that must not stand in any file of the repository, and texts that stand in one place only.
//!
//! Hosts of package registries: a build takes packages through the ordinary clients, by name, so
//! that a mirror works. Paths of the machine a file was written on: nobody else has them. The words
//! are put together from pieces here, because this file is checked too.

use super::Source;
use crate::workspace;

/// Crates whose errors all stand in the files of one.
const COMMAND_CRATES: &[&str] = &["crates/command/src/", "crates/commands/src/", "crates/dispatch/src/"];
/// Those files; and where tests play the process around the commands.
const ERROR_FILES: &[&str] =
    &["crates/command/src/error.rs", "crates/command/src/error/stream.rs", "crates/dispatch/src/testing/mod.rs"];

/// Texts of error replies anywhere but in their file, tests excepted.
pub fn check_errors(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let is_command = COMMAND_CRATES.iter().any(|folder| source.path.starts_with(folder));
        if !is_command || ERROR_FILES.contains(&source.path.as_str()) {
            continue;
        }
        let end = source.tests_start().unwrap_or(source.text.len());
        for (index, line) in source.text[..end].lines().enumerate() {
            if line.contains("\"ERR ") && !line.trim_start().starts_with("//") {
                findings.push(format!("{}:{}: the texts of errors stand in error.rs", source.path, index + 1));
            }
        }
    }
    findings
}

/// Crates of handlers, and what is the business of those who call handlers.
const HANDLER_CRATES: &[&str] = &["crates/commands/src/"];
const CALLERS_ONLY: &[&str] = &["Commit", "effects()"];

/// Handlers that begin and end commands themselves, or reach into the effects.
pub fn check_handlers(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| HANDLER_CRATES.iter().any(|folder| source.path.starts_with(folder))) {
        for word in CALLERS_ONLY {
            if let Some(offset) =
                source.code.find(&format!("engine::{word}")).or_else(|| source.code.find(&format!(".{word}")))
            {
                findings.push(format!(
                    "{}:{}: {word} is for the path of commands, not for handlers",
                    source.path,
                    source.line_of(offset)
                ));
            }
        }
    }
    findings
}

/// Paths of the repository that a document names and that do not exist. A path is a word in backquotes that begins with
/// one of the folders at the top.
pub fn check_paths(files: &[String]) -> Result<Vec<String>, String> {
    let tops: std::collections::BTreeSet<&str> =
        files.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".md")) {
        let text = std::fs::read_to_string(workspace::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        for (index, line) in text.lines().enumerate() {
            for word in line.split('`').skip(1).step_by(2).chain(linked(line)) {
                let is_path = word.split_once('/').is_some_and(|(top, _)| tops.contains(top));
                let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
                let word = word.trim_end_matches('/');
                let known = || {
                    files
                        .iter()
                        .any(|file| file == word || file.strip_prefix(word).is_some_and(|rest| rest.starts_with('/')))
                };
                if is_path && is_plain && !known() {
                    findings.push(format!("{path}:{}: there is no {word}", index + 1));
                }
            }
        }
    }
    Ok(findings)
}

/// Where the links of a line lead.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

const FORBIDDEN: &[&str] = &[
    concat!("registry.npm", "js.org"),
    concat!("py", "pi.org"),
    concat!("pythonhosted", ".org"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("proxy.go", "lang.org"),
    concat!("ruby", "gems.org"),
    concat!("/work", "/"),
    concat!("shared", "/tools"),
    concat!("/root", "/"),
];

/// Written by cargo, and it has to name where packages come from.
const EXEMPT: &[&str] = &["Cargo.lock"];

pub fn check(files: &[String]) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| !EXEMPT.contains(&path.as_str())) {
        let bytes = std::fs::read(workspace::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        // What is not text (an image, a captured dump) is none of our business.
        if let Ok(text) = String::from_utf8(bytes) {
            findings.extend(check_text(path, &text));
        }
    }
    Ok(findings)
}

fn check_text(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in FORBIDDEN.iter().filter(|word| line.contains(**word)) {
            findings.push(format!("{path}:{}: \"{word}\" must not be named", index + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let text = format!("fine\nsee https://{}/x\n", FORBIDDEN[0]);
        let found = check_text("a.md", &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.md:2: "), "{found:?}");
    }

    #[test]
    fn an_error_text_is_found_outside_its_file_and_tests() {
        let text = "fn f() {}\nlet error = \"ERR no\";\n// \"ERR as said\"\n#[cfg(test)]\nmod tests {\n\"ERR no\"\n}\n";
        let found = check_errors(
            &["crates/commands/src/a.rs", ERROR_FILES[0], "crates/net/src/a.rs"].map(|path| Source::new(path, text)),
        );
        assert_eq!(found, ["crates/commands/src/a.rs:2: the texts of errors stand in error.rs"]);
    }
}
