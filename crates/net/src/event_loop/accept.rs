//! How connections come and go.

use super::EventLoop;
use crate::Service;
use crate::connection::Connection;
use crate::driver::Driver;
use crate::listener::Listeners;
use crate::mailbox::Mailbox;
use crate::stream::{Peer, Stream};
use std::io;
use std::sync::Arc;

/// Connections accepted in one turn from one listener.
const ACCEPTS_PER_TURN: usize = 256;

impl<S: Service, D: Driver> EventLoop<S, D> {
    /// Makes this one of the loops that accept, for all `workers`. The listeners were made of its parts, among others'.
    pub fn listen(&mut self, listeners: Arc<Listeners>, workers: Vec<Mailbox<S::Message>>) {
        self.listeners = Some(listeners);
        self.workers = workers;
    }

    pub(super) fn accept(&mut self) {
        self.accept_again = false;
        self.accept_later = false;
        let Some(listeners) = self.listeners.clone() else { return };
        let options = self.service.tcp_options();
        let now_us = listeners.clock_us(self.now);
        for listener in listeners.lock().iter() {
            for number in 0.. {
                if number == ACCEPTS_PER_TURN {
                    self.accept_again = true;
                    break;
                }
                match listener.accept(options) {
                    Ok((stream, peer)) => self.assign(stream, peer, now_us),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // Gone before it was accepted: there may be others.
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
                    Err(error) => {
                        listeners.log_failure(&error);
                        self.accept_later = true;
                        break;
                    }
                }
            }
        }
    }

    /// Gives a connection to the worker that has the fewest, among those that are not stuck; if in doubt, to this one.
    fn assign(&mut self, stream: Stream, peer: Peer, now_us: u64) {
        let free = self.workers.iter().filter(|worker| worker.is_same(&self.mailbox) || !worker.is_stuck(now_us));
        match free.min_by_key(|worker| (worker.connections(), !worker.is_same(&self.mailbox))) {
            Some(worker) if !worker.is_same(&self.mailbox) => {
                if let Err(error) = worker.connect(stream, peer) {
                    // It lies in the mailbox all the same, and is found with what comes next.
                    log::warn!("Handing a connection to its worker: {error}");
                }
            }
            _ => {
                self.mailbox.count_connection();
                self.add(stream, &peer);
            }
        }
    }

    /// Serves a connection, which is counted already.
    pub(super) fn add(&mut self, mut stream: Stream, peer: &Peer) {
        let (id, state) = match self.service.open(peer) {
            Ok(opened) => opened,
            Err(refusal) => {
                // One attempt: a client that is refused is owed no more.
                let _ = io::Write::write(&mut stream, &refusal);
                self.mailbox.forget_connection();
                return;
            }
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let socket = match self.driver.adopt(stream, slot) {
            Ok(socket) => socket,
            Err(error) => {
                log::warn!("Waiting for a connection: {error}");
                self.service.closed(state);
                self.mailbox.forget_connection();
                self.free.push(slot);
                return;
            }
        };
        self.connections[slot] = Some(Box::new(Connection::new(id, socket, state)));
        self.by_id.insert(id, slot);
        self.list(slot);
    }

    pub(super) fn close(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::take) else { return };
        let Connection { id, socket, state, .. } = *connection;
        self.by_id.remove(&id);
        self.mailbox.forget_connection();
        self.free.push(slot);
        self.service.closed(state);
        // Last: who sees the end of the connection finds nothing of it any more.
        self.driver.release(socket);
    }
}
