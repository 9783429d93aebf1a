//! The update mode: writes into a script what a reference server answers.
//!
//! A script is written as commands only, run once in each protocol, and gets its replies; a person
//! then reads them and replaces what varies by matchers. An expectation that holds stays as it is
//! written, and so does every one with branches for Russet or the reference: those are decisions, not
//! observations.

use crate::client::Protocol;
use crate::pattern::{self, common_form, matches};
use crate::run::{self, Failure, Recorded, Seen, Target};
use crate::script::{Action, Expect, Script, Step};
use crate::value::Value;
use std::net::SocketAddr;

/// The new text of a script, and the cases that did not run to their end.
pub fn bless(addr: SocketAddr, script: &Script, target: Target) -> Result<(String, Vec<Failure>), String> {
    let (resp2, outcome2) = run::record(addr, script, Protocol::Resp2, target);
    let (resp3, outcome3) = run::record(addr, script, Protocol::Resp3, target);
    let failures = outcome2.failures.into_iter().chain(outcome3.failures).collect();
    let mut lines: Vec<String> = script.lines.clone();
    // From the end, so that the line numbers of what is still to do stay right.
    for step in script.cases.iter().rev().flat_map(|case| case.steps.iter().rev()) {
        if let Some(new) = replacement(step, &resp2, &resp3, target) {
            lines.splice(step.block.clone(), new);
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    Ok((text, failures))
}

/// The new lines of an expectation, or `None` when it stays.
fn replacement(step: &Step, resp2: &Recorded, resp3: &Recorded, target: Target) -> Option<Vec<String>> {
    if step.branches.iter().any(|branch| branch.russet.is_some()) {
        return None;
    }
    // Rows are recorded only where they differ, and are the same in both protocols but for the time.
    if matches!(step.action, Action::Journal(_) | Action::Events(_)) {
        return resp3.get(&step.line).map(Seen::lines);
    }
    let seen = (resp2.get(&step.line), resp3.get(&step.line));
    let holds = |protocol, seen: Option<&Seen>| {
        seen.is_none_or(|seen| holds(step.expectation(protocol, target), seen, protocol))
    };
    if !matches!(step.action, Action::Events(_)) && holds(Protocol::Resp2, seen.0) && holds(Protocol::Resp3, seen.1) {
        return None;
    }
    match seen {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.lines()),
        (Some(Seen::Value(two)), Some(Seen::Value(three))) => Some(both(two, three)),
        (Some(two), Some(three)) => Some(branches(two.lines(), three.lines())),
    }
}

/// Whether a written expectation describes what was seen. Variables are unknown here, so a capture
/// matches like `any`.
fn holds(expect: Option<&Expect>, seen: &Seen, protocol: Protocol) -> bool {
    match (expect, seen) {
        (Some(Expect::Value(wanted)), Seen::Value(value)) => {
            matches(wanted, value, protocol, &mut pattern::Variables::new())
        }
        (Some(Expect::Blocked), Seen::Blocked) | (Some(Expect::Closed), Seen::Closed) => true,
        _ => false,
    }
}

fn both(two: &Value, three: &Value) -> Vec<String> {
    match common_form(three, two) {
        Some(common) => pattern::print(&common),
        None => branches(pattern::print(two), pattern::print(three)),
    }
}

fn branches(two: Vec<String>, three: Vec<String>) -> Vec<String> {
    if two == three {
        return two;
    }
    let mut lines = vec!["resp2:".to_string()];
    lines.extend(two);
    lines.push("resp3:".into());
    lines.extend(three);
    lines
}
