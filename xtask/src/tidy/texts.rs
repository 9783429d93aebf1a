//! Words that must not stand in any file of the repository.
//!
//! Hosts of package registries: a build takes packages through the ordinary clients, by name, so
//! that a mirror works. Paths of the machine a file was written on: nobody else has them. The words
//! are put together from pieces here, because this file is checked too.

use crate::workspace;

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
}
