//! What our specs say of each command, held against what a real Redis says of it.
//!
//! `testing/reference/commands-redis-8.2.tsv` is captured by `cargo xtask reference`. Where ours differ on purpose,
//! `commands-differences.tsv` beside it has a line: the command, the column (or `all` for a command that Redis does not
//! have), what ours says, and why. A line that has become wrong fails as a new difference does.

use russet_server::testing::TestServer;
use russet_spec::reference::{COLUMNS, ask, parse};
use std::collections::BTreeSet;

const REFERENCE: &str = include_str!("../../reference/commands-redis-8.2.tsv");
const DIFFERENCES: &str = include_str!("../../reference/commands-differences.tsv");

/// The differences that are meant: name, column, and what ours says.
fn intended() -> BTreeSet<(&'static str, &'static str, &'static str)> {
    let lines = DIFFERENCES.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, column, ours, why] = cells.as_slice() else { panic!("four columns: {line}") };
        assert!(!why.is_empty(), "a reason: {line}");
        (*name, *column, *ours)
    };
    lines.map(row).collect()
}

#[test]
fn our_specs_say_of_each_command_what_redis_says() {
    let server = TestServer::start(&[]);
    let ours = ask(server.addr()).unwrap_or_else(|error| panic!("{error}"));
    let reference = parse(REFERENCE);
    let mut intended = intended();
    let mut findings = Vec::new();
    for (name, cells) in &ours {
        let Some(wanted) = reference.get(name) else {
            if !intended.remove(&(name.as_str(), "all", "")) {
                findings.push(format!("{name}\tall\t\tnot in Redis"));
            }
            continue;
        };
        for ((column, ours), wanted) in COLUMNS.iter().zip(cells).zip(wanted) {
            if ours != wanted && !intended.remove(&(name.as_str(), column, ours.as_str())) {
                findings.push(format!("{name}\t{column}\t{ours}\tRedis: {wanted}"));
            }
        }
    }
    findings.extend(intended.iter().map(|(name, column, ours)| format!("{name}\t{column}\t{ours}\tno difference")));
    assert!(findings.is_empty(), "{} differences\n{}", findings.len(), findings.join("\n"));
}
