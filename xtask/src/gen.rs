//! `cargo xtask gen`: documents that are derived from the code, under `docs/generated`.
//!
//! They are committed, so that they can be read without building anything, and CI checks that they
//! are what the code says. What there is to write is known to one place only, the example
//! `crates/server/examples/documents.rs`; this end compares and copies whole folders.

use crate::workspace;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FOLDER: &str = "docs/generated";

pub fn run(check: bool) -> Result<(), String> {
    let committed = workspace::root().join(FOLDER);
    let fresh = std::env::temp_dir().join(format!("russet-gen-{}", std::process::id()));
    fs::create_dir_all(&fresh).map_err(|error| format!("{}: {error}", fresh.display()))?;
    let result = write_documents(&fresh).and_then(|()| {
        let wanted = read_folder(&fresh)?;
        let current = if committed.is_dir() { read_folder(&committed)? } else { BTreeMap::new() };
        if check { compare(&wanted, &current) } else { update(&committed, &wanted, &current) }
    });
    // What is left in the temporary folder hurts nobody, so failing to remove it is no failure.
    let _ = fs::remove_dir_all(&fresh);
    result
}

fn write_documents(folder: &Path) -> Result<(), String> {
    let folder = folder.to_str().ok_or("the temporary folder has a name that is not UTF-8")?;
    let args = ["run", "--quiet", "-p", "russet-server", "--example", "documents", "--", folder];
    workspace::run(&workspace::cargo(), &args, &[])
}

type Documents = BTreeMap<String, String>;

fn read_folder(folder: &Path) -> Result<Documents, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut documents = Documents::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        documents.insert(name, fs::read_to_string(entry.path()).map_err(fail)?);
    }
    Ok(documents)
}

/// The names that differ: missing, changed, or no longer written.
fn stale<'a>(wanted: &'a Documents, current: &'a Documents) -> Vec<&'a str> {
    let changed = wanted.iter().filter(|(name, text)| current.get(*name) != Some(text));
    let gone = current.keys().filter(|name| !wanted.contains_key(*name));
    changed.map(|(name, _)| name).chain(gone).map(String::as_str).collect()
}

fn compare(wanted: &Documents, current: &Documents) -> Result<(), String> {
    match &stale(wanted, current)[..] {
        [] => Ok(()),
        names => Err(format!("gen: out of date, run `cargo xtask gen`: {}", names.join(", "))),
    }
}

fn update(folder: &Path, wanted: &Documents, current: &Documents) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(fail)?;
    for name in stale(wanted, current) {
        match wanted.get(name) {
            Some(text) => fs::write(folder.join(name), text).map_err(fail)?,
            None => fs::remove_file(folder.join(name)).map_err(fail)?,
        }
        println!("gen: {FOLDER}/{name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_changed_and_left_over_documents_are_stale() {
        let documents =
            |rows: &[(&str, &str)]| rows.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let wanted: Documents = documents(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let current: Documents = documents(&[("a", "1"), ("b", "x"), ("d", "4")]);
        assert_eq!(stale(&wanted, &current), ["b", "c", "d"]);
        assert_eq!(compare(&wanted, &wanted), Ok(()));
        assert!(compare(&wanted, &current).is_err());
    }
}
