//! The loop: wait, read, serve, write.

use crate::connection::{Connection, Got, READ_LEN};
use crate::driver::{Driver, Event};
use crate::epoll::{CONNECTIONS, Epoll};
use crate::listener::Listeners;
use crate::post::{Mail, Post};
use crate::stream::{Peer, Stream};
use crate::{Next, Order, Service, Turn};
use hashbrown::HashMap;
use resp::{Output, Proto, ReplyWriter};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Room for what is read from connections that are answered together.
const SHARED_LEN: usize = 4 * READ_LEN;
/// With so many bytes of replies kept back, they are sent before more commands run.
const UNSENT_MAX: usize = 256 * 1024;
/// A connection that was last given so many bytes at once is heavy: it is served after those that are not.
const HEAVY_BYTES: usize = 32 * 1024;
/// With so many bytes for heavy connections, a turn ends, so that the others do not wait for all of them.
const HEAVY_BYTES_PER_TURN: usize = 512 * 1024;
/// Memory that an empty output keeps.
const SPARE_BYTES_MAX: usize = 16 * 1024;
/// Reads from one connection in one turn, so that a fast sender does not keep others waiting.
const READS_PER_TURN: usize = 4;
/// Connections accepted in one turn.
const ACCEPTS_PER_TURN: usize = 256;

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
pub struct Port<M> {
    driver: Epoll,
    post: Post<M>,
}

impl<M> Port<M> {
    /// # Errors
    /// The system has no more descriptors.
    pub fn open() -> io::Result<Port<M>> {
        let driver = Epoll::new()?;
        let post = Post::new(driver.waker()?);
        Ok(Port { driver, post })
    }

    /// The way to reach the loop.
    pub fn post(&self) -> Post<M> {
        self.post.clone()
    }

    /// The listeners of the loop, to be opened and given to it with [`EventLoop::listen`].
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub fn listeners(&self) -> io::Result<Listeners> {
        Ok(Listeners::new(self.driver.registry().try_clone()?, CONNECTIONS))
    }
}

/// A connection whose input is read and prepared, and not answered yet.
struct Prepared<C, K> {
    slot: usize,
    connection: Box<Connection<C, K>>,
    /// Where in the shared buffer its input is.
    input: Range<usize>,
    io: IoStats,
}

/// A connection whose commands have run, and whose replies are not sent yet.
struct Answered<C, K> {
    slot: usize,
    connection: Box<Connection<C, K>>,
    reply: Output,
    next: Next,
    io: IoStats,
}

/// Where a connection is while nobody serves it.
type Slot<S, D> = Option<Box<Connection<<S as Service>::Conn, <D as Driver>::Socket>>>;

/// A worker's loop.
pub struct EventLoop<S: Service, D: Driver = Epoll> {
    driver: D,
    service: S,
    connections: Vec<Slot<S, D>>,
    free: Vec<usize>,
    by_id: HashMap<u64, usize>,
    listeners: Option<Arc<Listeners>>,
    /// All workers' letter boxes, by their number: accepted connections go to the one with the fewest.
    workers: Vec<Post<S::Message>>,
    post: Post<S::Message>,
    ready: Vec<usize>,
    /// What was read for the connections in `prepared`, one behind the other, and how much of it is used.
    shared: Box<[u8]>,
    shared_used: usize,
    prepared: Vec<Prepared<S::Conn, D::Socket>>,
    answered: Vec<Answered<S::Conn, D::Socket>>,
    /// Bytes of replies in this turn.
    replied: usize,
    /// Empty outputs, whose memory is used again.
    spare: Vec<Output>,
    reply: ReplyWriter,
    stopping: bool,
    accept_again: bool,
    /// Accepting failed (no descriptors left, most likely): no event tells when it can be tried again.
    accept_later: bool,
    /// There is post, to be opened once all events are noted.
    post_came: bool,
    time_check: Instant,
}

impl<S: Service> EventLoop<S> {
    /// A loop without connections.
    pub fn new(port: Port<S::Message>, service: S) -> EventLoop<S> {
        EventLoop::over(port.driver, port.post, service)
    }
}

impl<S: Service, D: Driver> EventLoop<S, D> {
    /// A loop without connections, over this driver, which hears of letters in the box of `post`.
    pub fn over(driver: D, post: Post<S::Message>, service: S) -> EventLoop<S, D> {
        EventLoop {
            driver,
            service,
            connections: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            listeners: None,
            workers: Vec::new(),
            post,
            ready: Vec::new(),
            shared: vec![0; SHARED_LEN].into_boxed_slice(),
            shared_used: 0,
            prepared: Vec::new(),
            answered: Vec::new(),
            replied: 0,
            spare: Vec::new(),
            reply: ReplyWriter::new(Proto::Resp2),
            stopping: false,
            accept_again: false,
            accept_later: false,
            post_came: false,
            time_check: Instant::now(),
        }
    }

    /// Makes this the loop that accepts, for all `workers`. The listeners are those of its own port.
    pub fn listen(&mut self, listeners: Arc<Listeners>, workers: Vec<Post<S::Message>>) {
        self.listeners = Some(listeners);
        self.workers = workers;
    }

    /// Runs until told to stop.
    ///
    /// # Errors
    /// Waiting for events failed: the process cannot go on.
    pub fn run(&mut self) -> io::Result<()> {
        let mut wait_ms = 0;
        while !self.stopping {
            let timeout = if self.ready.is_empty() && !self.accept_again { wait_ms } else { 0 };
            self.wait(Duration::from_millis(timeout))?;
            self.service.begin_turn();
            if std::mem::take(&mut self.post_came) {
                // After the events: a slot that is freed and filled again here must not get those of its last owner.
                self.open_post();
            }
            while let Some(order) = self.service.due() {
                self.obey(order);
            }
            if self.accept_again || self.accept_later {
                self.accept();
            }
            let mut serving = std::mem::take(&mut self.ready);
            serving.retain(|&slot| {
                let heavy = matches!(self.connections.get(slot), Some(Some(connection)) if connection.heavy);
                if !heavy {
                    self.serve(slot);
                }
                heavy
            });
            self.answer_prepared();
            self.serve_heavy(&serving);
            serving.clear();
            if self.ready.is_empty() {
                self.ready = serving;
            }
            self.check_time();
            wait_ms = self.service.end_turn();
        }
        for slot in 0..self.connections.len() {
            self.close(slot);
        }
        if let Some(listeners) = &self.listeners {
            listeners.lock().clear();
        }
        Ok(())
    }

    /// Waits, and notes what happened.
    #[inline]
    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let EventLoop { driver, connections, ready, post_came, accept_again, .. } = self;
        driver.wait(timeout, |event| match event {
            Event::Post => *post_came = true,
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

    fn list(&mut self, slot: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(slot)
            && !connection.listed
        {
            connection.listed = true;
            self.ready.push(slot);
        }
    }

    #[cold]
    fn open_post(&mut self) {
        for mail in self.post.take() {
            match mail {
                Mail::Connection(stream, peer) => self.add(stream, &peer),
                Mail::Stop => self.stopping = true,
                Mail::Message(message) => {
                    let order = self.service.message(message);
                    self.obey(order);
                }
            }
        }
    }

    #[cold]
    fn obey(&mut self, order: Order<S::Message>) {
        match order {
            Order::None => {}
            Order::Close(id) => {
                if let Some(&slot) = self.by_id.get(&id) {
                    self.close(slot);
                }
            }
            Order::Send(id, bytes) => self.send_to(id, &bytes),
            Order::Tell(id, message) => {
                if let Some(&slot) = self.by_id.get(&id) {
                    self.tell(slot, message);
                }
            }
            Order::Resume(id) => {
                if let Some(&slot) = self.by_id.get(&id)
                    && let Some(connection) = &mut self.connections[slot]
                    && connection.waiting
                {
                    connection.resumed = true;
                    self.list(slot);
                }
            }
            Order::ResumeAll => {
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

    /// Hands a message to a connection; what it answers is sent, and the rest of its input follows, in this turn.
    fn tell(&mut self, slot: usize, message: S::Message) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        match self.service.tell(&mut connection.state, message, &mut self.reply) {
            Some(next) => connection.keep(next, &mut self.reply),
            None if self.reply.out.is_empty() => return,
            None => connection.output.append(&mut self.reply.out),
        }
        self.list(slot);
    }

    fn send_to(&mut self, id: u64, bytes: &[u8]) {
        let Some(&slot) = self.by_id.get(&id) else { return };
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let mut writer = ReplyWriter::new(Proto::Resp2);
        writer.raw(bytes);
        connection.output.append(&mut writer.out);
        self.list(slot);
    }

    fn accept(&mut self) {
        self.accept_again = false;
        self.accept_later = false;
        let Some(listeners) = self.listeners.clone() else { return };
        let options = self.service.tcp_options();
        for listener in listeners.lock().iter() {
            for turn in 0.. {
                if turn == ACCEPTS_PER_TURN {
                    self.accept_again = true;
                    break;
                }
                match listener.accept(options) {
                    Ok((stream, peer)) => self.assign(stream, peer),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // Gone before it was accepted: there may be others.
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
                    Err(error) => {
                        log::warn!("Accepting client connection: {error}");
                        self.accept_later = true;
                        break;
                    }
                }
            }
        }
    }

    /// Gives a connection to the worker that has the fewest.
    fn assign(&mut self, stream: Stream, peer: Peer) {
        let Some(least) = self.workers.iter().min_by_key(|worker| worker.load()) else { return };
        least.connections.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = least.send(Mail::Connection(stream, peer)) {
            // It lies in the box all the same, and is found with the next letter.
            log::warn!("Handing a connection to its worker: {error}");
        }
    }

    fn add(&mut self, mut stream: Stream, peer: &Peer) {
        let (id, state) = match self.service.open(peer) {
            Ok(opened) => opened,
            Err(refusal) => {
                // One attempt: a client that is refused is owed no more.
                let _ = io::Write::write(&mut stream, &refusal);
                self.post.connections.fetch_sub(1, Ordering::Relaxed);
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
                self.post.connections.fetch_sub(1, Ordering::Relaxed);
                self.free.push(slot);
                return;
            }
        };
        self.connections[slot] = Some(Box::new(Connection::new(id, socket, state)));
        self.by_id.insert(id, slot);
        self.list(slot);
    }

    fn close(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::take) else { return };
        let Connection { id, socket, state, .. } = *connection;
        self.by_id.remove(&id);
        self.post.connections.fetch_sub(1, Ordering::Relaxed);
        self.free.push(slot);
        self.service.closed(state);
        // Last: who sees the end of the connection finds nothing of it any more.
        self.driver.release(socket);
    }

    /// Serves one connection for this turn: at once, or, in the common case of whole commands that came to a connection at
    /// rest, together with others that are ready too.
    fn serve(&mut self, slot: usize) {
        // Taken out and put back, so that the connection and the rest of the loop can be used side by side.
        let Some(mut connection) = self.connections.get_mut(slot).and_then(Option::take) else { return };
        connection.listed = false;
        let mut io = IoStats::default();
        if connection.is_at_rest() {
            io.reads = 1;
            let room = &mut self.shared[self.shared_used..];
            let alive = match connection.read_shared(&mut self.driver, room) {
                Got::Bytes(len) => {
                    io.received = len;
                    self.service.prepare(&mut connection.state, &mut room[..len]);
                    let input = self.shared_used..self.shared_used + len;
                    self.shared_used = input.end;
                    self.prepared.push(Prepared { slot, connection, input, io });
                    if self.shared.len() - self.shared_used < READ_LEN || self.service.has_prepared_enough() {
                        self.answer_prepared();
                    }
                    return;
                }
                Got::Nothing => true,
                Got::End => false,
            };
            return self.end_turn_of(slot, connection, io, alive);
        }
        let alive = self.converse(&mut connection, &mut io);
        self.end_turn_of(slot, connection, io, alive);
    }

    /// Serves connections whose replies were long of late, as many as a turn has time for; the others stay ready.
    fn serve_heavy(&mut self, slots: &[usize]) {
        self.replied = 0;
        for (at, &slot) in slots.iter().enumerate() {
            if self.replied > HEAVY_BYTES_PER_TURN {
                self.ready.extend_from_slice(&slots[at..]);
                return;
            }
            self.serve(slot);
            self.answer_prepared();
        }
    }

    /// Answers all connections whose input was prepared.
    fn answer_prepared(&mut self) {
        if self.prepared.is_empty() {
            return;
        }
        let mut prepared = std::mem::take(&mut self.prepared);
        let mut unsent = 0;
        for Prepared { slot, mut connection, input, io } in prepared.drain(..) {
            let input = &mut self.shared[input];
            let turn = self.service.answer_next(&mut connection.state, input, &mut self.reply);
            connection.input.extend_from_slice(&input[turn.consumed.min(input.len())..]);
            connection.need = turn.need;
            let reply = std::mem::replace(&mut self.reply.out, self.spare.pop().unwrap_or_default());
            unsent += reply.len();
            self.answered.push(Answered { slot, connection, reply, next: turn.next, io });
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
        for Answered { slot, mut connection, reply, next, mut io } in answered.drain(..) {
            let mut spare = std::mem::replace(&mut self.reply.out, reply);
            let alive = self.conclude(&mut connection, next, &mut io);
            self.end_turn_of(slot, connection, io, alive);
            spare.shrink_to(SPARE_BYTES_MAX);
            self.spare.push(spare);
        }
        self.answered = answered;
    }

    /// Puts a connection back after its turn, or closes it.
    #[inline]
    fn end_turn_of(
        &mut self,
        slot: usize,
        mut connection: Box<Connection<S::Conn, D::Socket>>,
        mut io: IoStats,
        alive: bool,
    ) {
        let alive = alive && !connection.is_waiting_for_nobody();
        io.input = connection.input.len();
        io.input_free = connection.input.capacity() - connection.input.len();
        io.output = connection.output.len();
        let alive = self.service.after_turn(&mut connection.state, io) && alive;
        let more = if connection.waiting { connection.resume_when_sent } else { connection.readable };
        let again = more && connection.output.is_empty();
        self.connections[slot] = Some(connection);
        if !alive {
            self.close(slot);
        } else if again {
            self.list(slot);
        }
    }

    /// Sends what is pending, then reads and answers. `false`: the connection is over.
    fn converse(&mut self, connection: &mut Connection<S::Conn, D::Socket>, io: &mut IoStats) -> bool {
        if !connection.output.is_empty() {
            match connection.flush(&mut self.driver) {
                Ok(sent) => io.sent += sent,
                Err(_) => return false,
            }
            io.writes += 1;
            if !connection.output.is_empty() {
                return true;
            }
        }
        if connection.closing {
            return false;
        }
        if connection.waiting {
            if !connection.resume_when_sent && !connection.resumed {
                return true;
            }
            connection.resumed = false;
            let next = self.service.resume(&mut connection.state, &mut self.reply);
            if !self.conclude(connection, next, io) {
                return false;
            }
        }
        if connection.unparsed && !connection.is_held() && !self.answer_kept(connection, io) {
            return false;
        }
        for _ in 0..READS_PER_TURN {
            // What comes after all that was kept is answered is read next turn, with the others.
            if !connection.readable || connection.is_held() || connection.input.is_empty() {
                break;
            }
            if !self.read_and_answer(connection, io) {
                return false;
            }
        }
        true
    }

    #[inline]
    fn read_and_answer(&mut self, connection: &mut Connection<S::Conn, D::Socket>, io: &mut IoStats) -> bool {
        io.reads += 1;
        match connection.read_more(&mut self.driver) {
            Got::Bytes(len) => {
                io.received += len;
                self.answer_kept(connection, io)
            }
            Got::Nothing => true,
            Got::End => false,
        }
    }

    /// Answers what is in the connection's own buffer.
    fn answer_kept(&mut self, connection: &mut Connection<S::Conn, D::Socket>, io: &mut IoStats) -> bool {
        let Turn { consumed, need, next } =
            self.service.input(&mut connection.state, &mut connection.input, &mut self.reply);
        connection.consume(consumed);
        connection.need = need;
        connection.unparsed = false;
        self.conclude(connection, next, io)
    }

    /// Sends the replies of a turn, and keeps what the socket does not take.
    #[inline]
    fn conclude(&mut self, connection: &mut Connection<S::Conn, D::Socket>, next: Next, io: &mut IoStats) -> bool {
        connection.note(next);
        let bytes = self.reply.out.len();
        self.replied += bytes;
        connection.heavy = bytes > HEAVY_BYTES;
        if bytes > 0 {
            if connection.output.is_empty() && connection.writable {
                io.writes += 1;
                match connection.send(&mut self.driver, &mut self.reply.out) {
                    Ok(sent) => io.sent += sent,
                    Err(_) => {
                        self.reply.out.clear();
                        return false;
                    }
                }
            }
            if !self.reply.out.is_empty() {
                if connection.output.is_empty() {
                    connection.output = std::mem::take(&mut self.reply.out);
                } else {
                    connection.output.append(&mut self.reply.out);
                    // What was appended is too much to keep room for.
                    self.reply.out = Output::default();
                }
            }
        }
        if next == Next::Close {
            connection.closing = true;
            return !connection.output.is_empty();
        }
        true
    }

    /// Once a second: closes connections whose time is over.
    fn check_time(&mut self) {
        if self.time_check.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.time_check = Instant::now();
        for slot in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[slot] else { continue };
            if self.service.is_over(&mut connection.state) {
                self.close(slot);
            }
        }
    }
}
