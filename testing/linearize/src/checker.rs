//! The search for an order of a history in which every reply is right.
//!
//! A history has one sequence of entries for each client. An operation may have taken effect at any moment between
//! its invocation and its response, so of two operations that overlap either may come first. The search (Wing and
//! Gong) puts one operation after the other in order:
//!
//! ```text
//!   client 0   |--a--|      |----d----|       next may be whatever was invoked before the first response
//!   client 1      |----b------|               among those still to come: at first a or b, but not c or d,
//!   client 2              |-c-|               which began when a was answered
//! ```
//!
//! If the model answers it as the server did it goes on, else it goes back. Because the operations of a client are in
//! order already, how far each client has come says what is done; two paths that come equally far with equal states
//! have equal futures, and each such pair is entered once (Lowe).

use crate::model::State;
use crate::operation::Operation;
use resp::client::Value;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives out the stamps of a history.
#[derive(Default)]
pub struct Stamps(AtomicU64);

impl Stamps {
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// An operation as it was seen: both stamps come from one counter that all clients share.
#[derive(Clone, Debug)]
pub struct Entry {
    pub operation: Operation,
    pub reply: Value,
    pub invoked: u64,
    pub responded: u64,
}

/// The entries of each client, in order.
pub type History = Vec<Vec<Entry>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    /// No order explains the history. So many operations could be put in order at most.
    Violation {
        explained: usize,
    },
    /// The search was given up.
    Undecided,
}

struct Search<'h> {
    history: &'h History,
    failed: HashSet<(Vec<u16>, State)>,
    budget: usize,
    explained: usize,
}

/// Judges a history that began in `initial`, entering `budget` states at most; returns how many it entered.
pub fn check(initial: &State, history: &History, budget: usize) -> (Verdict, usize) {
    let mut search = Search { history, failed: HashSet::new(), budget, explained: 0 };
    let found = search.from(&mut vec![0; history.len()], initial);
    let entered = search.failed.len();
    let verdict = match found {
        true => Verdict::Linearizable,
        false if entered >= budget => Verdict::Undecided,
        false => Verdict::Violation { explained: search.explained },
    };
    (verdict, entered)
}

impl Search<'_> {
    /// Whether the rest can be put in order when each client has come as far as `done` says.
    fn from(&mut self, done: &mut Vec<u16>, state: &State) -> bool {
        let history = self.history;
        let mut next: Vec<(usize, &Entry)> = (0..history.len())
            .filter_map(|client| Some((client, history[client].get(usize::from(done[client]))?)))
            .collect();
        let Some(first_response) = next.iter().map(|(_, entry)| entry.responded).min() else { return true };
        if self.failed.len() >= self.budget || !self.failed.insert((done.clone(), state.clone())) {
            return false;
        }
        self.explained = self.explained.max(done.iter().map(|&count| usize::from(count)).sum());
        next.retain(|(_, entry)| entry.invoked < first_response);
        // What was answered first most often came first.
        next.sort_by_key(|(_, entry)| entry.responded);
        for (client, entry) in next {
            let mut after = state.clone();
            if after.apply(client, &entry.operation) != entry.reply {
                continue;
            }
            done[client] += 1;
            if self.from(done, &after) {
                return true;
            }
            done[client] -= 1;
        }
        false
    }
}

/// A history as text, in order of invocation, for the report of a violation.
pub fn show(initial: &State, history: &History) -> String {
    let mut entries: Vec<(usize, &Entry)> =
        history.iter().enumerate().flat_map(|(client, entries)| entries.iter().map(move |e| (client, e))).collect();
    entries.sort_by_key(|(_, entry)| entry.invoked);
    let mut text = format!("from {initial:?}\n");
    for (client, entry) in entries {
        let words: Vec<String> = entry.operation.commands().iter().map(|words| words.join(" ")).collect();
        let reply = entry.reply.to_string().replace('\n', " ");
        let _ = writeln!(text, "{}..{} [{client}] {} -> {reply}", entry.invoked, entry.responded, words.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ok;

    fn entry(operation: Operation, reply: Value, invoked: u64, responded: u64) -> Entry {
        Entry { operation, reply, invoked, responded }
    }

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    fn judge(history: History) -> Verdict {
        check(&State::default(), &history, 1000).0
    }

    fn set(key: usize, value: &str, invoked: u64, responded: u64) -> Entry {
        entry(Operation::Set(key, value.to_owned()), ok(), invoked, responded)
    }

    #[test]
    fn overlapping_operations_may_come_in_either_order() {
        for seen in [Value::NullBulk, bulk("1")] {
            let get = entry(Operation::Get(0), seen, 1, 2);
            assert_eq!(judge(vec![vec![set(0, "1", 0, 3)], vec![get]]), Verdict::Linearizable);
        }
    }

    #[test]
    fn an_answered_write_is_seen_by_all_who_ask_later() {
        let get = entry(Operation::Get(0), Value::NullBulk, 2, 3);
        assert_eq!(judge(vec![vec![set(0, "1", 0, 1)], vec![get]]), Verdict::Violation { explained: 1 });
    }

    #[test]
    fn what_was_seen_once_is_not_unseen() {
        let gets = vec![entry(Operation::Get(0), bulk("1"), 1, 2), entry(Operation::Get(0), Value::NullBulk, 3, 4)];
        assert_eq!(judge(vec![vec![set(0, "1", 0, 5)], gets]), Verdict::Violation { explained: 2 });
    }

    #[test]
    fn two_readers_agree_on_the_order_of_two_writes() {
        let mget = |first: Value, second: Value| {
            vec![entry(Operation::Mget(vec![0, 1]), Value::Array(vec![first, second]), 1, 2)]
        };
        let writes = || [vec![set(0, "1", 0, 9)], vec![set(1, "2", 0, 9)]];
        let [one, two] = writes();
        let agree = vec![one, two, mget(bulk("1"), Value::NullBulk), mget(bulk("1"), bulk("2"))];
        assert_eq!(judge(agree), Verdict::Linearizable);
        let [one, two] = writes();
        let differ = vec![one, two, mget(bulk("1"), Value::NullBulk), mget(Value::NullBulk, bulk("2"))];
        assert_eq!(judge(differ), Verdict::Violation { explained: 3 }, "all but one reader");
    }

    #[test]
    fn a_search_out_of_budget_gives_no_verdict() {
        let get = entry(Operation::Get(0), Value::NullBulk, 2, 3);
        let history = vec![vec![set(0, "1", 0, 1)], vec![get]];
        assert_eq!(check(&State::default(), &history, 1).0, Verdict::Undecided);
    }
}
