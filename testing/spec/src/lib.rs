//! Spec scripts: transcripts of commands and replies that run on Russet and on a reference server.
//!
//! A command counts as supported once its script gives the same answers on a real Redis 8.2, so a
//! script is the contract and this crate is its judge. The judge has its own RESP client on purpose:
//! were it built on the parser of the server, a mistake there would hide itself.
//!
//! The notation is described in `testing/spec/README.md`. The crate has four layers:
//!
//! * [`text`] reads and writes the pieces of a line: arguments, quoted bytes, globs;
//! * [`value`] and [`client`] speak RESP2 and RESP3;
//! * [`pattern`] is an expected reply: parsed from the notation, matched against a value;
//! * [`script`], [`run`] and [`bless`] parse a file, run it, and write what a reference answers.
//!
//! Beside them, [`reference`] asks a server what it says about its commands.
//!
//! Limits: one server per run, and nothing else may use that server meanwhile (every case begins
//! with FLUSHALL).

#![forbid(unsafe_code)]

pub mod bless;
pub mod client;
pub mod pattern;
pub mod reference;
pub mod run;
pub mod script;
pub mod text;
pub mod value;

pub use client::Protocol;
pub use run::{Outcome, Target, detect, run};
pub use script::Script;

use std::path::{Path, PathBuf};

/// The folder with the scripts of this repository.
pub fn scripts_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

/// All `.spec` files under `dir` in a fixed order, those only whose path contains `filter`.
pub fn find_scripts(dir: &Path, filter: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "spec") && path.to_string_lossy().contains(filter) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
