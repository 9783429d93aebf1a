//! `cargo xtask tidy`: rules of style and architecture that a machine can check.
//!
//! Every rule that matters is one of these, because a rule nobody checks is a wish. Each file below
//! is one kind of rule; a rule returns its findings as lines `path:line: what`, and an empty list is
//! success.

mod directions;
mod files;
mod functions;
mod marks;
mod mask;
mod texts;

use crate::workspace;
use mask::mask;

/// A Rust file with what the rules look at.
pub struct Source {
    pub path: String,
    pub text: String,
    /// The text with comments and literals blanked, so that a rule sees code only.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into(), code: mask(text) }
    }

    /// The line, counted from 1, of a byte offset.
    pub fn line_of(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// Where the tests of the file begin, if it has any: everything in a test file.
    pub fn tests_start(&self) -> Option<usize> {
        if self.path.contains("/tests/") || self.path.ends_with("/tests.rs") {
            return Some(0);
        }
        self.code.find("#[cfg(test)]\nmod tests {")
    }
}

pub fn run(ratchet: bool) -> Result<(), String> {
    let files = workspace::files()?;
    let mut sources = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        let text = std::fs::read_to_string(workspace::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        sources.push(Source::new(path, &text));
    }
    let mut findings = directions::check(&workspace::packages()?);
    findings.extend(files::check(&sources, &files::unsafe_files()?));
    findings.extend(functions::check(&sources, ratchet)?);
    findings.extend(marks::check(&sources));
    findings.extend(texts::check(&files)?);
    findings.extend(texts::check_errors(&sources));
    findings.extend(texts::check_handlers(&sources));
    findings.extend(texts::check_paths(&files)?);
    if findings.is_empty() {
        println!("tidy: {} files, {} of them Rust: all rules hold", files.len(), sources.len());
        return Ok(());
    }
    for finding in &findings {
        println!("tidy: {finding}");
    }
    Err(format!("tidy: {} findings", findings.len()))
}
