//! The loop: wait, read, serve, write.

use crate::connection::{Connection, Got, READ_LEN};
use crate::driver::{Driver, Event};
use crate::epoll::Epoll;
use crate::listener::Listeners;
use crate::mailbox::Mailbox;
use crate::{Action, Next, Service, Turn};
use base::Output;
use hashbrown::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod accept;
mod actions;
#[cfg(test)]
mod tests;

/// Room for what is read from connections that are answered together.
const SHARED_LEN: usize = 4 * READ_LEN;
/// With so many bytes of replies kept back, they are sent before more commands run.
const UNSENT_MAX: usize = 256 * 1024;
/// A connection that moved so many bytes in its last turn, in either direction, is heavy: it is served after those that
/// are not.
const HEAVY_BYTES: usize = 32 * 1024;
/// Bytes read at a time from a heavy connection, so that the turn can end between two reads.
const HEAVY_READ_LEN: usize = 16 * 1024;
/// What a turn may spend on heavy connections, so that the others do not wait for all of them.
const HEAVY_TIME_PER_TURN: Duration = Duration::from_micros(500);
/// Memory that an empty output keeps, and how many of them are kept.
const SPARE_BYTES_MAX: usize = 16 * 1024;
const SPARES_MAX: usize = 128;
/// Reads from one connection in one turn, so that a fast sender does not keep others waiting.
const READS_PER_TURN: usize = 4;

/// What one connection moved in a turn, and holds after it, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct IoStats {
    pub received: usize,
    pub sent: usize,
    pub reads: u32,
    pub writes: u32,
    /// Unfinished input, and capacity that is free behind it.
    pub input: usize,
    pub input_free: usize,
    /// Output that the client did not take yet.
    pub output: usize,
}

/// What a loop waits on, made before the loop so that others can write to it before it runs.
pub struct LoopParts<M> {
    driver: Epoll,
    mailbox: Mailbox<M>,
}

impl<M> LoopParts<M> {
    /// # Errors
    /// The system has no more descriptors.
    pub fn open() -> io::Result<LoopParts<M>> {
        let driver = Epoll::new()?;
        let mailbox = Mailbox::new(driver.waker()?);
        Ok(LoopParts { driver, mailbox })
    }

    /// The way to reach the loop.
    pub fn mailbox(&self) -> Mailbox<M> {
        self.mailbox.clone()
    }

    /// Listeners of all these loops, to be opened and given to each with [`EventLoop::listen`].
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub fn listeners(all: &[LoopParts<M>]) -> io::Result<Listeners> {
        let registries = all.iter().map(|parts| parts.driver.registry().try_clone()).collect::<io::Result<_>>()?;
        Ok(Listeners::new(registries))
    }
}

/// A connection whose input is read and prepared, and not answered yet.
struct Prepared {
    slot: usize,
    /// Where in the shared buffer its input is.
    input: Range<usize>,
    io: IoStats,
}

/// A connection whose commands have run, and whose replies are not sent yet.
struct Answered {
    slot: usize,
    io: IoStats,
}

/// A connection, where there is one.
type Slot<S, D> = Option<Box<Connection<<S as Service>::Conn, <D as Driver>::Socket>>>;

/// A worker's loop.
pub struct EventLoop<S: Service, D: Driver = Epoll> {
    driver: D,
    service: S,
    connections: Vec<Slot<S, D>>,
    free: Vec<usize>,
    by_id: HashMap<u64, usize>,
    listeners: Option<Arc<Listeners>>,
    /// All workers: an accepted connection goes to the one with the fewest.
    workers: Vec<Mailbox<S::Message>>,
    mailbox: Mailbox<S::Message>,
    ready: Vec<usize>,
    /// What was read for the connections in `prepared`, one behind the other, and how much of it is used.
    shared: Box<[u8]>,
    shared_used: usize,
    prepared: Vec<Prepared>,
    answered: Vec<Answered>,
    /// Empty outputs, whose memory is used again.
    spare: Vec<Output>,
    /// Messages that came too early for their connections, which are in the middle of their turns.
    later: Vec<Action<S::Message, S::Push>>,
    stopping: bool,
    accept_again: bool,
    /// Accepting failed (no descriptors left, most likely): no event says when it can be tried again.
    accept_later: bool,
    /// There is something in the mailbox, to be taken out once all events are noted.
    mail_came: bool,
    /// When the turn began.
    now: Instant,
    time_check: Instant,
}

impl<S: Service> EventLoop<S> {
    /// A loop without connections.
    pub fn new(parts: LoopParts<S::Message>, service: S) -> EventLoop<S> {
        EventLoop::over(parts.driver, parts.mailbox, service)
    }
}

impl<S: Service, D: Driver> EventLoop<S, D> {
    /// A loop without connections, over this driver, which hears when something is put into the mailbox.
    pub fn over(driver: D, mailbox: Mailbox<S::Message>, service: S) -> EventLoop<S, D> {
        let now = Instant::now();
        EventLoop {
            driver,
            service,
            connections: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            listeners: None,
            workers: Vec::new(),
            mailbox,
            ready: Vec::new(),
            shared: vec![0; SHARED_LEN].into_boxed_slice(),
            shared_used: 0,
            prepared: Vec::new(),
            answered: Vec::new(),
            spare: Vec::new(),
            later: Vec::new(),
            stopping: false,
            accept_again: false,
            accept_later: false,
            mail_came: false,
            now,
            time_check: now,
        }
    }

    /// Runs until it is stopped.
    ///
    /// # Errors
    /// Waiting for events failed: the process cannot go on.
    pub fn run(&mut self) -> io::Result<()> {
        let mut wait_ms = 0;
        while !self.stopping {
            let timeout = if self.ready.is_empty() && !self.accept_again { wait_ms } else { 0 };
            self.wait(Duration::from_millis(timeout))?;
            self.begin_turn();
            if std::mem::take(&mut self.mail_came) || !self.later.is_empty() {
                // After the events: a slot that is freed and filled again here must not get those of its last owner.
                self.open_mailbox();
            }
            self.apply_due();
            if self.accept_again || self.accept_later {
                // Before anything else runs: who has connected is given to a worker that is not about to be busy.
                self.accept();
            }
            self.serve_ready();
            self.check_time();
            wait_ms = self.service.end_turn();
            self.mailbox.note_turn(0);
        }
        for slot in 0..self.connections.len() {
            self.close(slot);
        }
        Ok(())
    }

    /// Waits, and notes what happened.
    #[inline]
    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let EventLoop { driver, connections, ready, mail_came, accept_again, .. } = self;
        driver.wait(timeout, |event| match event {
            Event::Mail => *mail_came = true,
            Event::Connections => *accept_again = true,
            Event::Socket { slot, readable, writable, read_closed } => {
                let Some(connection) = connections.get_mut(slot).and_then(Option::as_deref_mut) else { return };
                connection.readable |= readable;
                connection.writable |= writable;
                connection.read_closed |= read_closed;
                if !connection.listed {
                    connection.listed = true;
                    ready.push(slot);
                }
            }
        })
    }

    #[inline]
    fn begin_turn(&mut self) {
        self.now = Instant::now();
        if let Some(listeners) = &self.listeners {
            self.mailbox.note_turn(listeners.clock_us(self.now));
        }
        self.service.begin_turn();
    }

    fn list(&mut self, slot: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(slot)
            && !connection.listed
        {
            connection.listed = true;
            self.ready.push(slot);
        }
    }

    /// Serves all that is ready: the heavy ones last, and as many of them as a turn has time for.
    fn serve_ready(&mut self) {
        let mut serving = std::mem::take(&mut self.ready);
        serving.retain(|&slot| {
            let heavy = matches!(self.connections.get(slot), Some(Some(connection)) if connection.heavy);
            if !heavy {
                self.serve(slot, READ_LEN);
            }
            heavy
        });
        self.answer_prepared();
        if !serving.is_empty() {
            self.serve_heavy(&serving);
        }
        serving.clear();
        if self.ready.is_empty() {
            self.ready = serving;
        }
    }

    fn serve_heavy(&mut self, slots: &[usize]) {
        let begin = Instant::now();
        for (at, &slot) in slots.iter().enumerate() {
            if at > 0 && begin.elapsed() > HEAVY_TIME_PER_TURN {
                // Those that had no turn go first in the next one.
                let served = self.ready.len();
                self.ready.extend_from_slice(&slots[at..]);
                self.ready.rotate_left(served);
                return;
            }
            self.serve(slot, HEAVY_READ_LEN);
            self.answer_prepared();
        }
    }

    /// Serves one connection for this turn: at once, or, in the common case of whole commands that came to a connection
    /// at rest, together with others that are ready too. Of those, up to `read_len` bytes are read.
    fn serve(&mut self, slot: usize, read_len: usize) {
        let EventLoop { connections, driver, service, shared, shared_used, .. } = self;
        let Some(connection) = connections.get_mut(slot).and_then(Option::as_deref_mut) else { return };
        connection.listed = false;
        let mut io = IoStats::default();
        if !connection.is_at_rest() {
            let alive = self.converse(slot, &mut io);
            return self.end_turn_of(slot, io, alive);
        }
        io.reads = 1;
        let room = &mut shared[*shared_used..];
        let read_len = if connection.bulky { room.len() } else { read_len };
        let room = &mut room[..read_len];
        match connection.read_shared(driver, room) {
            Got::Bytes(len) => {
                io.received = len;
                connection.in_turn = true;
                service.prepare(&mut connection.state, &mut room[..len]);
                let input = *shared_used..*shared_used + len;
                *shared_used = input.end;
                self.prepared.push(Prepared { slot, input, io });
                if self.shared.len() - self.shared_used < READ_LEN || self.service.has_prepared_enough() {
                    self.answer_prepared();
                }
            }
            Got::Nothing => self.end_turn_of(slot, io, true),
            Got::End => self.end_turn_of(slot, io, false),
        }
    }

    /// Answers all connections whose input was prepared.
    fn answer_prepared(&mut self) {
        if self.prepared.is_empty() {
            return;
        }
        let mut prepared = std::mem::take(&mut self.prepared);
        let mut unsent = 0;
        for Prepared { slot, input, io } in prepared.drain(..) {
            let EventLoop { connections, service, shared, spare, .. } = self;
            let connection = connections[slot].as_deref_mut().expect("a connection in its turn stays");
            lend(spare, &mut connection.output);
            let input = &mut shared[input];
            let turn = service.answer_next(&mut connection.state, input, &mut connection.output);
            connection.input.extend_from_slice(&input[turn.consumed.min(input.len())..]);
            connection.need = turn.need;
            connection.bulky = turn.need > HEAVY_BYTES || (connection.bulky && input.len() > HEAVY_BYTES);
            connection.note(turn.next);
            unsent += connection.output.len();
            self.answered.push(Answered { slot, io });
            if turn.next == Next::DeliverFirst {
                self.deliver_first(slot);
            }
            if unsent > UNSENT_MAX {
                unsent = 0;
                self.send_answers();
            }
        }
        self.prepared = prepared;
        self.shared_used = 0;
        self.send_answers();
    }

    /// Sends the answers that were kept back, all at once: who has many connections wakes up once and not for each.
    fn send_answers(&mut self) {
        let mut answered = std::mem::take(&mut self.answered);
        for Answered { slot, mut io } in answered.drain(..) {
            let alive = self.send(slot, &mut io);
            self.end_turn_of(slot, io, alive);
        }
        self.answered = answered;
    }

    /// Sends of a connection's output what the socket takes. `false`: the connection is over.
    #[inline]
    fn send(&mut self, slot: usize, io: &mut IoStats) -> bool {
        let EventLoop { connections, driver, spare, .. } = self;
        let Some(connection) = connections.get_mut(slot).and_then(Option::as_deref_mut) else { return false };
        if !connection.output.is_empty() && connection.writable {
            io.writes += 1;
            match connection.flush(driver) {
                Ok(sent) => io.sent += sent,
                Err(_) => return false,
            }
        }
        if !connection.output.is_empty() {
            return true;
        }
        // A connection at rest holds no buffer.
        give_back(spare, &mut connection.output);
        !connection.closing
    }

    /// Ends a connection's turn, or the connection.
    #[inline]
    fn end_turn_of(&mut self, slot: usize, mut io: IoStats, alive: bool) {
        let EventLoop { connections, service, .. } = self;
        let Some(connection) = connections.get_mut(slot).and_then(Option::as_deref_mut) else { return };
        connection.in_turn = false;
        io.input = connection.input.len();
        io.input_free = connection.input.capacity() - connection.input.len();
        io.output = connection.output.len();
        connection.heavy = io.received.max(io.sent + io.output) > HEAVY_BYTES;
        let alive = alive && !connection.doomed && !connection.is_waiting_for_nobody();
        let alive = service.after_turn(&mut connection.state, io) && alive;
        let goes_on = connection.readable || connection.unparsed;
        let more = if connection.waiting { connection.resume_when_sent } else { goes_on };
        if !alive {
            self.close(slot);
        } else if more && connection.output.is_empty() {
            self.list(slot);
        }
    }

    /// Sends what is pending, then reads and answers. `false`: the connection is over.
    fn converse(&mut self, slot: usize, io: &mut IoStats) -> bool {
        if !self.send(slot, io) {
            return false;
        }
        let EventLoop { connections, service, spare, .. } = self;
        let Some(connection) = connections[slot].as_deref_mut() else { return false };
        if !connection.output.is_empty() {
            return true;
        }
        if connection.waiting {
            if !connection.resume_when_sent && !connection.resumed {
                return true;
            }
            connection.resumed = false;
            lend(spare, &mut connection.output);
            let next = service.resume(&mut connection.state, &mut connection.output);
            connection.note(next);
            if !self.conclude(slot, next, io) {
                return false;
            }
        }
        for turn in 0..=READS_PER_TURN {
            let EventLoop { connections, driver, .. } = self;
            let Some(connection) = connections[slot].as_deref_mut() else { return false };
            if connection.is_held() {
                break;
            }
            if !connection.unparsed {
                // What comes after all that was kept is answered is read next turn, with the others.
                if turn == READS_PER_TURN || !connection.readable || connection.input.is_empty() {
                    break;
                }
                io.reads += 1;
                match connection.read_more(driver) {
                    Got::Bytes(len) => io.received += len,
                    Got::Nothing => continue,
                    Got::End => return false,
                }
            }
            if !self.answer_kept(slot, io) {
                return false;
            }
        }
        true
    }

    /// Answers what is in the connection's own buffer.
    fn answer_kept(&mut self, slot: usize, io: &mut IoStats) -> bool {
        let EventLoop { connections, service, spare, .. } = self;
        let Some(connection) = connections[slot].as_deref_mut() else { return false };
        lend(spare, &mut connection.output);
        let Turn { consumed, need, next } =
            service.input(&mut connection.state, &mut connection.input, &mut connection.output);
        connection.consume(consumed);
        connection.need = need;
        connection.unparsed = false;
        connection.note(next);
        self.conclude(slot, next, io)
    }

    /// Sends what a connection was answered outside of a batch.
    fn conclude(&mut self, slot: usize, next: Next, io: &mut IoStats) -> bool {
        if next == Next::DeliverFirst {
            self.deliver_first(slot);
        }
        self.send(slot, io)
    }

    /// Once a second: closes connections whose time is over.
    fn check_time(&mut self) {
        if self.now - self.time_check < Duration::from_secs(1) {
            return;
        }
        self.time_check = self.now;
        for slot in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[slot] else { continue };
            if self.service.is_over(&mut connection.state) {
                self.close(slot);
            }
        }
    }
}

/// Gives an output that has no memory that of a spare one.
#[inline]
fn lend(spare: &mut Vec<Output>, output: &mut Output) {
    // One that shares what others hold may have no memory of its own, and is not empty all the same.
    if !output.has_memory()
        && output.is_empty()
        && let Some(spare) = spare.pop()
    {
        *output = spare;
    }
}

/// Takes an empty output's memory back.
#[inline]
fn give_back(spare: &mut Vec<Output>, output: &mut Output) {
    if output.has_memory() {
        let mut output = std::mem::take(output);
        if spare.len() < SPARES_MAX {
            output.shrink_to(SPARE_BYTES_MAX);
            spare.push(output);
        }
    }
}
