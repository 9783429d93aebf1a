//! The configuration file: `redis.conf`, the standard input, and the arguments of the program, which Redis
//! turns into more lines of it.
//!
//! A line is blank, a comment (`#` first), or a directive: a name and words, with the quotes of
//! `base::text::split_args`. `include` reads other files in place; its path may be a glob pattern. Errors name
//! the line and are printed in the form that Redis prints, for people search for it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::parse::{WRONG_NUMBER, os_text};
use crate::store::Options;
use crate::table::lookup;

/// Files may include files to this depth; one that includes itself is an error, not a crash.
const INCLUDE_DEPTH_MAX: usize = 16;
const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// Directives of earlier versions that had lost their effect by Redis 8.2 or Valkey 9.1, which both still
/// accept; so old files load.
const RETIRED: &[&str] = &[
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
    "io-threads-do-reads",
    "events-per-io-thread",
];

/// Why the server cannot start with its configuration. Prints itself as Redis would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFileError {
    /// A file cannot be read.
    Unreadable { path: PathBuf, reason: String },
    /// A line is wrong.
    Line { number: usize, line: String, reason: String },
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigFileError::Unreadable { path, reason } => {
                write!(f, "Fatal error, can't open config file '{}': {reason}", path.display())
            }
            ConfigFileError::Line { number, line, reason } => {
                writeln!(f, "\n*** FATAL CONFIG FILE ERROR (Redis {}) ***", crate::REDIS_VERSION)?;
                writeln!(f, "Reading the configuration file, at line {number}")?;
                writeln!(f, ">>> '{line}'")?;
                write!(f, "{reason}")
            }
        }
    }
}

impl std::error::Error for ConfigFileError {}

/// Loads a file alone; `cli` loads it with the arguments of the program.
///
/// # Errors
/// If the file cannot be read, or one of its lines is wrong.
pub fn load_file(options: &Options, path: &Path) -> Result<(), ConfigFileError> {
    load_text(options, &read(path)?)?;
    options.set_config_file(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    Ok(())
}

/// Loads the text of a file.
///
/// # Errors
/// If a line is wrong, or a file that it includes cannot be read.
pub fn load_text(options: &Options, text: &[u8]) -> Result<(), ConfigFileError> {
    load_nested(options, text, 0)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ConfigFileError> {
    std::fs::read(path).map_err(|error| ConfigFileError::Unreadable { path: path.to_owned(), reason: os_text(&error) })
}

fn load_nested(options: &Options, text: &[u8], depth: usize) -> Result<(), ConfigFileError> {
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        match load_line(options, line, depth) {
            Ok(()) => {}
            Err(LineError::Here(reason)) => {
                return Err(ConfigFileError::Line { number: at + 1, line: shown(line), reason });
            }
            Err(LineError::Elsewhere(error)) => return Err(error),
        }
    }
    Ok(())
}

/// A wrong line as the error shows it: without what is secret in it, for errors end up in logs.
fn shown(line: &[u8]) -> String {
    let name = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let is_secret = name.eq_ignore_ascii_case(b"user") || lookup(name).is_some_and(|found| found.spec.secret);
    let name = String::from_utf8_lossy(name);
    if is_secret { format!("{name} (redacted)") } else { String::from_utf8_lossy(line).into_owned() }
}

/// An error of this line, or of a file that it includes.
enum LineError {
    Here(String),
    Elsewhere(ConfigFileError),
}

impl From<&str> for LineError {
    fn from(reason: &str) -> Self {
        LineError::Here(reason.to_owned())
    }
}

fn load_line(options: &Options, line: &[u8], depth: usize) -> Result<(), LineError> {
    let words = base::text::split_args(line).ok_or("Unbalanced quotes in configuration line")?;
    let Some((name, words)) = words.split_first() else {
        return Ok(());
    };
    if let Some(found) = lookup(name) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        return options.set_at_start(found, &words).map_err(|why| LineError::Here(why.into_owned()));
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    match (name.as_str(), words) {
        ("include", [pattern]) => include(options, pattern, depth),
        ("rename-command", [command, new]) => {
            options.rename_command(command, new);
            Ok(())
        }
        ("user", [_, ..]) => {
            options.add_user(words.to_vec());
            Ok(())
        }
        ("loadmodule", [_, ..]) => Err("Modules cannot be loaded: Russet has no module interface".into()),
        ("sentinel", _) => Err("sentinel directive while not in sentinel mode".into()),
        (name, [_]) if RETIRED.contains(&name) => {
            options.retired_directive(name);
            Ok(())
        }
        (name, _) if RETIRED.contains(&name) => Err(WRONG_NUMBER.into()),
        _ => Err(BAD_DIRECTIVE.into()),
    }
}

fn include(options: &Options, pattern: &[u8], depth: usize) -> Result<(), LineError> {
    if depth == INCLUDE_DEPTH_MAX {
        return Err("Files include each other too deeply".into());
    }
    for path in matching_files(pattern) {
        let text = read(&path).map_err(LineError::Elsewhere)?;
        load_nested(options, &text, depth + 1).map_err(LineError::Elsewhere)?;
    }
    Ok(())
}

/// The files that a pattern means, sorted; a path without special characters means itself, there or not.
fn matching_files(pattern: &[u8]) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let path_of = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    if base::glob::literal(pattern) {
        return vec![path_of(pattern)];
    }
    let mut paths = vec![if pattern.starts_with(b"/") { PathBuf::from("/") } else { PathBuf::from(".") }];
    for part in pattern.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for directory in &paths {
            if base::glob::literal(part) {
                next.push(directory.join(path_of(part)));
                continue;
            }
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            next.extend(entries.filter_map(|entry| {
                let name = entry.file_name();
                let hidden = name.as_bytes().starts_with(b".") && !part.starts_with(b".");
                let matches = !hidden && base::glob::glob_match(part, name.as_bytes(), false);
                matches.then(|| directory.join(name))
            }));
        }
        paths = next;
    }
    paths.retain(|path| path.exists());
    paths.sort();
    paths
}
