//! `cargo xtask spec`: runs spec scripts, on Russet by way of the test of `testing/spec`, on a
//! reference server directly.

use crate::workspace;
use russet_spec::{Protocol, Script, bless, detect, find_scripts, run as run_script, scripts_dir};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

pub fn run(args: &[&str]) -> Result<(), String> {
    let mut reference = None;
    let mut bless_file = None;
    let mut filter = "";
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().copied().ok_or(format!("spec: {arg} needs a value"));
        match *arg {
            "--reference" => reference = Some(value()?),
            "--bless" => bless_file = Some(value()?),
            other if other.starts_with("--") => return Err(format!("spec: unknown option {other}")),
            other => filter = other,
        }
    }
    match (reference, bless_file) {
        (Some(reference), Some(file)) => bless_script(resolve(reference)?, Path::new(file)),
        (Some(reference), None) => run_on_reference(resolve(reference)?, filter),
        (None, Some(_)) => Err("spec: --bless needs --reference".into()),
        (None, None) => {
            let args = ["test", "-p", "russet-spec", "--test", "scripts", "--", "--nocapture"];
            workspace::run(&workspace::cargo(), &args, &[("RUSSET_SPEC_FILTER", filter)])
        }
    }
}

/// The address of a server given as `HOST:PORT`.
pub fn resolve(reference: &str) -> Result<SocketAddr, String> {
    reference
        .to_socket_addrs()
        .map_err(|error| format!("{reference}: {error}"))?
        .next()
        .ok_or_else(|| format!("{reference}: no address"))
}

fn run_on_reference(addr: SocketAddr, filter: &str) -> Result<(), String> {
    let target = detect(addr)?;
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    let paths: Vec<PathBuf> = find_scripts(&scripts_dir(), filter).map_err(|error| error.to_string())?;
    for path in &paths {
        let script = Script::load(path)?;
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let outcome = run_script(addr, &script, protocol, target);
            passed += outcome.passed;
            skipped += outcome.skipped;
            failed += outcome.failures.len();
            for failure in outcome.failures {
                println!("{failure}");
            }
        }
    }
    let scripts = paths.len();
    println!("spec on {target:?}: {scripts} scripts, {passed} cases passed, {skipped} skipped, {failed} failed");
    if failed == 0 && scripts > 0 { Ok(()) } else { Err("spec: failed".into()) }
}

fn bless_script(addr: SocketAddr, path: &Path) -> Result<(), String> {
    let script = Script::load(path)?;
    let (text, failures) = bless::bless(addr, &script, detect(addr)?)?;
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    for failure in &failures {
        println!("{failure}");
    }
    println!("spec: wrote {}; now read every reply", path.display());
    if failures.is_empty() { Ok(()) } else { Err("spec: some cases did not run to their end".into()) }
}
