//! Words that must not stand in any file of the repository, and texts that stand in one place only.
//!
//! Hosts of package registries: a build takes packages through the ordinary clients, by name, so
//! that a mirror works. Paths of the machine a file was written on: nobody else has them. The words
//! are put together from pieces here, because this file is checked too.

use super::Source;
use crate::workspace;

/// Crates whose errors all stand in one file.
const COMMAND_CRATES: &[&str] = &["crates/command/src/", "crates/commands/src/"];
/// That file; and where tests play the process around the commands.
const ERROR_FILES: &[&str] = &["crates/command/src/error.rs", "crates/command/src/testing.rs"];

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
