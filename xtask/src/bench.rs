//! `cargo xtask bench`: runs the micro benchmarks of the crates.
//!
//! A benchmark is an example whose name ends in `_bench` or `_speed`; it prints its own table. Its first argument is
//! how large or long a run is. `cargo xtask ci` runs each with 1, so that none rots.

use crate::workspace;

/// Runs the benchmarks whose names contain `filter`.
pub fn run(filter: &str) -> Result<(), String> {
    let found = examples(filter)?;
    if found.is_empty() {
        return Err(format!("bench: nothing is called *{filter}*"));
    }
    found.iter().try_for_each(|(package, example)| start(package, example, &["--profile", "bench-fast"], &[]))
}

/// Runs all, as small as they can be, in the profile of the tests.
pub fn smoke() -> Result<(), String> {
    examples("")?.iter().try_for_each(|(package, example)| start(package, example, &[], &["--", "1"]))
}

fn start(package: &str, example: &str, profile: &[&str], arguments: &[&str]) -> Result<(), String> {
    println!("bench: {package}/{example}");
    let program = ["-p", package, "--example", example];
    workspace::run(&workspace::cargo(), &[&["run", "--quiet"], profile, &program, arguments].concat(), &[])
}

/// The benchmarks whose names contain `filter`, each with its package.
fn examples(filter: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for package in workspace::packages()? {
        let name = package["name"].as_str().unwrap_or_default().to_string();
        for target in package["targets"].as_array().into_iter().flatten() {
            let example = target["name"].as_str().unwrap_or_default();
            let is_example = target["kind"].as_array().is_some_and(|k| k.iter().any(|k| k == "example"));
            let is_bench = example.ends_with("_bench") || example.ends_with("_speed");
            let full = format!("{name}/{example}");
            if !is_example || !is_bench || !full.contains(filter) {
                continue;
            }
            found.push((name.clone(), example.to_string()));
        }
    }
    Ok(found)
}
