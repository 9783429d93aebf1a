//! What the loop does for messages, and for what is due.

use super::{EventLoop, Slot, lend};
use crate::driver::Driver;
use crate::mailbox::Mail;
use crate::{Action, Next, Service};

impl<S: Service, D: Driver> EventLoop<S, D> {
    #[cold]
    pub(super) fn open_mailbox(&mut self) {
        for action in std::mem::take(&mut self.later) {
            self.apply(action);
        }
        for mail in self.mailbox.take() {
            match mail {
                Mail::Connection(stream, peer) => self.add(stream, &peer),
                Mail::Stop => self.stopping = true,
                Mail::Message(message) => self.service.message(message),
            }
        }
    }

    pub(super) fn apply_due(&mut self) {
        while let Some(action) = self.service.due() {
            self.apply(action);
        }
    }

    fn apply(&mut self, action: Action<S::Message, S::Push>) {
        match action {
            Action::Close(id) => {
                let Some(&slot) = self.by_id.get(&id) else { return };
                match &mut self.connections[slot] {
                    Some(connection) if connection.in_turn => connection.doomed = true,
                    _ => self.close(slot),
                }
            }
            Action::Push(ids, push) => {
                for id in ids {
                    self.push(id, &push);
                }
            }
            Action::Deliver(id, message) => self.deliver(id, message),
            Action::Resume(id) => {
                if let Some(&slot) = self.by_id.get(&id)
                    && let Some(connection) = &mut self.connections[slot]
                    && connection.waiting
                {
                    connection.resumed = true;
                    self.list(slot);
                }
            }
            Action::ResumeAll => {
                let waiting = |(slot, connection): (usize, &Slot<S, D>)| {
                    connection.as_ref().is_some_and(|connection| connection.waiting).then_some(slot)
                };
                let slots: Vec<usize> = self.connections.iter().enumerate().filter_map(waiting).collect();
                for slot in slots {
                    if let Some(connection) = &mut self.connections[slot] {
                        connection.resumed = true;
                    }
                    self.list(slot);
                }
            }
        }
    }

    /// Writes to a connection's output; it is sent in this turn.
    fn push(&mut self, id: u64, push: &S::Push) {
        let EventLoop { connections, by_id, service, spare, ready, .. } = self;
        let Some(&slot) = by_id.get(&id) else { return };
        let Some(connection) = connections[slot].as_deref_mut() else { return };
        lend(spare, &mut connection.output);
        service.push(&mut connection.state, push, &mut connection.output);
        // In its turn it is sent with the replies.
        if !connection.in_turn && !connection.listed && !connection.output.is_empty() {
            connection.listed = true;
            ready.push(slot);
        }
    }

    /// Hands a message to a connection; what it answers is sent, and the rest of its input follows, in this turn.
    fn deliver(&mut self, id: u64, message: S::Message) {
        let EventLoop { connections, by_id, service, spare, later, .. } = self;
        let Some(&slot) = by_id.get(&id) else { return };
        let Some(connection) = connections[slot].as_deref_mut() else { return };
        if connection.in_turn {
            later.push(Action::Deliver(id, message));
            return;
        }
        lend(spare, &mut connection.output);
        match service.deliver(&mut connection.state, message, &mut connection.output) {
            Some(next) => {
                connection.note(next);
                if next == Next::DeliverFirst {
                    self.deliver_first(slot);
                }
            }
            None if connection.output.is_empty() => return,
            None => {}
        }
        self.list(slot);
    }

    /// Applies what is in the mailbox by now, and lets the connection go on behind it.
    #[cold]
    pub(super) fn deliver_first(&mut self, slot: usize) {
        /// So often it is tried in this turn, then in the next one: what the connection waits for may not be in the
        /// mailbox yet.
        const ATTEMPTS: usize = 16;
        for _ in 0..ATTEMPTS {
            let in_turn = match &mut self.connections[slot] {
                Some(connection) => std::mem::replace(&mut connection.in_turn, true),
                None => return,
            };
            self.open_mailbox();
            self.apply_due();
            let EventLoop { connections, service, .. } = self;
            let Some(connection) = connections[slot].as_deref_mut() else { return };
            connection.in_turn = in_turn;
            let next = service.resume(&mut connection.state, &mut connection.output);
            connection.note(next);
            if next != Next::DeliverFirst {
                return;
            }
        }
        if let Some(connection) = &mut self.connections[slot] {
            connection.resumed = true;
        }
        self.list(slot);
    }
}
