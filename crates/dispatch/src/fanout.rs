//! Published messages that came to a worker, on their way to its clients.
//!
//! A worker often gets many messages of one channel at once. Neighbouring ones that the same clients receive are
//! written once, and each client is visited once for all of them: what a delivery costs is mostly the visit.

use command::clients::channels::{Kind, Messages, Name, Publication};
use command::{Server, WorkerState};
use std::sync::Arc;

/// Bytes of messages that are written together.
const TOGETHER_MAX: usize = 32 << 10;

/// Neighbouring messages that the same clients receive.
pub struct Run {
    /// What these clients have subscribed to.
    kind: Kind,
    name: Name,
    messages: Messages,
    /// Bytes of the messages, and of those that nobody else is to receive any more when this run is delivered.
    bytes: usize,
    last_of: usize,
}

impl Run {
    /// Takes another message, if the same clients receive it.
    fn take(&mut self, kind: Kind, name: &Name, publication: &Arc<Publication>) -> bool {
        let bytes = publication.memory();
        let fits = self.kind == kind
            && Arc::ptr_eq(&self.name, name)
            && self.bytes + bytes <= TOGETHER_MAX
            && self.messages.except() == publication.except;
        if fits {
            self.messages.push(publication.clone());
            self.bytes += bytes;
            self.last_of += bytes;
        }
        fits
    }

    /// The clients that receive the messages, and these.
    pub fn deliver(self, server: &Server, state: &WorkerState) -> (Box<[u64]>, Messages) {
        let Run { kind, name, messages, last_of, .. } = self;
        let except = messages.except();
        let subscribers = state.subscribers.borrow();
        let clients = subscribers.of(kind, &name).iter().copied().filter(|&client| client != except).collect();
        server.channels.note_delivered(state.id, last_of);
        (clients, messages)
    }
}

/// Finds the ways in which clients of this worker receive a message, and calls `begin` with each new run. `last` is the
/// run that was begun last, if nothing else has to be done behind it.
pub fn sort_out(
    server: &Server,
    state: &WorkerState,
    publication: &Arc<Publication>,
    last: Option<&mut Run>,
    mut begin: impl FnMut(Run),
) {
    let subscribers = state.subscribers.borrow();
    let bytes = publication.memory();
    let mut ways = 0;
    subscribers.each_way(publication, |_, _| ways += 1);
    if ways == 0 {
        server.channels.note_delivered(state.id, bytes);
        return;
    }
    // A client that receives a message in two ways has it twice before the next one.
    let mut last = last.filter(|_| ways == 1);
    let mut left = ways;
    subscribers.each_way(publication, |kind, name| {
        left -= 1;
        if last.as_mut().is_some_and(|last| last.take(kind, name, publication)) {
            return;
        }
        let pattern = (kind == Kind::Pattern).then(|| name.clone());
        let messages = Messages::new(publication.clone(), pattern);
        begin(Run { kind, name: name.clone(), messages, bytes, last_of: if left == 0 { bytes } else { 0 } });
    });
}
