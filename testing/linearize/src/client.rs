//! A client that runs operations step by step, and can do it wrongly on purpose.
//!
//! A right client has one step: it sends the operation whole. A [`Fault`] stands for a mistake a server could make
//! (locks let go between the parts of a command, a check left out, an old value handed out), and makes it above the
//! server: parts of the operation go out as operations of their own, and others may run between two steps.

use crate::checker::Stamps;
use crate::collections::{MEMBERS, Request, SORTED_SETS};
use crate::harness::Connection;
use crate::model::{error, ok};
use crate::operation::{KeyId, Operation, QUEUES};
use resp::client::Value;
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// MSET sets one key after the other.
    MsetInPieces,
    /// MGET gets one key after the other.
    MgetInPieces,
    /// RENAME copies, then deletes.
    RenameInPieces,
    /// INCR reads, then writes.
    IncrInPieces,
    /// EXEC runs the queued commands one by one.
    ExecInPieces,
    /// EXEC does not look whether a watched key changed.
    WatchIgnored,
    /// Every other GET of a key is served from a cache that hears of no writes.
    StaleReads,
    /// BLMOVE pops, then pushes.
    PassInPieces,
    /// BLPOP or BZPOPMIN that finds nothing sleeps, and nobody wakes it.
    WakeUpLost,
    /// HINCRBY reads, then writes.
    HincrbyInPieces,
    /// SMOVE removes, then adds.
    SmoveInPieces,
    /// ZPOPMIN looks, then removes.
    ZpopminInPieces,
}

impl Fault {
    /// Those about values.
    pub const OF_VALUES: [Fault; 7] = [
        Fault::MsetInPieces,
        Fault::MgetInPieces,
        Fault::RenameInPieces,
        Fault::IncrInPieces,
        Fault::ExecInPieces,
        Fault::WatchIgnored,
        Fault::StaleReads,
    ];
    /// Those about queues.
    pub const OF_QUEUES: [Fault; 3] = [Fault::PassInPieces, Fault::WakeUpLost, Fault::ExecInPieces];
    /// Those about hashes, sets and sorted sets.
    pub const OF_COLLECTIONS: [Fault; 5] =
        [Fault::HincrbyInPieces, Fault::SmoveInPieces, Fault::ZpopminInPieces, Fault::WakeUpLost, Fault::ExecInPieces];
}

/// Steps for which a client waits before it gives up.
const PATIENCE: u32 = 24;

/// A client in the middle of an operation, or between two.
pub struct Client {
    connection: Connection,
    fault: Fault,
    /// Replies to the pieces sent so far.
    replies: Vec<Value>,
    cache: HashMap<KeyId, Value>,
    watches: bool,
    /// Waits, or sleeps, and has so much patience left.
    waits: Option<u32>,
    /// When it began to give up the operation that it gave up.
    gave_up: Option<u64>,
}

impl Client {
    pub fn new(connection: Connection, fault: Fault) -> Client {
        Client {
            connection,
            fault,
            replies: Vec::new(),
            cache: HashMap::new(),
            watches: false,
            waits: None,
            gave_up: None,
        }
    }

    /// When the operation that was answered last began to count: not with its invocation if it was given up.
    pub fn take_gave_up(&mut self) -> Option<u64> {
        self.gave_up.take()
    }

    /// Takes one step of the operation; `None` while there are more to take.
    pub fn step(&mut self, operation: &Operation, stamps: &Stamps) -> Option<Value> {
        if self.waits.is_some() {
            let reply = self.wait_on(stamps)?;
            self.waits = None;
            self.replies.push(reply);
        } else if let Some(piece) = self.next_piece(operation) {
            match self.connection.try_send(&piece.commands()) {
                Some(reply) => self.replies.push(reply),
                None => self.waits = Some(PATIENCE),
            }
            if self.waits.is_some() {
                return None;
            }
        } else if self.sleeps(operation) {
            self.waits = Some(PATIENCE);
            return None;
        }
        if self.next_piece(operation).is_some() || self.sleeps(operation) {
            return None;
        }
        let replies = std::mem::take(&mut self.replies);
        Some(operation.in_order(self.answer(operation, replies)))
    }

    /// Looks for the end of a wait; gives up when there was none for long.
    fn wait_on(&mut self, stamps: &Stamps) -> Option<Value> {
        if let Some(reply) = self.connection.poll() {
            return Some(reply);
        }
        let patience = self.waits.as_mut()?;
        *patience = patience.saturating_sub(1);
        if *patience > 0 {
            return None;
        }
        let begin = stamps.next();
        // One that only sleeps has nothing to give up.
        let reply = if self.connection.is_waiting() { self.connection.give_up()? } else { Value::NullBulk };
        self.gave_up = Some(begin);
        Some(reply)
    }

    /// Whether the fault lets the client sleep now, with nobody knowing of it.
    fn sleeps(&self, operation: &Operation) -> bool {
        let Some(attempts) = attempts(operation) else { return false };
        let nothing = self.replies.iter().all(is_nothing);
        self.fault == Fault::WakeUpLost && self.replies.len() == attempts.len() && nothing
    }

    /// What is to be sent next for this operation.
    fn next_piece(&self, operation: &Operation) -> Option<Operation> {
        let sent = self.replies.len();
        match (self.fault, operation) {
            (Fault::MsetInPieces, Operation::Mset(pairs)) => {
                pairs.get(sent).map(|(key, value)| Operation::Set(*key, value.clone()))
            }
            (Fault::MgetInPieces, Operation::Mget(keys)) => keys.get(sent).map(|key| Operation::Get(*key)),
            (Fault::RenameInPieces, Operation::Rename(from, to)) => match self.replies.as_slice() {
                [] => Some(Operation::Copy { from: *from, to: *to, replace: true }),
                [Value::Integer(1)] => Some(Operation::Del(vec![*from])),
                _ => None,
            },
            (Fault::IncrInPieces, Operation::Incr(key)) => match self.replies.as_slice() {
                [] => Some(Operation::Get(*key)),
                [value] => incremented(value).map(|number| Operation::Set(*key, number.to_string())),
                _ => None,
            },
            // Those that watch still run whole: their check is another fault's matter.
            (Fault::ExecInPieces, Operation::Exec(queued)) if !self.watches => queued.get(sent).cloned(),
            (Fault::WatchIgnored, Operation::Watch(_)) => None,
            (Fault::StaleReads, Operation::Get(key)) if self.cache.contains_key(key) => None,
            (Fault::PassInPieces, Operation::Pass(from, to)) => match self.replies.as_slice() {
                [] => Some(Operation::Wait(vec![*from])),
                [Value::Array(popped)] => Some(Operation::Push(*to, vec![popped[1].to_string().replace('"', "")])),
                _ => None,
            },
            (Fault::WakeUpLost, operation) if attempts(operation).is_some() => {
                let nothing = self.replies.iter().all(is_nothing);
                attempts(operation).into_iter().flatten().nth(sent).filter(|_| nothing)
            }
            (Fault::HincrbyInPieces, Operation::Collection(Request::Hincrby(key, field))) => {
                match self.replies.as_slice() {
                    [] => Some(Operation::Collection(Request::Hget(*key, *field))),
                    [value] => {
                        let next = incremented(value)?.to_string();
                        Some(Operation::Collection(Request::Hset(*key, *field, next)))
                    }
                    _ => None,
                }
            }
            (Fault::SmoveInPieces, Operation::Collection(Request::Smove(from, to, member))) => {
                match self.replies.as_slice() {
                    [] => Some(Operation::Collection(Request::Srem(*from, *member))),
                    [Value::Integer(1)] => Some(Operation::Collection(Request::Sadd(*to, *member))),
                    _ => None,
                }
            }
            (Fault::ZpopminInPieces, Operation::Collection(Request::Zpopmin(key))) => match self.replies.as_slice() {
                [] => Some(Operation::Collection(Request::Zrange(*key))),
                [Value::Array(ranked)] => {
                    let name = ranked.first()?.to_string().replace('"', "");
                    let member = MEMBERS.iter().position(|known| *known == name)?;
                    Some(Operation::Collection(Request::Zrem(*key, member)))
                }
                _ => None,
            },
            _ => (sent == 0).then(|| operation.clone()),
        }
    }

    /// The reply to an operation, from those to its pieces.
    fn answer(&mut self, operation: &Operation, replies: Vec<Value>) -> Value {
        let watched = self.watches;
        match operation {
            Operation::Watch(_) => self.watches = true,
            Operation::Unwatch | Operation::Exec(_) => self.watches = false,
            _ => {}
        }
        match (self.fault, operation) {
            (Fault::MsetInPieces, Operation::Mset(_)) | (Fault::WatchIgnored, Operation::Watch(_)) => ok(),
            (Fault::MgetInPieces, Operation::Mget(_)) => Value::Array(replies),
            (Fault::RenameInPieces, Operation::Rename(..)) if replies.len() == 2 => ok(),
            (Fault::RenameInPieces, Operation::Rename(..)) => error("ERR no such key"),
            (Fault::IncrInPieces, Operation::Incr(_)) => match incremented(&replies[0]) {
                Some(number) => Value::Integer(number),
                None => error("ERR value is not an integer or out of range"),
            },
            (Fault::ExecInPieces, Operation::Exec(_)) if !watched => Value::Array(replies),
            (Fault::StaleReads, Operation::Get(key)) => match self.cache.remove(key) {
                Some(cached) => cached,
                None => {
                    self.cache.insert(*key, replies[0].clone());
                    replies.into_iter().next().expect("it was sent")
                }
            },
            (Fault::PassInPieces, Operation::Pass(..)) => match replies.into_iter().next() {
                Some(Value::Array(popped)) => popped.into_iter().next_back().expect("a key and an element"),
                _ => Value::NullArray,
            },
            (Fault::WakeUpLost, Operation::Wait(queues)) => {
                let found = replies.iter().position(|reply| !is_nothing(reply));
                found.map_or(Value::NullArray, |at| {
                    Value::Array(vec![Value::Bulk(QUEUES[queues[at]].into()), replies[at].clone()])
                })
            }
            (Fault::WakeUpLost, Operation::Collection(Request::Bzpopmin(keys))) => {
                let popped = replies.into_iter().enumerate().find_map(|(at, reply)| match reply {
                    Value::Array(popped) if !popped.is_empty() => Some((at, popped)),
                    _ => None,
                });
                popped.map_or(Value::NullArray, |(at, popped)| {
                    let key = Value::Bulk(SORTED_SETS[keys[at]].into());
                    Value::Array(std::iter::once(key).chain(popped).collect())
                })
            }
            (Fault::HincrbyInPieces, Operation::Collection(Request::Hincrby(..))) => {
                incremented(&replies[0]).map_or(Value::NullBulk, Value::Integer)
            }
            (Fault::SmoveInPieces, Operation::Collection(Request::Smove(..))) => replies[0].clone(),
            (Fault::ZpopminInPieces, Operation::Collection(Request::Zpopmin(_))) => match replies.into_iter().next() {
                Some(Value::Array(mut ranked)) => {
                    ranked.truncate(2);
                    Value::Array(ranked)
                }
                other => other.unwrap_or(Value::NullArray),
            },
            _ => replies.into_iter().next_back().expect("it was sent"),
        }
    }
}

/// What an operation that waits tries first, if it is one.
fn attempts(operation: &Operation) -> Option<Vec<Operation>> {
    match operation {
        Operation::Wait(queues) => Some(queues.iter().map(|&queue| Operation::Pop(queue)).collect()),
        Operation::Collection(Request::Bzpopmin(keys)) => {
            Some(keys.iter().map(|&key| Operation::Collection(Request::Zpopmin(key))).collect())
        }
        _ => None,
    }
}

/// Whether such an attempt found nothing.
fn is_nothing(reply: &Value) -> bool {
    match reply {
        Value::NullBulk => true,
        Value::Array(popped) => popped.is_empty(),
        _ => false,
    }
}

/// One more than the number in a reply to GET or HGET.
fn incremented(reply: &Value) -> Option<i64> {
    match reply {
        Value::NullBulk => Some(1),
        Value::Bulk(bytes) => base::num::parse_i64(bytes).map(|number| number + 1),
        _ => None,
    }
}
