//! Every spec script on Russet, in both protocols, on one worker and on two.
//!
//! `RUSSET_SPEC_FILTER` chooses the scripts whose path contains it; `cargo xtask spec FILTER` sets it.

use russet_server::testing::TestServer;
use russet_spec::script::Action;
use russet_spec::{Protocol, Script, Target, find_scripts, reference, run, scripts_dir};
use std::collections::BTreeSet;

fn run_all(protocol: Protocol, workers: &str) {
    let filter = std::env::var("RUSSET_SPEC_FILTER").unwrap_or_default();
    let paths = find_scripts(&scripts_dir(), &filter).expect("the scripts are part of the repository");
    assert!(!paths.is_empty(), "no script is called *{filter}*");
    let server = TestServer::start(&["--threads", workers]);
    let mut failures = Vec::new();
    let (mut passed, mut skipped) = (0, 0);
    for path in &paths {
        let script = Script::load(path).unwrap_or_else(|error| panic!("{error}"));
        let outcome = run(server.addr(), &script, protocol, Target::Russet);
        passed += outcome.passed;
        skipped += outcome.skipped;
        failures.extend(outcome.failures.iter().map(ToString::to_string));
    }
    println!("{protocol:?}, {workers} workers: {} scripts, {passed} cases passed, {skipped} skipped", paths.len());
    assert!(failures.is_empty(), "{} cases failed\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_script_holds_in_resp2() {
    run_all(Protocol::Resp2, "2");
}

#[test]
fn every_script_holds_in_resp3() {
    run_all(Protocol::Resp3, "2");
}

#[test]
fn every_script_holds_on_one_worker_in_resp2() {
    run_all(Protocol::Resp2, "1");
}

#[test]
fn every_script_holds_on_one_worker_in_resp3() {
    run_all(Protocol::Resp3, "1");
}

/// The commands that a script calls, as far as the words say: "config get", and "config".
fn called(script: &Script) -> Vec<String> {
    let words = |action: &Action| match action {
        Action::Send { args, .. } => {
            args.iter().map(|arg| String::from_utf8_lossy(&arg.bytes).to_lowercase()).collect()
        }
        Action::Raw { .. } | Action::Read { .. } | Action::Journal(_) | Action::Events(_) => Vec::new(),
    };
    let steps = script.cases.iter().flat_map(|case| &case.steps);
    let calls = steps.map(|step| words(&step.action)).filter(|words| !words.is_empty());
    calls.flat_map(|words| [words[0].clone(), words[..words.len().min(2)].join("|")]).collect()
}

#[test]
fn every_command_is_in_a_script() {
    let server = TestServer::start(&[]);
    let table = reference::ask(server.addr()).unwrap_or_else(|error| panic!("{error}"));
    let paths = find_scripts(&scripts_dir(), "").expect("the scripts are part of the repository");
    let scripts = paths.iter().map(|path| Script::load(path).unwrap_or_else(|error| panic!("{error}")));
    let called: BTreeSet<String> = scripts.flat_map(|script| called(&script)).collect();
    let missed: Vec<&String> = table.keys().filter(|name| !called.contains(*name)).collect();
    assert!(missed.is_empty(), "no script calls {missed:?}");
}
