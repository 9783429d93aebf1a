//! Hashes, sets and sorted sets: what clients ask of them, and what they hold.
//!
//! Fields and members are numbers here, few enough for a state to be a handful of small arrays, which a search copies
//! all the time. What the server answers in no particular order is put in order ([`Request::in_order`]) before it is
//! compared.

use base::rng::Rng;
use resp::client::Value;

/// The keys, in shards of their own.
pub const HASHES: [&str; 2] = ["h0", "h1"];
pub const SETS: [&str; 3] = ["s0", "s1", "s2"];
pub const SORTED_SETS: [&str; 2] = ["z0", "z1"];

/// Fields of hashes, and members of sets, by their numbers.
pub const FIELDS: [&str; 3] = ["a", "b", "c"];
pub const MEMBERS: [&str; 4] = ["a", "b", "c", "d"];

/// A command; keys, fields and members by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Hset(usize, usize, String),
    Hget(usize, usize),
    /// HINCRBY by one.
    Hincrby(usize, usize),
    Hdel(usize, usize),
    Hgetall(usize),
    Sadd(usize, usize),
    Srem(usize, usize),
    /// From, to, member.
    Smove(usize, usize, usize),
    Smembers(usize),
    /// Into the first, of the other two.
    Sunionstore([usize; 3]),
    Sinterstore([usize; 3]),
    Zadd(usize, usize, String),
    /// ZINCRBY by one.
    Zincrby(usize, usize),
    Zrem(usize, usize),
    Zpopmin(usize),
    /// ZRANGE of all, with scores.
    Zrange(usize),
    /// Into the first, of both.
    Zunionstore(usize),
    Bzpopmin(Vec<usize>),
}

impl Request {
    /// The requests that read everything, in the order in which [`Collections::of_all`] wants their replies.
    pub fn read_all() -> impl Iterator<Item = Request> {
        let hashes = (0..HASHES.len()).map(Request::Hgetall);
        let sets = (0..SETS.len()).map(Request::Smembers);
        hashes.chain(sets).chain((0..SORTED_SETS.len()).map(Request::Zrange))
    }

    pub fn words(&self) -> Vec<&str> {
        match self {
            Request::Hset(key, field, value) => vec!["HSET", HASHES[*key], FIELDS[*field], value],
            Request::Hget(key, field) => vec!["HGET", HASHES[*key], FIELDS[*field]],
            Request::Hincrby(key, field) => vec!["HINCRBY", HASHES[*key], FIELDS[*field], "1"],
            Request::Hdel(key, field) => vec!["HDEL", HASHES[*key], FIELDS[*field]],
            Request::Hgetall(key) => vec!["HGETALL", HASHES[*key]],
            Request::Sadd(key, member) => vec!["SADD", SETS[*key], MEMBERS[*member]],
            Request::Srem(key, member) => vec!["SREM", SETS[*key], MEMBERS[*member]],
            Request::Smove(from, to, member) => vec!["SMOVE", SETS[*from], SETS[*to], MEMBERS[*member]],
            Request::Smembers(key) => vec!["SMEMBERS", SETS[*key]],
            Request::Sunionstore([to, a, b]) => vec!["SUNIONSTORE", SETS[*to], SETS[*a], SETS[*b]],
            Request::Sinterstore([to, a, b]) => vec!["SINTERSTORE", SETS[*to], SETS[*a], SETS[*b]],
            Request::Zadd(key, member, score) => vec!["ZADD", SORTED_SETS[*key], score, MEMBERS[*member]],
            Request::Zincrby(key, member) => vec!["ZINCRBY", SORTED_SETS[*key], "1", MEMBERS[*member]],
            Request::Zrem(key, member) => vec!["ZREM", SORTED_SETS[*key], MEMBERS[*member]],
            Request::Zpopmin(key) => vec!["ZPOPMIN", SORTED_SETS[*key]],
            Request::Zrange(key) => vec!["ZRANGE", SORTED_SETS[*key], "0", "-1", "WITHSCORES"],
            Request::Zunionstore(to) => vec!["ZUNIONSTORE", SORTED_SETS[*to], "2", SORTED_SETS[0], SORTED_SETS[1]],
            Request::Bzpopmin(keys) => {
                std::iter::once("BZPOPMIN").chain(keys.iter().map(|&key| SORTED_SETS[key])).chain(["0"]).collect()
            }
        }
    }

    /// The reply with its elements in the order of the model, where the server has none.
    pub fn in_order(&self, reply: Value) -> Value {
        let size = match self {
            Request::Hgetall(_) => 2,
            Request::Smembers(_) => 1,
            _ => return reply,
        };
        let Value::Array(elements) = reply else { return reply };
        let mut groups: Vec<&[Value]> = elements.chunks(size).collect();
        groups.sort_by_key(|group| group[0].to_string());
        Value::Array(groups.concat())
    }

    /// Draws a request. More is taken out of sorted sets than put in, so that clients wait.
    pub fn draw(rng: &mut Rng, mut value: impl FnMut() -> String) -> Request {
        let mut below = |count: usize| rng.below(count as u64) as usize;
        let (hash, field) = (below(HASHES.len()), below(FIELDS.len()));
        let (set, member) = (below(SETS.len()), below(MEMBERS.len()));
        let other_set = (set + 1 + below(SETS.len() - 1)) % SETS.len();
        let sorted = below(SORTED_SETS.len());
        match below(32) {
            0..3 => Request::Hset(hash, field, value()),
            3 => Request::Hget(hash, field),
            4..7 => Request::Hincrby(hash, field),
            7 => Request::Hdel(hash, field),
            8 => Request::Hgetall(hash),
            9..12 => Request::Sadd(set, member),
            12 => Request::Srem(set, member),
            13..17 => Request::Smove(set, other_set, member),
            17 => Request::Smembers(set),
            18 => Request::Sunionstore([set, other_set, below(SETS.len())]),
            19 => Request::Sinterstore([set, other_set, below(SETS.len())]),
            20..22 => Request::Zadd(sorted, member, value()),
            22 => Request::Zincrby(sorted, member),
            23 => Request::Zrem(sorted, member),
            24..26 => Request::Zpopmin(sorted),
            26 => Request::Zrange(sorted),
            27 => Request::Zunionstore(sorted),
            28..30 => Request::Bzpopmin(vec![sorted]),
            _ => Request::Bzpopmin(vec![sorted, 1 - sorted]),
        }
    }
}

/// A number that no field and no score ever has: it is not there. Plain numbers are copied and hashed at once.
const ABSENT: i64 = i64::MIN;

/// What all collections hold. Values of fields are numbers; a set is a bit for each member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collections {
    hashes: [[i64; FIELDS.len()]; HASHES.len()],
    sets: [u8; SETS.len()],
    sorted: [[i64; MEMBERS.len()]; SORTED_SETS.len()],
}

impl Default for Collections {
    fn default() -> Collections {
        Collections {
            hashes: [[ABSENT; FIELDS.len()]; HASHES.len()],
            sets: [0; SETS.len()],
            sorted: [[ABSENT; MEMBERS.len()]; SORTED_SETS.len()],
        }
    }
}

impl Collections {
    /// The state that the replies to [`Request::read_all`] show.
    pub fn of_all(replies: &[Value]) -> Collections {
        let mut state = Collections::default();
        let texts = |reply: &Value| -> Vec<String> {
            let Value::Array(elements) = reply else { return Vec::new() };
            elements.iter().map(|element| element.to_string().replace('"', "")).collect()
        };
        let number_of = |names: &[&str], name: &String| names.iter().position(|known| known == name);
        let mut replies = replies.iter().map(texts);
        for hash in &mut state.hashes {
            for pair in replies.next().unwrap_or_default().chunks(2) {
                if let Some(field) = number_of(&FIELDS, &pair[0]) {
                    hash[field] = number(&pair[1]);
                }
            }
        }
        for set in &mut state.sets {
            let members = replies.next().unwrap_or_default();
            *set =
                members.iter().filter_map(|name| number_of(&MEMBERS, name)).fold(0, |bits, member| bits | 1 << member);
        }
        for sorted in &mut state.sorted {
            for pair in replies.next().unwrap_or_default().chunks(2) {
                if let Some(member) = number_of(&MEMBERS, &pair[0]) {
                    sorted[member] = number(&pair[1]);
                }
            }
        }
        state
    }

    /// Does what is asked; returns the reply.
    pub fn apply(&mut self, request: &Request) -> Value {
        match request {
            Request::Hset(..) | Request::Hget(..) | Request::Hincrby(..) | Request::Hdel(..) | Request::Hgetall(_) => {
                self.apply_to_hash(request)
            }
            Request::Sadd(..)
            | Request::Srem(..)
            | Request::Smove(..)
            | Request::Smembers(_)
            | Request::Sunionstore(_)
            | Request::Sinterstore(_) => self.apply_to_set(request),
            Request::Zadd(..)
            | Request::Zincrby(..)
            | Request::Zrem(..)
            | Request::Zpopmin(_)
            | Request::Zrange(_)
            | Request::Zunionstore(_)
            | Request::Bzpopmin(_) => self.apply_to_sorted(request),
        }
    }

    fn apply_to_hash(&mut self, request: &Request) -> Value {
        match request {
            Request::Hset(key, field, value) => truth(put(&mut self.hashes[*key][*field], number(value))),
            Request::Hget(key, field) => match self.hashes[*key][*field] {
                ABSENT => Value::NullBulk,
                value => bulk(value.to_string()),
            },
            Request::Hincrby(key, field) => Value::Integer(increment(&mut self.hashes[*key][*field])),
            Request::Hdel(key, field) => truth(take(&mut self.hashes[*key][*field])),
            Request::Hgetall(key) => {
                let pairs = FIELDS.iter().zip(&self.hashes[*key]).filter(|(_, value)| **value != ABSENT);
                Value::Array(pairs.flat_map(|(field, value)| [bulk(field), bulk(value.to_string())]).collect())
            }
            other => unreachable!("{other:?} is about no hash"),
        }
    }

    fn apply_to_set(&mut self, request: &Request) -> Value {
        match request {
            Request::Sadd(key, member) => truth(self.add(*key, *member)),
            Request::Srem(key, member) => truth(self.remove(*key, *member)),
            Request::Smove(from, to, member) => {
                let there = self.remove(*from, *member);
                if there {
                    self.add(*to, *member);
                }
                truth(there)
            }
            Request::Smembers(key) => {
                let set = self.sets[*key];
                Value::Array(
                    (0..MEMBERS.len())
                        .filter(|member| set & 1 << member != 0)
                        .map(|member| bulk(MEMBERS[member]))
                        .collect(),
                )
            }
            Request::Sunionstore([to, a, b]) => self.store(*to, self.sets[*a] | self.sets[*b]),
            Request::Sinterstore([to, a, b]) => self.store(*to, self.sets[*a] & self.sets[*b]),
            other => unreachable!("{other:?} is about no set"),
        }
    }

    fn add(&mut self, set: usize, member: usize) -> bool {
        let before = self.sets[set];
        self.sets[set] |= 1 << member;
        self.sets[set] != before
    }

    fn remove(&mut self, set: usize, member: usize) -> bool {
        let before = self.sets[set];
        self.sets[set] &= !(1 << member);
        self.sets[set] != before
    }

    fn store(&mut self, set: usize, members: u8) -> Value {
        self.sets[set] = members;
        Value::Integer(i64::from(members.count_ones()))
    }

    fn apply_to_sorted(&mut self, request: &Request) -> Value {
        match request {
            Request::Zadd(key, member, score) => truth(put(&mut self.sorted[*key][*member], number(score))),
            Request::Zincrby(key, member) => bulk(increment(&mut self.sorted[*key][*member]).to_string()),
            Request::Zrem(key, member) => truth(take(&mut self.sorted[*key][*member])),
            Request::Zpopmin(key) => Value::Array(self.pop_lowest(*key).map_or_else(Vec::new, Vec::from)),
            Request::Zrange(key) => Value::Array(self.ranked(*key).into_iter().flat_map(shown).collect()),
            Request::Zunionstore(to) => {
                let sum = |member: usize| {
                    let scores = self.sorted.iter().map(|sorted| sorted[member]).filter(|score| *score != ABSENT);
                    scores.reduce(|a, b| a + b).unwrap_or(ABSENT)
                };
                self.sorted[*to] = std::array::from_fn(sum);
                Value::Integer(self.ranked(*to).len() as i64)
            }
            Request::Bzpopmin(keys) => {
                let popped = keys.iter().find_map(|&key| Some((key, self.pop_lowest(key)?)));
                popped.map_or(Value::NullArray, |(key, [member, score])| {
                    Value::Array(vec![bulk(SORTED_SETS[key]), member, score])
                })
            }
            other => unreachable!("{other:?} is about no sorted set"),
        }
    }

    /// Members with their scores, the lowest first.
    fn ranked(&self, key: usize) -> Vec<(i64, usize)> {
        let scores = self.sorted[key].iter().copied().zip(0..);
        let mut ranked: Vec<(i64, usize)> = scores.filter(|(score, _)| *score != ABSENT).collect();
        ranked.sort_unstable();
        ranked
    }

    fn pop_lowest(&mut self, key: usize) -> Option<[Value; 2]> {
        let lowest = *self.ranked(key).first()?;
        self.sorted[key][lowest.1] = ABSENT;
        Some(shown(lowest))
    }
}

/// Gives a field or member a value; returns whether it had none.
fn put(slot: &mut i64, value: i64) -> bool {
    std::mem::replace(slot, value) == ABSENT
}

/// Takes its value away; returns whether it had one.
fn take(slot: &mut i64) -> bool {
    std::mem::replace(slot, ABSENT) != ABSENT
}

fn increment(slot: &mut i64) -> i64 {
    *slot = if *slot == ABSENT { 1 } else { *slot + 1 };
    *slot
}

/// A value or score as a number: all are.
fn number(text: &str) -> i64 {
    text.parse().expect("values and scores are numbers")
}

fn shown((score, member): (i64, usize)) -> [Value; 2] {
    [bulk(MEMBERS[member]), bulk(score.to_string())]
}

fn bulk(text: impl AsRef<str>) -> Value {
    Value::Bulk(text.as_ref().into())
}

fn truth(truth: bool) -> Value {
    Value::Integer(i64::from(truth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{Connection, server};

    /// The model answers as the server does, and what is read of the server is what the model holds.
    #[test]
    fn alone_the_server_does_what_the_model_does() {
        let server = server(1);
        let mut connection = Connection::new(&server, 0);
        let (mut rng, mut model) = (Rng::seed(7), Collections::default());
        for number in 0..3000 {
            let request = Request::draw(&mut rng, || number.to_string());
            let sent = connection.try_send(&[request.words()]).or_else(|| connection.give_up());
            let reply = request.in_order(sent.expect("it is answered, or gives up"));
            assert_eq!(reply, model.apply(&request), "{request:?} in {model:?}");
            let all: Vec<Value> =
                Request::read_all().map(|request| request.in_order(connection.send(&[request.words()]))).collect();
            assert_eq!(Collections::of_all(&all), model, "after {request:?}");
        }
    }
}
