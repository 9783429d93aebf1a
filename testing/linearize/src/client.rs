//! A client that runs operations step by step, and can do it wrongly on purpose.
//!
//! A right client has one step: it sends the operation whole. A [`Fault`] stands for a mistake a server could make
//! (locks let go between the parts of a command, a check left out, an old value handed out), and makes it above the
//! server: parts of the operation go out as operations of their own, and others may run between two steps.

use crate::harness::Connection;
use crate::model::{error, ok};
use crate::operation::{KeyId, Operation};
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
}

impl Fault {
    /// All but none.
    pub const ALL: [Fault; 7] = [
        Fault::MsetInPieces,
        Fault::MgetInPieces,
        Fault::RenameInPieces,
        Fault::IncrInPieces,
        Fault::ExecInPieces,
        Fault::WatchIgnored,
        Fault::StaleReads,
    ];
}

/// A client in the middle of an operation, or between two.
pub struct Client {
    connection: Connection,
    fault: Fault,
    /// Replies to the pieces sent so far.
    replies: Vec<Value>,
    cache: HashMap<KeyId, Value>,
    watches: bool,
}

impl Client {
    pub fn new(connection: Connection, fault: Fault) -> Client {
        Client { connection, fault, replies: Vec::new(), cache: HashMap::new(), watches: false }
    }

    /// Takes one step of the operation; `None` while there are more to take.
    pub fn step(&mut self, operation: &Operation) -> Option<Value> {
        if let Some(piece) = self.next_piece(operation) {
            self.replies.push(self.connection.send(&piece.commands()));
            if self.next_piece(operation).is_some() {
                return None;
            }
        }
        let replies = std::mem::take(&mut self.replies);
        Some(self.answer(operation, replies))
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
            _ => replies.into_iter().next_back().expect("it was sent"),
        }
    }
}

/// One more than the number in a reply to GET.
fn incremented(reply: &Value) -> Option<i64> {
    match reply {
        Value::NullBulk => Some(1),
        Value::Bulk(bytes) => base::num::parse_i64(bytes).map(|number| number + 1),
        _ => None,
    }
}
