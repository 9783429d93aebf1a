//! The server itself: every history has an order.

use russet_linearize::client::Fault;
use russet_linearize::operation::Work;
use russet_linearize::run::{Outcome, Plan, lockstep, lockstep_on_one_worker, threads};

fn expect_order(outcome: &Outcome, plan: &Plan) {
    assert_eq!(outcome.violation, None, "{}", outcome.violation.as_deref().unwrap_or_default());
    assert_eq!(outcome.windows, plan.windows);
    assert!(outcome.undecided * 20 <= outcome.windows, "too many searches were given up: {outcome:?}");
}

#[test]
fn clients_on_threads_see_one_order() {
    for seed in 0..4 {
        let plan = Plan { work: Work::Values, clients: 8, windows: 75, operations: 6, seed, fault: Fault::None };
        let outcome = threads(plan);
        expect_order(&outcome, &plan);
        println!("{outcome:?}");
    }
}

#[test]
fn long_windows_of_clients_on_threads_see_one_order() {
    // Threads that have woken up stay awake: more runs at the same time than in a short window.
    let plan = Plan { work: Work::Values, clients: 8, windows: 8, operations: 50, seed: 10, fault: Fault::None };
    let outcome = threads(plan);
    expect_order(&outcome, &plan);
    println!("{outcome:?}");
}

#[test]
fn two_clients_that_do_not_wait_for_each_other_see_one_order() {
    let plan = Plan { work: Work::Values, clients: 2, windows: 20, operations: 400, seed: 20, fault: Fault::None };
    let outcome = threads(plan);
    expect_order(&outcome, &plan);
    println!("{outcome:?}");
}

#[test]
fn clients_that_wait_for_lists_see_one_order_and_no_wake_up_is_lost() {
    for seed in 40..44 {
        let plan = Plan { work: Work::Queues, clients: 8, windows: 100, operations: 6, seed, fault: Fault::None };
        let outcome = threads(plan);
        expect_order(&outcome, &plan);
        println!("{outcome:?}");
    }
    for (clients, operations, windows) in [(3, 100, 20), (8, 30, 20)] {
        let plan = Plan { work: Work::Queues, clients, windows, operations, seed: 50, fault: Fault::None };
        let outcome = threads(plan);
        expect_order(&outcome, &plan);
        println!("{outcome:?}");
    }
}

#[test]
fn waiting_clients_in_lockstep_see_one_order() {
    let plan = Plan { work: Work::Queues, clients: 5, windows: 300, operations: 6, seed: 60, fault: Fault::None };
    let outcome = lockstep(plan);
    expect_order(&outcome, &plan);
    println!("{outcome:?}");
}

#[test]
fn clients_in_lockstep_see_one_order() {
    let plan = Plan { work: Work::Values, clients: 5, windows: 200, operations: 6, seed: 30, fault: Fault::None };
    let outcome = lockstep(plan);
    expect_order(&outcome, &plan);
    println!("{outcome:?}");
    assert!(outcome.overlaps * 2 > outcome.operations, "operations overlap: {outcome:?}");
}

#[test]
fn clients_of_hashes_and_sets_see_one_order_and_no_wake_up_is_lost() {
    for seed in 70..73 {
        let plan = Plan { work: Work::Collections, clients: 8, windows: 100, operations: 6, seed, fault: Fault::None };
        let outcome = threads(plan);
        expect_order(&outcome, &plan);
        println!("{outcome:?}");
    }
    let plan = Plan { work: Work::Collections, clients: 5, windows: 200, operations: 6, seed: 75, fault: Fault::None };
    let outcome = lockstep(plan);
    expect_order(&outcome, &plan);
    println!("{outcome:?}");
}

#[test]
fn clients_of_one_worker_see_one_order_and_no_wake_up_is_lost() {
    for work in [Work::Values, Work::Queues, Work::Collections] {
        let plan = Plan { work, clients: 6, windows: 150, operations: 6, seed: 80, fault: Fault::None };
        let outcome = lockstep_on_one_worker(plan);
        expect_order(&outcome, &plan);
        println!("{outcome:?}");
    }
}
