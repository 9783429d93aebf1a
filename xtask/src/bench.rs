//! `cargo xtask bench`: runs the micro benchmarks of the crates.
//!
//! A benchmark is an example whose name ends in `_bench` or `_speed`; it prints its own table. Being
//! an example, it is built by every `cargo test`, so it does not rot.

use crate::workspace;

pub fn run(filter: &str) -> Result<(), String> {
    let cargo = workspace::cargo();
    let mut found = false;
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
            found = true;
            println!("bench: {full}");
            let args = ["run", "--quiet", "--profile", "bench-fast", "-p", &name, "--example", example];
            workspace::run(&cargo, &args, &[])?;
        }
    }
    if found { Ok(()) } else { Err(format!("bench: nothing is called *{filter}*")) }
}
