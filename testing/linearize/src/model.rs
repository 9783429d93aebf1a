//! The server as it should be: what each operation does and answers when nothing else runs.

use crate::collections::{Collections, Request};
use crate::operation::{KEYS, KeyId, Operation, QUEUES, QueueId, Work};
use resp::client::Value;
use std::rc::Rc;

/// Most clients that a state has room for.
pub const CLIENTS_MAX: usize = 8;

/// All that the next reply may depend on. One bit for each key in `watched`, one for each client in `dirty`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Shared, because a search copies states all the time.
    values: [Option<Rc<str>>; KEYS.len()],
    lists: [Rc<Vec<String>>; QUEUES.len()],
    collections: Collections,
    watched: [u8; CLIENTS_MAX],
    /// Clients whose next EXEC is void.
    dirty: u8,
}

const _: () = assert!(KEYS.len() <= 8 && CLIENTS_MAX <= 8, "keys and clients are bits of a byte");

impl State {
    /// Reads everything that this kind of work is about: what it leaves alone would only make the search slow.
    pub fn read_all(work: Work) -> Operation {
        match work {
            Work::Values => Operation::Mget((0..KEYS.len()).collect()),
            Work::Queues => Operation::Exec((0..QUEUES.len()).map(Operation::Range).collect()),
            Work::Collections => Operation::Exec(Request::read_all().map(Operation::Collection).collect()),
        }
    }

    /// The state that the reply to [`State::read_all`] shows, with no watches.
    pub fn of_all(work: Work, reply: &Value) -> State {
        let mut state = State::default();
        let Value::Array(parts) = reply else { return state };
        let text = |value: &Value| match value {
            Value::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        match work {
            Work::Values => state.values = std::array::from_fn(|key| parts.get(key).and_then(text).map(Rc::from)),
            Work::Queues => {
                for (slot, list) in state.lists.iter_mut().zip(parts) {
                    if let Value::Array(elements) = list {
                        *slot = Rc::new(elements.iter().filter_map(text).collect());
                    }
                }
            }
            Work::Collections => state.collections = Collections::of_all(parts),
        }
        state
    }

    /// Runs one operation of a client; returns the reply.
    pub fn apply(&mut self, client: usize, operation: &Operation) -> Value {
        match operation {
            Operation::Get(key) => self.get(*key),
            Operation::Set(key, value) => self.set(*key, value.as_str().into()),
            Operation::Incr(key) => self.incr(*key),
            Operation::Append(key, value) => self.append(*key, value),
            Operation::GetDel(key) => {
                let value = self.get(*key);
                self.delete(*key);
                value
            }
            Operation::Del(keys) => Value::Integer(keys.iter().filter(|key| self.delete(**key)).count() as i64),
            Operation::Mset(pairs) => {
                for (key, value) in pairs {
                    self.set(*key, value.as_str().into());
                }
                ok()
            }
            Operation::Mget(keys) => Value::Array(keys.iter().map(|key| self.get(*key)).collect()),
            Operation::Rename(from, to) => match self.values[*from].clone() {
                None => error("ERR no such key"),
                Some(value) => {
                    self.delete(*from);
                    self.set(*to, value)
                }
            },
            Operation::Copy { from, to, replace } => match self.values[*from].clone() {
                Some(value) if *replace || self.values[*to].is_none() => {
                    self.set(*to, value);
                    Value::Integer(1)
                }
                _ => Value::Integer(0),
            },
            Operation::Watch(keys) => {
                self.watched[client] |= keys.iter().fold(0, |bits, key| bits | 1 << key);
                ok()
            }
            Operation::Unwatch => self.unwatch(client),
            Operation::Exec(queued) => {
                let void = self.dirty & 1 << client != 0;
                self.unwatch(client);
                if void {
                    return Value::NullArray;
                }
                Value::Array(queued.iter().map(|operation| self.apply(client, operation)).collect())
            }
            Operation::Push(queue, values) => {
                let list = Rc::make_mut(&mut self.lists[*queue]);
                list.extend_from_slice(values);
                Value::Integer(list.len() as i64)
            }
            Operation::Pop(queue) => self.pop(*queue).map_or(Value::NullBulk, bulk),
            Operation::Range(queue) => Value::Array(self.lists[*queue].iter().cloned().map(bulk).collect()),
            Operation::Wait(queues) => {
                let popped = queues.iter().find_map(|&queue| Some((queue, self.pop(queue)?)));
                popped.map_or(Value::NullArray, |(queue, element)| {
                    Value::Array(vec![bulk(QUEUES[queue].to_owned()), bulk(element)])
                })
            }
            Operation::Pass(from, to) => self.pop(*from).map_or(Value::NullArray, |element| {
                Rc::make_mut(&mut self.lists[*to]).push(element.clone());
                bulk(element)
            }),
            // Where nothing may wait, the answer is that of a timeout.
            Operation::Collection(request) => self.collections.apply(request),
        }
    }

    fn append(&mut self, key: KeyId, value: &str) -> Value {
        let grown = self.values[key].as_deref().unwrap_or_default().to_owned() + value;
        let len = grown.len();
        self.set(key, grown.into());
        Value::Integer(len as i64)
    }

    fn pop(&mut self, queue: QueueId) -> Option<String> {
        (!self.lists[queue].is_empty()).then(|| Rc::make_mut(&mut self.lists[queue]).remove(0))
    }

    fn get(&self, key: KeyId) -> Value {
        self.values[key].as_ref().map_or(Value::NullBulk, |value| Value::Bulk(value.as_bytes().to_vec()))
    }

    fn set(&mut self, key: KeyId, value: Rc<str>) -> Value {
        self.values[key] = Some(value);
        self.touch(key);
        ok()
    }

    fn incr(&mut self, key: KeyId) -> Value {
        match self.values[key].as_ref().map_or(Ok(0), |value| value.parse::<i64>()) {
            Ok(number) => {
                self.set(key, (number + 1).to_string().into());
                Value::Integer(number + 1)
            }
            Err(_) => error("ERR value is not an integer or out of range"),
        }
    }

    fn delete(&mut self, key: KeyId) -> bool {
        let there = self.values[key].take().is_some();
        if there {
            self.touch(key);
        }
        there
    }

    /// A change voids the transactions of all who watch the key, the client that made it included.
    fn touch(&mut self, key: KeyId) {
        for (client, watched) in self.watched.iter().enumerate() {
            if watched & 1 << key != 0 {
                self.dirty |= 1 << client;
            }
        }
    }

    fn unwatch(&mut self, client: usize) -> Value {
        self.watched[client] = 0;
        self.dirty &= !(1 << client);
        ok()
    }
}

fn bulk(text: String) -> Value {
    Value::Bulk(text.into_bytes())
}

/// The reply of a command that did what it was told.
pub fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

/// An error reply.
pub fn error(text: &str) -> Value {
    Value::Error(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_by_anyone_voids_the_transactions_that_watch_the_key() {
        let mut state = State::default();
        let exec = Operation::Exec(vec![Operation::Incr(0)]);
        state.apply(0, &Operation::Watch(vec![0, 1]));
        state.apply(1, &Operation::Del(vec![1]));
        assert_eq!(state.apply(0, &exec), Value::Array(vec![Value::Integer(1)]), "nothing was deleted");
        state.apply(0, &Operation::Watch(vec![0, 1]));
        state.apply(1, &Operation::Rename(0, 2));
        assert_eq!(state.apply(0, &exec), Value::NullArray);
        assert_eq!(state.apply(0, &exec), Value::Array(vec![Value::Integer(1)]), "void once only");
    }
}
