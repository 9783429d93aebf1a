//! What the commands that read for a group share: its consumers, and how what they did is logged.
//!
//! What a consumer was given is logged entry by entry, as the claim that makes it so anywhere, and never as the command
//! that gave it: which entries those are depends on the time, and on what was there.

use command::{CommandError, Ctx};
use engine::{Event, Update};
use value::stream::{ConsumerId, Group, StreamId};

pub(super) const CONSUMER_MADE: Event = Event::stream("xgroup-createconsumer");

/// A group of a stream, by their names.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub key: &'a [u8],
    pub group: &'a [u8],
}

impl Names<'_> {
    /// The error where one of both is not there.
    pub fn missing(&self) -> CommandError {
        CommandError::no_key_or_group(self.key, self.group)
    }
}

/// The time as groups keep it.
pub(super) fn now_ms(cx: &Ctx<'_>) -> i64 {
    cx.now().unix_ms
}

/// The consumer of this name, which is made if it is not there, and was seen now. Returns whether it was made, too.
pub(super) fn consumer(update: &mut Update<'_>, group: &mut Group, name: &[u8], now_ms: i64) -> (ConsumerId, bool) {
    let (consumer, is_new) = group.find_or_add(name, now_ms);
    group.consumer_mut(consumer).seen_ms = now_ms;
    if is_new {
        update.changed_unobserved(1, CONSUMER_MADE);
    }
    (consumer, is_new)
}

/// Logs whose a pending entry is, and how it came to be.
pub(super) fn log_pending(update: &mut Update<'_>, names: Names<'_>, group: &Group, id: StreamId) {
    let Some(nack) = group.nack(id).filter(|_| update.is_logged()) else { return };
    let consumer = group.consumer(nack.consumer()).name();
    let (time, count) = (nack.delivered_ms.to_string(), (nack.deliveries as i64).to_string());
    let (id, last) = (id.to_string(), group.last_delivered.to_string());
    update.log_as(&[
        b"XCLAIM",
        names.key,
        names.group,
        consumer,
        b"0",
        id.as_bytes(),
        b"TIME",
        time.as_bytes(),
        b"RETRYCOUNT",
        count.as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last.as_bytes(),
    ]);
}

/// Logs how far a group is.
pub(super) fn log_progress(update: &mut Update<'_>, names: Names<'_>, group: &Group) {
    if !update.is_logged() {
        return;
    }
    let read = group.entries_read.map_or(-1, |read| read as i64).to_string();
    let last = group.last_delivered.to_string();
    update.log_as(&[b"XGROUP", b"SETID", names.key, names.group, last.as_bytes(), b"ENTRIESREAD", read.as_bytes()]);
}
