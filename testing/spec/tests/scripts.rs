//! Every spec script on Russet, in both protocols.
//!
//! `RUSSET_SPEC_FILTER` chooses the scripts whose path contains it; `cargo xtask spec FILTER` sets it.

use russet_server::testing::TestServer;
use russet_spec::{Protocol, Script, Target, find_scripts, run, scripts_dir};

fn run_all(protocol: Protocol) {
    let filter = std::env::var("RUSSET_SPEC_FILTER").unwrap_or_default();
    let paths = find_scripts(&scripts_dir(), &filter).expect("the scripts are part of the repository");
    assert!(!paths.is_empty(), "no script is called *{filter}*");
    let server = TestServer::start(&[]);
    let mut failures = Vec::new();
    let (mut passed, mut skipped) = (0, 0);
    for path in &paths {
        let script = Script::load(path).unwrap_or_else(|error| panic!("{error}"));
        let outcome = run(server.addr(), &script, protocol, Target::Russet);
        passed += outcome.passed;
        skipped += outcome.skipped;
        failures.extend(outcome.failures.iter().map(ToString::to_string));
    }
    println!("{protocol:?}: {} scripts, {passed} cases passed, {skipped} skipped", paths.len());
    assert!(failures.is_empty(), "{} cases failed\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_script_holds_in_resp2() {
    run_all(Protocol::Resp2);
}

#[test]
fn every_script_holds_in_resp3() {
    run_all(Protocol::Resp3);
}
