//! A key's place: what it holds, and every way to change that. Each change says which event it is, and is announced.

use crate::effects::{Effects, Log};
use crate::event::Event;
use crate::expire::{discard, note_expired_field};
use crate::observe::Observers;
use crate::observe::waits::{WaitTable, Wakes};
use crate::shard::subexpiry::{Subexpiry, next_deadline};
use base::rng::Rng;
use smallvec::SmallVec;
use structures::dict::{self, EntryMut, EntryRef, NewValue, OwnedValue, ValueRef};
use value::{Kind, Object, View, Workbench, small};

/// Who has to hear of a change of one key.
pub(super) struct Announce<'s> {
    pub(super) effects: &'s mut Effects,
    observers: &'s mut Observers,
    waits: &'s WaitTable,
    subexpiry: &'s mut Subexpiry,
    db: usize,
    key: &'s [u8],
}

impl<'s> Announce<'s> {
    #[inline]
    pub fn new(
        effects: &'s mut Effects,
        observers: &'s mut Observers,
        waits: &'s WaitTable,
        subexpiry: &'s mut Subexpiry,
        db: usize,
        key: &'s [u8],
    ) -> Announce<'s> {
        Announce { effects, observers, waits, subexpiry, db, key }
    }

    #[inline]
    pub fn changed(&mut self, event: Event) {
        self.effects.command.dirty += 1;
        self.touched();
        self.effects.fire(self.db, event, self.key);
    }

    /// Notes for those who wait for the key what happened to it.
    #[inline]
    pub fn wake(&mut self, wakes: Wakes) {
        if !self.waits.is_empty() && self.waits.has(self.db, self.key, wakes) {
            self.effects.outbox.note_ready(self.db, self.key, wakes);
        }
    }

    /// Changes a collection and announces that; returns whether it is to be deleted, being empty now.
    #[inline]
    fn change<T: Kind, R>(
        &mut self,
        object: &mut Object,
        change: impl FnOnce(&mut T, &mut Update<'_>) -> R,
    ) -> Result<(R, bool), WrongKind> {
        let due = next_deadline(object);
        let mut update = Update {
            effects: self.effects,
            db: self.db,
            key: self.key,
            dirty: 0,
            is_observed: false,
            wakes: false,
            events: SmallVec::new(),
        };
        let result = change(T::of_mut(object).ok_or(WrongKind)?, &mut update);
        let Update { dirty, is_observed, wakes, events, .. } = update;
        self.subexpiry(due, next_deadline(object));
        self.effects.command.dirty += dirty;
        if is_observed {
            self.touched();
        } else if wakes {
            self.wake(Wakes::CHANGED);
        }
        for event in events {
            self.effects.fire(self.db, event, self.key);
        }
        Ok((result, object.is_empty() && !object.may_be_empty()))
    }

    /// A change that is not an event of its own.
    #[inline]
    pub fn touched(&mut self) {
        self.observers.note_change(self.db, self.key, &mut self.effects.outbox.invalidations);
        self.wake(Wakes::CHANGED);
    }

    /// Lets go of what the key held.
    #[inline]
    pub fn discard(&mut self, removed: dict::Removed<Object>) {
        self.wake(Wakes::GONE);
        self.subexpiry.forget(self.key, &removed);
        discard(self.effects, removed);
    }

    /// The earliest deadline among the fields below this key has become another one.
    #[inline]
    pub fn subexpiry(&mut self, before: Option<u64>, after: Option<u64>) {
        if before != after {
            self.subexpiry.note(self.key, after, self.effects.turn.now_ms);
        }
    }
}

/// Where a key is, or would be.
pub enum Slot<'s> {
    Occupied(Occupied<'s>),
    Vacant(Vacant<'s>),
}

impl<'s> Slot<'s> {
    pub fn occupied(self) -> Option<Occupied<'s>> {
        match self {
            Slot::Occupied(occupied) => Some(occupied),
            Slot::Vacant(_) => None,
        }
    }

    /// Sets the value as SET does: it replaces what was there, whatever its type, and its deadline.
    #[inline]
    pub fn set(self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        match self {
            Slot::Occupied(occupied) => occupied.overwrite(value, deadline, event),
            Slot::Vacant(vacant) => vacant.insert(value, deadline, event),
        }
    }
}

/// A key that is there.
pub struct Occupied<'s> {
    pub(super) entry: EntryMut<'s, Object>,
    pub(super) announce: Announce<'s>,
}

impl<'s> Occupied<'s> {
    #[inline]
    pub fn value(&self) -> ValueRef<'_, Object> {
        self.entry.value()
    }

    /// The entry, to look at.
    pub fn entry(&self) -> EntryRef<'_, Object> {
        self.entry.as_ref()
    }

    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        self.entry.deadline()
    }

    /// Milliseconds since the epoch, the same for the whole turn.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.announce.effects.turn.now_ms
    }

    /// Whether a key deleted for its age is logged as UNLINK rather than DEL.
    pub fn expires_lazily(&self) -> bool {
        self.announce.effects.turn.lazy_expire
    }

    /// Counts further changes, of a command that counts as several.
    #[inline]
    pub fn add_dirty(&mut self, changes: u64) {
        self.announce.effects.command.dirty += changes;
    }

    /// Whether effects are written down: a handler asks before it prints numbers for a record.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.announce.effects.command.journal_on
    }

    /// Logs the running command as these words in the key's database, instead of as it was sent. May be called several
    /// times.
    pub fn log_as(&mut self, args: &[&[u8]]) {
        self.announce.effects.command.log_as(self.announce.db, args);
    }

    /// How the running command is logged.
    pub fn log(&mut self) -> Log<'_> {
        Log { db: self.announce.db, part: &mut self.announce.effects.command }
    }

    /// Writes down that the key was used.
    #[inline]
    pub fn note_use(&mut self) {
        let effects = &mut *self.announce.effects;
        if effects.command.notes_use {
            let bits = effects.turn.recency.touched(self.entry.lru(), &mut effects.rng);
            self.entry.set_lru(bits);
        }
    }

    /// Counts a hit, for commands that read and write.
    #[inline]
    pub fn count_hit(&mut self) {
        self.announce.effects.counters.hits += 1;
    }

    /// Replaces value and deadline; fires `overwritten` and `type_changed` as due, then `event`.
    #[inline]
    pub fn overwrite(mut self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        let announce = &mut self.announce;
        if announce.effects.command.event_classes != 0 {
            announce.effects.fire(announce.db, Event::OVERWRITTEN, announce.key);
            if value::type_name(&self.entry.value()) != value::new_type_name(&value) {
                announce.effects.fire(announce.db, Event::TYPE_CHANGED, announce.key);
            }
        }
        self.replace(value);
        if deadline != self.entry.deadline() {
            self.entry.set_deadline(deadline);
        }
        self.announce.changed(event);
        self
    }

    /// Replaces the value; the deadline stays.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_, Object>, event: Event) {
        self.replace(value);
        self.announce.changed(event);
    }

    /// Makes the value this integer, in place when it is one already; the deadline stays.
    #[inline]
    pub fn set_int(&mut self, value: i64, event: Event) {
        let removed = self.entry.set_int(value);
        self.announce.discard(removed);
        self.entry.set_user_flag(false);
        self.note_use();
        self.announce.changed(event);
    }

    #[inline]
    fn replace(&mut self, value: NewValue<'_, Object>) {
        let due = subexpiry_of(&value);
        let removed = in_entry_form(value, |value| self.entry.replace(value));
        self.announce.discard(removed);
        self.announce.subexpiry(None, due);
        let recency = self.announce.effects.turn.recency;
        if !recency.lfu {
            self.entry.set_lru(recency.initial());
        }
        self.entry.set_user_flag(false);
    }

    /// Lends the string to be edited in place, resized to `len` bytes (new ones are zero). `None`: not bytes in
    /// memory, the caller sets them with `set_value` first.
    pub fn edit_bytes(&mut self, len: usize, event: Event) -> Option<&mut [u8]> {
        self.announce.changed(event);
        self.entry.set_user_flag(true);
        if !self.entry.resize_bytes(len) {
            return None;
        }
        self.entry.bytes_mut()
    }

    /// Appends to the string.
    pub fn append(&mut self, bytes: &[u8], event: Event) {
        self.announce.changed(event);
        self.entry.append(bytes);
        self.entry.set_user_flag(true);
    }

    /// Lends the string to be edited in place, resized to `len` bytes (new ones are zero). `edit` says how many
    /// changes it made besides its result; with none, and the old length, nothing is announced. `None`: not bytes,
    /// or memory does not suffice; `edit` did not run.
    pub fn edit_bytes_if<R>(
        &mut self,
        len: usize,
        event: Event,
        edit: impl FnOnce(&mut [u8]) -> (u64, R),
    ) -> Option<R> {
        let resize = match self.entry.value() {
            ValueRef::Bytes(bytes) => bytes.len() != len,
            ValueRef::Blob(blob) => blob.len() != len,
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(_) => return None,
        };
        if resize && !self.entry.resize_bytes(len) {
            return None;
        }
        let (changes, result) = edit(self.entry.bytes_mut()?);
        self.entry.set_user_flag(true);
        match (changes, resize) {
            (0, false) => {}
            // The new length alone was no change that the caller counts, yet it must be logged and watched for.
            (0, true) => self.announce.changed(Event::NONE),
            _ => {
                self.announce.changed(event);
                self.announce.effects.command.dirty += changes - 1;
            }
        }
        Some(result)
    }

    /// Makes the string one that can be edited in place ("raw"): an integer becomes its text. That is a change of
    /// its encoding and of nothing else.
    pub fn set_raw(&mut self) {
        if let ValueRef::Int(integer) = self.entry.value() {
            let mut scratch = value::string::Scratch::default();
            let removed = self.entry.replace(NewValue::Bytes(scratch.print(integer)));
            discard(self.announce.effects, removed);
        }
        self.entry.set_user_flag(true);
    }

    /// Whether it is a collection of this kind.
    pub fn expect<T: Kind>(&self) -> Result<(), WrongKind> {
        if value::type_name(&self.entry.value()) == T::TYPE { Ok(()) } else { Err(WrongKind) }
    }

    /// The collection, if it is of this kind.
    pub fn get<T: Kind>(&mut self) -> Result<&T, WrongKind> {
        match self.announce.effects.scratch.view(self.entry.as_ref().value()) {
            View::Object(object) => T::of(object).ok_or(WrongKind),
            View::Str(_) => Err(WrongKind),
        }
    }

    /// Lends a collection of this kind to be changed. `change` says to the [`Update`] what it did; if it says nothing,
    /// nothing is announced. A collection that is left empty goes, with a `del` event after those of the change.
    pub fn update<T: Kind, R>(mut self, change: impl FnOnce(&mut T, &mut Update<'_>) -> R) -> Result<R, WrongKind> {
        self.note_use();
        let (result, emptied) = match self.entry.value() {
            ValueRef::Tagged(small) => {
                let mut scratch = std::mem::take(&mut self.announce.effects.scratch);
                let done = self.announce.change(scratch.inflate(small), change);
                if let Ok((_, emptied)) = &done
                    && !emptied
                {
                    self.put_back(&mut scratch);
                }
                self.announce.effects.scratch = scratch;
                done?
            }
            _ => self.announce.change(self.entry.boxed_mut().ok_or(WrongKind)?, change)?,
        };
        if emptied {
            self.fire(Event::DEL);
            let removed = self.entry.remove();
            self.announce.discard(removed);
        }
        Ok(result)
    }

    /// Takes over what became of a small collection.
    #[inline]
    fn put_back(&mut self, scratch: &mut Workbench) {
        match scratch.deflate() {
            Some(small) => drop(self.entry.replace(NewValue::Tagged(small))),
            None => drop(self.entry.replace(NewValue::Boxed(scratch.take()))),
        }
    }

    #[inline]
    pub fn set_deadline(&mut self, deadline: Option<u64>, event: Event) {
        self.entry.set_deadline(deadline);
        self.announce.changed(event);
    }

    /// A further event about this change (SET with EX fires `set` and `expire`).
    #[inline]
    pub fn fire(&mut self, event: Event) {
        let announce = &mut self.announce;
        announce.effects.fire(announce.db, event, announce.key);
    }

    pub fn delete(mut self, event: Event) {
        self.announce.changed(event);
        let removed = self.entry.remove();
        self.announce.discard(removed);
    }

    /// Takes the value out (RENAME, MOVE, GETDEL).
    pub fn take(mut self, event: Event) -> (OwnedValue<Object>, Option<u64>) {
        self.announce.changed(event);
        self.lift()
    }

    /// Takes the value out, unannounced.
    pub(super) fn lift(mut self) -> (OwnedValue<Object>, Option<u64>) {
        let due = self.entry.boxed_mut().and_then(|object| next_deadline(object));
        self.announce.wake(Wakes::GONE);
        self.announce.subexpiry(due, None);
        self.entry.take()
    }
}

/// The key holds a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongKind;

/// A change of a collection, while it is made.
pub struct Update<'u> {
    effects: &'u mut Effects,
    db: usize,
    key: &'u [u8],
    dirty: u64,
    /// Whether those who watch the key hear of it.
    is_observed: bool,
    /// Whether those who wait for the key look again, though it was not changed for those who watch it.
    wakes: bool,
    events: SmallVec<[Event; 2]>,
}

impl Update<'_> {
    /// Milliseconds since the epoch, the same for the whole turn.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.effects.turn.now_ms
    }

    pub fn rng(&mut self) -> &mut Rng {
        &mut self.effects.rng
    }

    /// Whether effects are written down: a handler asks before it prints numbers for a record.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.effects.command.journal_on
    }

    /// Logs the running command as these words in the key's database, instead of as it was sent. May be called several
    /// times.
    pub fn log_as(&mut self, args: &[&[u8]]) {
        self.effects.command.log_as(self.db, args);
    }

    /// How the running command is logged.
    pub fn log(&mut self) -> Log<'_> {
        Log { db: self.db, part: &mut self.effects.command }
    }

    /// Says what was done: how many changes it counts as, and which event it is.
    pub fn changed(&mut self, dirty: u64, event: Event) {
        self.is_observed = true;
        self.changed_unobserved(dirty, event);
    }

    /// The same for a change that transactions and caches do not count as one: Redis has it so for the groups of a
    /// stream.
    pub fn changed_unobserved(&mut self, dirty: u64, event: Event) {
        self.dirty += dirty;
        self.events.push(event);
    }

    /// Lets those who wait for the key try again.
    pub fn wake(&mut self) {
        self.wakes = true;
    }

    /// Says that a field of a hash was removed for its age.
    pub fn field_expired(&mut self, field: &[u8]) {
        self.is_observed = true;
        note_expired_field(self.effects, self.db, self.key, field);
        // As Redis does: one event, however many fields a command meets.
        if !self.events.iter().any(|event| event.name == Event::HASH_EXPIRED.name) {
            self.events.push(Event::HASH_EXPIRED);
        }
    }
}

/// When fields of a value that is about to be stored will expire.
#[inline]
pub(super) fn subexpiry_of(value: &NewValue<'_, Object>) -> Option<u64> {
    match value {
        NewValue::Boxed(object) => next_deadline(object),
        NewValue::Unit | NewValue::Int(_) | NewValue::Bytes(_) | NewValue::Blob(_) | NewValue::Tagged(_) => None,
    }
}

/// Stores a value in the form in which the keyspace keeps it: a collection that is small enough is kept within the
/// entry.
#[inline]
pub(super) fn in_entry_form<R>(value: NewValue<'_, Object>, store: impl FnOnce(NewValue<'_, Object>) -> R) -> R {
    let mut image = Vec::new();
    if let NewValue::Boxed(object) = &value
        && let Some(small) = small::deflate(object, &mut image)
    {
        return store(NewValue::Tagged(small));
    }
    store(value)
}

/// A key that is not there.
pub struct Vacant<'s> {
    pub(super) place: dict::VacantEntry<'s, Object>,
    pub(super) announce: Announce<'s>,
}

impl<'s> Vacant<'s> {
    /// Fills the place; fires `new`, then `event`.
    #[inline]
    pub fn insert(mut self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        let due = subexpiry_of(&value);
        let fills = matches!(value, NewValue::Boxed(_) | NewValue::Tagged(_));
        let place = self.place;
        let mut entry = in_entry_form(value, |value| place.insert(value, deadline));
        entry.set_lru(self.announce.effects.turn.recency.initial());
        let announce = &mut self.announce;
        if fills {
            announce.wake(Wakes::FILLED);
        }
        announce.subexpiry(None, due);
        announce.effects.fire(announce.db, Event::NEW, announce.key);
        announce.changed(event);
        Occupied { entry, announce: self.announce }
    }

    /// Fills the place with a collection, which must not be empty unless it may be; that counts as so many changes.
    pub fn create<T: Kind>(self, collection: T, dirty: u64, event: Event) -> Occupied<'s> {
        let object = collection.into_object();
        debug_assert!(!object.is_empty() || object.may_be_empty(), "it is never empty in the keyspace");
        let mut image = Vec::new();
        let mut occupied = match small::deflate(&object, &mut image) {
            Some(small) => self.insert(NewValue::Tagged(small), None, event),
            None => self.insert(NewValue::Boxed(Box::new(object)), None, event),
        };
        occupied.add_dirty(dirty.saturating_sub(1));
        occupied
    }

    /// Counts a miss and fires `keymiss`, for commands that read and write.
    pub fn count_miss(&mut self) {
        let announce = &mut self.announce;
        announce.effects.counters.misses += 1;
        announce.effects.fire(announce.db, Event::KEY_MISS, announce.key);
    }
}
