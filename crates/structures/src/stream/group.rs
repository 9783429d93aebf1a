//! A group of consumers: which entries were given to whom, and are not acknowledged.
//!
//! ```text
//! pending:    id -> Nack { consumer, when, how often }      ordered by id
//! consumers:  slots, each with its name and the ids that it has, ordered too
//! by_name:    the slots in the order of the names
//! ```
//!
//! What is known about a pending entry is held once, with the group; a consumer has only the ids. Both are asked for in
//! order: the group for what waits longest, the consumer for what it has to do again. Each step costs O(log n) in the
//! entries of the group, so a million of them are no matter, and about 110 bytes each.
//!
//! Limits: fewer than 2^32 consumers. One that is removed leaves its slot to the next that comes, so a [`ConsumerId`]
//! is good until then.

use super::{StreamId, tree_bytes};
use std::collections::{BTreeMap, BTreeSet};

/// The group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The highest id that any consumer was given as new.
    pub last_delivered: StreamId,
    /// How many entries were added to the stream up to `last_delivered`, where that is known.
    pub entries_read: Option<u64>,
    consumers: Vec<Option<Consumer>>,
    by_name: Vec<u32>,
    pending: BTreeMap<StreamId, Nack>,
}

/// Names a consumer of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(u32);

/// A pending entry: given to a consumer, not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack {
    /// When it was given last, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often it was given.
    pub deliveries: u64,
    consumer: ConsumerId,
}

impl Nack {
    /// Who has it.
    pub fn consumer(&self) -> ConsumerId {
        self.consumer
    }
}

/// One who reads for a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Box<[u8]>,
    /// When it last tried to do something, in Unix milliseconds.
    pub seen_ms: i64,
    /// When it last got something; `None` if it never did.
    pub active_ms: Option<i64>,
    pending: BTreeSet<StreamId>,
}

impl Consumer {
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries are pending for it.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

impl Group {
    /// A group that goes on behind this id, and has no consumers.
    pub fn new(last_delivered: StreamId, entries_read: Option<u64>) -> Group {
        Group { last_delivered, entries_read, ..Group::default() }
    }

    /// Bytes held on the heap; walks the consumers.
    pub fn memory(&self) -> usize {
        let names: usize = self.consumers.iter().flatten().map(|consumer| consumer.name.len()).sum();
        let slots = self.consumers.capacity() * size_of::<Option<Consumer>>() + self.by_name.capacity() * 4;
        let trees = tree_bytes::<StreamId, Nack>(self.pending.len()) + tree_bytes::<StreamId, ()>(self.pending.len());
        names + slots + trees
    }

    // Consumers.

    fn at(&self, slot: u32) -> &Consumer {
        self.consumers[slot as usize].as_ref().expect("a named slot is in use")
    }

    /// Where a name is in the order, or would be.
    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name.binary_search_by(|&slot| (*self.at(slot).name).cmp(name))
    }

    /// The consumer of this name.
    pub fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        self.search(name).ok().map(|at| ConsumerId(self.by_name[at]))
    }

    /// The consumer of this name, made if it is not there; and whether it was made.
    pub fn find_or_add(&mut self, name: &[u8], seen_ms: i64) -> (ConsumerId, bool) {
        let place = match self.search(name) {
            Ok(at) => return (ConsumerId(self.by_name[at]), false),
            Err(place) => place,
        };
        let consumer = Consumer { name: Box::from(name), seen_ms, active_ms: None, pending: BTreeSet::new() };
        // Slots are more than names if one is free.
        let free = self.consumers.len() > self.by_name.len();
        let slot = match self.consumers.iter().position(Option::is_none).filter(|_| free) {
            Some(slot) => {
                self.consumers[slot] = Some(consumer);
                slot
            }
            None => {
                self.consumers.push(Some(consumer));
                self.consumers.len() - 1
            }
        };
        let slot = u32::try_from(slot).expect("a group has fewer than 2^32 consumers");
        self.by_name.insert(place, slot);
        (ConsumerId(slot), true)
    }

    pub fn consumer(&self, consumer: ConsumerId) -> &Consumer {
        self.at(consumer.0)
    }

    pub fn consumer_mut(&mut self, consumer: ConsumerId) -> &mut Consumer {
        self.consumers[consumer.0 as usize].as_mut().expect("a named slot is in use")
    }

    /// All consumers, in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (ConsumerId, &Consumer)> + '_ {
        self.by_name.iter().map(|&slot| (ConsumerId(slot), self.at(slot)))
    }

    /// Removes a consumer and what is pending for it. Returns how many entries that were.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let place = self.search(name).ok()?;
        let slot = self.by_name.remove(place) as usize;
        let consumer = self.consumers[slot].take().expect("a named slot is in use");
        if self.consumers.last().is_some_and(Option::is_none) {
            self.consumers.pop();
        }
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    // Pending entries.

    /// How many entries are pending.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is known of a pending entry.
    pub fn nack(&self, id: StreamId) -> Option<&Nack> {
        self.pending.get(&id)
    }

    pub fn nack_mut(&mut self, id: StreamId) -> Option<&mut Nack> {
        self.pending.get_mut(&id)
    }

    /// Makes an entry pending for a consumer, whoever had it before.
    pub fn give(&mut self, id: StreamId, consumer: ConsumerId, delivered_ms: i64, deliveries: u64) {
        let before = self.pending.insert(id, Nack { delivered_ms, deliveries, consumer });
        match before {
            Some(before) if before.consumer == consumer => return,
            Some(before) => _ = self.consumer_mut(before.consumer).pending.remove(&id),
            None => {}
        }
        self.consumer_mut(consumer).pending.insert(id);
    }

    /// Ends an entry's being pending. Returns whether it was.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(nack) = self.pending.remove(&id) else { return false };
        self.consumer_mut(nack.consumer).pending.remove(&id);
        true
    }

    /// The pending entries with ids from `from` to `to`, both included.
    pub fn pending(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Nack)> + Clone + '_ {
        let range = (from <= to).then(|| self.pending.range(from..=to));
        range.into_iter().flatten().map(|(id, nack)| (*id, nack))
    }

    /// What is pending for a consumer, with ids from `from` to `to`, both included.
    pub fn pending_of(
        &self,
        consumer: ConsumerId,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Nack)> + Clone + '_ {
        let ids = &self.consumer(consumer).pending;
        let range = (from <= to).then(|| ids.range(from..=to));
        range.into_iter().flatten().map(|id| (*id, &self.pending[id]))
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        let in_use = self.consumers.iter().flatten().count();
        assert_eq!(in_use, self.by_name.len());
        assert!(self.consumers().map(|(_, consumer)| consumer.name()).is_sorted_by(|one, other| one < other));
        let mut owned = 0;
        for (consumer, found) in self.consumers() {
            for id in &found.pending {
                assert_eq!(self.pending.get(id).map(Nack::consumer), Some(consumer), "{id}");
            }
            owned += found.pending.len();
        }
        assert_eq!(owned, self.pending.len());
    }
}
