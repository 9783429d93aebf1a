//! The checker finds what it is there for: each fault a client can commit is reported, in lockstep by its seed and
//! between threads within some windows.

use russet_linearize::client::Fault;
use russet_linearize::operation::Work;
use russet_linearize::run::{Plan, lockstep, threads};

fn faults() -> impl Iterator<Item = (Work, Fault)> {
    let values = Fault::OF_VALUES.into_iter().map(|fault| (Work::Values, fault));
    let queues = Fault::OF_QUEUES.into_iter().map(|fault| (Work::Queues, fault));
    let collections = Fault::OF_COLLECTIONS.into_iter().map(|fault| (Work::Collections, fault));
    values.chain(queues).chain(collections)
}

#[test]
fn every_fault_is_found_in_lockstep() {
    for (work, fault) in faults() {
        let plan = Plan { work, clients: 4, windows: 400, operations: 5, seed: 1, fault };
        let outcome = lockstep(plan);
        println!(
            "{fault:?}: {} windows, {} undecided, {} entered",
            outcome.windows, outcome.undecided, outcome.entered
        );
        assert!(outcome.violation.is_some(), "{fault:?} was not found: {outcome:?}");
    }
}

#[test]
fn every_fault_is_found_between_threads() {
    for (work, fault) in faults() {
        let plan = Plan { work, clients: 8, windows: 5000, operations: 6, seed: 2, fault };
        let outcome = threads(plan);
        println!(
            "{fault:?}: {} windows, {} undecided, {} entered",
            outcome.windows, outcome.undecided, outcome.entered
        );
        assert!(outcome.violation.is_some(), "{fault:?} was not found: {outcome:?}");
    }
}
