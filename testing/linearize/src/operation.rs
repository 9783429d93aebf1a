//! The operations of a history, and random programs of them.
//!
//! Keys are numbers here; [`KEYS`] has their names. A transaction is one operation: MULTI and what it queues change
//! nothing that others could see, so they go out together with their EXEC.

use crate::collections::Request;
use base::rng::Rng;
use resp::client::Value;

/// The hot keys. The last shares the first one's shard through its tag, the others have shards of their own.
pub const KEYS: [&str; 6] = ["k0", "k1", "k2", "k3", "k4", "{k0}x"];

/// A key: its place in [`KEYS`].
pub type KeyId = usize;

/// The keys of lists, in shards of their own.
pub const QUEUES: [&str; 3] = ["q0", "q1", "q2"];

/// A list: its place in [`QUEUES`].
pub type QueueId = usize;

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Values,
    Queues,
    Collections,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Get(KeyId),
    Set(KeyId, String),
    Incr(KeyId),
    Append(KeyId, String),
    GetDel(KeyId),
    Del(Vec<KeyId>),
    Mset(Vec<(KeyId, String)>),
    Mget(Vec<KeyId>),
    Rename(KeyId, KeyId),
    Copy {
        from: KeyId,
        to: KeyId,
        replace: bool,
    },
    Watch(Vec<KeyId>),
    Unwatch,
    Exec(Vec<Operation>),
    /// RPUSH.
    Push(QueueId, Vec<String>),
    /// LPOP.
    Pop(QueueId),
    /// LRANGE of all.
    Range(QueueId),
    /// BLPOP.
    Wait(Vec<QueueId>),
    /// BLMOVE, from the head of one to the tail of the other.
    Pass(QueueId, QueueId),
    /// Something about a hash, a set or a sorted set.
    Collection(Request),
}

impl Operation {
    /// The commands that are sent for it; the reply to the last one counts.
    pub fn commands(&self) -> Vec<Vec<&str>> {
        match self {
            Operation::Exec(queued) => {
                let queued = queued.iter().map(Operation::words);
                std::iter::once(vec!["MULTI"]).chain(queued).chain([vec!["EXEC"]]).collect()
            }
            other => vec![other.words()],
        }
    }

    fn words(&self) -> Vec<&str> {
        let with = |name, keys: &[KeyId]| std::iter::once(name).chain(keys.iter().map(|&key| KEYS[key])).collect();
        match self {
            Operation::Get(key) => vec!["GET", KEYS[*key]],
            Operation::Set(key, value) => vec!["SET", KEYS[*key], value],
            Operation::Incr(key) => vec!["INCR", KEYS[*key]],
            Operation::Append(key, value) => vec!["APPEND", KEYS[*key], value],
            Operation::GetDel(key) => vec!["GETDEL", KEYS[*key]],
            Operation::Del(keys) => with("DEL", keys),
            Operation::Mset(pairs) => {
                let pairs = pairs.iter().flat_map(|(key, value)| [KEYS[*key], value.as_str()]);
                std::iter::once("MSET").chain(pairs).collect()
            }
            Operation::Mget(keys) => with("MGET", keys),
            Operation::Rename(from, to) => vec!["RENAME", KEYS[*from], KEYS[*to]],
            Operation::Copy { from, to, replace: false } => vec!["COPY", KEYS[*from], KEYS[*to]],
            Operation::Copy { from, to, replace: true } => vec!["COPY", KEYS[*from], KEYS[*to], "REPLACE"],
            Operation::Watch(keys) => with("WATCH", keys),
            Operation::Unwatch => vec!["UNWATCH"],
            Operation::Exec(_) => vec!["EXEC"],
            Operation::Push(queue, values) => {
                ["RPUSH", QUEUES[*queue]].into_iter().chain(values.iter().map(String::as_str)).collect()
            }
            Operation::Pop(queue) => vec!["LPOP", QUEUES[*queue]],
            Operation::Range(queue) => vec!["LRANGE", QUEUES[*queue], "0", "-1"],
            Operation::Wait(queues) => {
                std::iter::once("BLPOP").chain(queues.iter().map(|&queue| QUEUES[queue])).chain(["0"]).collect()
            }
            Operation::Pass(from, to) => vec!["BLMOVE", QUEUES[*from], QUEUES[*to], "LEFT", "RIGHT", "0"],
            Operation::Collection(request) => request.words(),
        }
    }

    /// The reply with everything in order that the server answers in none.
    pub fn in_order(&self, reply: Value) -> Value {
        match (self, reply) {
            (Operation::Collection(request), reply) => request.in_order(reply),
            (Operation::Exec(queued), Value::Array(replies)) => {
                Value::Array(queued.iter().zip(replies).map(|(operation, reply)| operation.in_order(reply)).collect())
            }
            (_, reply) => reply,
        }
    }
}

/// Draws operations. Values that are set are numbers, and each is drawn once, so that a reader tells the writes apart.
pub struct Generator {
    rng: Rng,
    next_value: u64,
}

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator { rng: Rng::seed(seed), next_value: seed % 97 * 100_000 }
    }

    /// What one client does in one window: `len` operations or a few more, at the end of which it watches nothing.
    pub fn program(&mut self, work: Work, len: usize) -> Vec<Operation> {
        match work {
            Work::Values => self.values_program(len),
            Work::Queues => (0..len).map(|_| self.queue_operation()).collect(),
            Work::Collections => (0..len).map(|_| self.collections_operation()).collect(),
        }
    }

    fn collections_operation(&mut self) -> Operation {
        match self.rng.below(8) {
            0 => Operation::Exec((0..2 + self.rng.below(2)).map(|_| self.collections_request()).collect()),
            1 => Operation::Exec(Request::read_all().map(Operation::Collection).collect()),
            _ => self.collections_request(),
        }
    }

    fn collections_request(&mut self) -> Operation {
        let next_value = &mut self.next_value;
        let value = || {
            *next_value += 1;
            next_value.to_string()
        };
        Operation::Collection(Request::draw(&mut self.rng, value))
    }

    /// More is taken out than put in, so that clients wait.
    fn queue_operation(&mut self) -> Operation {
        let all = QUEUES.len() as u64;
        let one = self.rng.below(all) as usize;
        let other = (one + 1 + self.rng.below(all - 1) as usize) % QUEUES.len();
        match self.rng.below(16) {
            0..5 => Operation::Push(one, (0..=self.rng.below(2)).map(|_| self.value()).collect()),
            5 => Operation::Pop(one),
            6 => Operation::Range(one),
            7..10 => Operation::Wait(vec![one]),
            10..12 => Operation::Wait(vec![one, other]),
            12..14 => Operation::Pass(one, other),
            14 => Operation::Exec(vec![
                Operation::Push(one, vec![self.value()]),
                Operation::Push(other, vec![self.value()]),
                Operation::Pop(one),
            ]),
            _ => Operation::Exec((0..QUEUES.len()).map(Operation::Range).collect()),
        }
    }

    fn values_program(&mut self, len: usize) -> Vec<Operation> {
        let mut program = Vec::new();
        while program.len() < len {
            match self.rng.below(10) {
                // Compare and set: what is written depends on what is watched.
                0 | 1 => {
                    let keys = self.keys(2);
                    program.push(Operation::Watch(keys.clone()));
                    program.push(Operation::Get(keys[0]));
                    if self.rng.below(8) == 0 {
                        program.push(Operation::Unwatch);
                    }
                    program.push(self.transaction(Some(keys[0])));
                }
                2 => {
                    let transaction = self.transaction(None);
                    program.push(transaction);
                }
                _ => {
                    let single = self.single();
                    program.push(single);
                }
            }
        }
        program
    }

    fn transaction(&mut self, writes: Option<KeyId>) -> Operation {
        let mut queued: Vec<Operation> = (0..=1 + self.rng.below(2)).map(|_| self.single()).collect();
        if let Some(key) = writes {
            queued.push(Operation::Set(key, self.value()));
        }
        Operation::Exec(queued)
    }

    fn single(&mut self) -> Operation {
        let key = self.rng.below(KEYS.len() as u64) as usize;
        match self.rng.below(16) {
            0..3 => Operation::Get(key),
            3..5 => Operation::Set(key, self.value()),
            5..7 => Operation::Incr(key),
            7 => Operation::Append(key, "a".to_owned()),
            8 => Operation::GetDel(key),
            9 => Operation::Del(self.keys(2)),
            10..12 => Operation::Mset(self.keys(3).into_iter().map(|key| (key, self.value())).collect()),
            12..14 => Operation::Mget(self.keys(3)),
            14 => {
                let keys = self.keys(2);
                Operation::Rename(keys[0], keys[1])
            }
            _ => {
                let keys = self.keys(2);
                Operation::Copy { from: keys[0], to: keys[1], replace: self.rng.below(2) == 0 }
            }
        }
    }

    fn value(&mut self) -> String {
        self.next_value += 1;
        self.next_value.to_string()
    }

    /// So many keys, all different, in any order.
    fn keys(&mut self, count: usize) -> Vec<KeyId> {
        let mut all: Vec<KeyId> = (0..KEYS.len()).collect();
        for at in 0..count {
            let other = at + self.rng.below((all.len() - at) as u64) as usize;
            all.swap(at, other);
        }
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_come_from_their_seed_and_leave_no_watch() {
        for seed in 0..50 {
            let program = Generator::new(seed).program(Work::Values, 6);
            assert_eq!(program, Generator::new(seed).program(Work::Values, 6));
            let last = |wanted: fn(&Operation) -> bool| program.iter().rposition(wanted);
            let watch = last(|operation| matches!(operation, Operation::Watch(_)));
            assert!(watch <= last(|operation| matches!(operation, Operation::Exec(_))), "seed {seed}");
        }
    }
}
