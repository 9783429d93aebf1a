//! Where the repository is, what is in it, and running cargo there.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository: of the checkout in which cargo runs this, for one that shares its target directory with
/// others may find a binary that was built in them.
pub fn root() -> PathBuf {
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&own).parent().expect("xtask lies in the root of the workspace").to_path_buf()
}

/// Runs a program in the root, with its output shown.
pub fn run(program: &str, args: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let status = Command::new(program)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("failed: {program} {}", args.join(" "))) }
}

/// Runs a program in the root and returns what it prints.
pub fn output(program: &str, args: &[&str]) -> Result<String, String> {
    let output =
        Command::new(program).args(args).current_dir(root()).output().map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("failed: {program} {}", args.join(" ")));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{program}: {error}"))
}

/// The cargo that runs us.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// The packages of the workspace, as `cargo metadata` describes them.
pub fn packages() -> Result<Vec<Value>, String> {
    let text = output(&cargo(), &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    metadata["packages"].as_array().cloned().ok_or_else(|| "cargo metadata has no packages".into())
}

/// The files of the repository: tracked ones, and new ones that are not ignored.
pub fn files() -> Result<Vec<String>, String> {
    let list = output("git", &["ls-files", "-z", "-co", "--exclude-standard"])?;
    let mut files: Vec<String> = list.split('\0').filter(|f| !f.is_empty()).map(String::from).collect();
    // A file deleted but not yet committed is still listed.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}
