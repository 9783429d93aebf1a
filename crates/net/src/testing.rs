//! For tests: a driver that is told of completions, as one over io_uring would be, and a service that repeats words, or
//! shouts them.

use crate::driver::{Driver, Event};
use crate::epoll::Epoll;
use crate::mailbox::Mailbox;
use crate::stream::{Peer, Stream};
use crate::{Action, IoStats, Next, Service, TcpOptions, Turn};
use base::rng::Rng;
use base::{Blob, Output};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A driver that can be made for a test.
pub(crate) trait TestDriver: Driver + Sized {
    fn open() -> (Self, Mailbox<Message>);
}

impl TestDriver for Epoll {
    fn open() -> (Epoll, Mailbox<Message>) {
        let driver = Epoll::new().unwrap();
        let mailbox = Mailbox::new(driver.waker().unwrap());
        (driver, mailbox)
    }
}

/// Bytes are received before the loop asks for them, and sent after it has handed them over; one send of a connection
/// is under way at a time. The system's part is played with the help of [`Epoll`].
pub(crate) struct Completions {
    system: Epoll,
    /// All sockets, by the number under which the system knows them: those that are released too, until they have sent
    /// all.
    sockets: BTreeMap<usize, Rc<RefCell<Held>>>,
    numbers: usize,
    random: Rng,
}

pub(crate) struct Held {
    number: usize,
    /// Where the loop has it; `None` once it is released.
    slot: Option<usize>,
    stream: Stream,
    received: Vec<u8>,
    ended: bool,
    sending: Output,
    /// The loop waits until `sending` is sent.
    refused: bool,
    /// The loop did not get all that was received.
    kept_back: bool,
}

impl TestDriver for Completions {
    fn open() -> (Completions, Mailbox<Message>) {
        let (system, mailbox) = Epoll::open();
        (Completions { system, sockets: BTreeMap::new(), numbers: 0, random: Rng::seed(7) }, mailbox)
    }
}

impl Driver for Completions {
    type Socket = Rc<RefCell<Held>>;

    fn adopt(&mut self, stream: Stream, slot: usize) -> io::Result<Self::Socket> {
        let number = self.numbers;
        self.numbers += 1;
        let stream = self.system.adopt(stream, number)?;
        let held = Rc::new(RefCell::new(Held {
            number,
            slot: Some(slot),
            stream,
            received: Vec::new(),
            ended: false,
            sending: Output::default(),
            refused: false,
            kept_back: false,
        }));
        self.sockets.insert(number, held.clone());
        Ok(held)
    }

    fn release(&mut self, socket: Self::Socket) {
        let mut held = socket.borrow_mut();
        held.slot = None;
        if held.sending.is_empty() {
            self.sockets.remove(&held.number);
        }
    }

    fn wait(&mut self, timeout: Duration, mut note: impl FnMut(Event)) -> io::Result<()> {
        let mut noted = false;
        self.sockets.retain(|_, held| {
            let held = &mut *held.borrow_mut();
            let broken = self.system.send(&mut held.stream, &mut held.sending).is_err();
            if broken {
                held.sending.clear();
                held.ended = true;
            }
            let writable = held.refused && held.sending.is_empty();
            held.refused &= !writable;
            let readable = std::mem::take(&mut held.kept_back) || broken;
            if let Some(slot) = held.slot
                && (readable || writable)
            {
                noted = true;
                note(Event::Socket { slot, readable, writable, read_closed: held.ended });
            }
            held.slot.is_some() || !held.sending.is_empty()
        });
        let Completions { system, sockets, .. } = self;
        let mut ready = Vec::new();
        system.wait(if noted { Duration::ZERO } else { timeout }, |event| match event {
            Event::Socket { slot: number, readable: true, .. } => ready.push(number),
            Event::Socket { .. } => {}
            event => note(event),
        })?;
        for number in ready {
            let Some(held) = sockets.get(&number) else { continue };
            let held = &mut *held.borrow_mut();
            let mut bytes = [0; 10_000];
            loop {
                match system.receive(&mut held.stream, &mut bytes) {
                    Ok(len) if len > 0 => held.received.extend_from_slice(&bytes[..len]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    _ => {
                        held.ended = true;
                        break;
                    }
                }
            }
            if let Some(slot) = held.slot {
                note(Event::Socket { slot, readable: true, writable: false, read_closed: held.ended });
            }
        }
        Ok(())
    }

    fn receive(&mut self, socket: &mut Self::Socket, into: &mut [u8]) -> io::Result<usize> {
        let held = &mut *socket.borrow_mut();
        if held.received.is_empty() {
            return if held.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        // Often in parts, as from several buffers.
        let part = 1 + self.random.below(held.received.len() as u64) as usize;
        let len = part.min(into.len());
        into[..len].copy_from_slice(&held.received[..len]);
        held.received.drain(..len);
        held.kept_back = !held.received.is_empty() || held.ended;
        Ok(len)
    }

    fn send(&mut self, socket: &mut Self::Socket, output: &mut Output) -> io::Result<bool> {
        let held = &mut *socket.borrow_mut();
        held.refused = !held.sending.is_empty();
        if !held.refused {
            held.sending.append(output);
        }
        Ok(!held.refused)
    }
}

/// Bytes for some connections.
pub(crate) type Message = (Box<[u64]>, Blob);

/// Answers lines: `3 ab` with `ababab`, `pause` with `paused` and, once that is sent, `resumed`, `shout ab` with `ab`
/// to everybody and `shouted` behind it, `spin` never until `release` is set, `bye` with the end of the connection.
pub(crate) struct Repeater {
    /// Of all workers.
    pub shared: Arc<Shared>,
    mailbox: Mailbox<Message>,
    open: BTreeSet<u64>,
    /// Messages that came.
    came: VecDeque<Message>,
}

/// A connection: its id, and what it will be told when it is resumed.
pub(crate) struct Conn {
    id: u64,
    waits_for: &'static [u8],
}

#[derive(Default)]
pub(crate) struct Shared {
    ids: AtomicU64,
    /// Lines answered.
    pub answered: AtomicUsize,
    /// Workers that spin, and what ends that.
    pub spinning: AtomicUsize,
    pub release: AtomicBool,
}

impl Repeater {
    pub fn new(mailbox: Mailbox<Message>, shared: Arc<Shared>) -> Repeater {
        Repeater { shared, mailbox, open: BTreeSet::new(), came: VecDeque::new() }
    }

    fn answer(&mut self, conn: &mut Conn, input: &[u8], output: &mut Output) -> Turn {
        let mut consumed = 0;
        while let Some(len) = input[consumed..].iter().position(|&byte| byte == b'\n') {
            let line = &input[consumed..consumed + len];
            consumed += len + 1;
            self.shared.answered.fetch_add(1, Ordering::Relaxed);
            let next = match line {
                b"bye" => Next::Close,
                b"pause" => {
                    output.put(b"paused\n");
                    conn.waits_for = b"resumed\n";
                    Next::SendFirst
                }
                b"spin" => {
                    self.shared.spinning.fetch_add(1, Ordering::SeqCst);
                    while !self.shared.release.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                    output.put(b"spun\n");
                    continue;
                }
                [b's', b'h', b'o', b'u', b't', b' ', word @ ..] => {
                    let all = self.open.iter().copied().collect();
                    self.mailbox.send((all, Arc::new([word, b"\n"].concat()))).unwrap();
                    conn.waits_for = b"shouted\n";
                    Next::DeliverFirst
                }
                line => {
                    output.put(&repeated(line));
                    continue;
                }
            };
            return Turn { consumed, need: 0, next };
        }
        Turn { consumed, need: 0, next: Next::Read }
    }
}

/// What a line `3 ab` is answered with.
pub(crate) fn repeated(line: &[u8]) -> Vec<u8> {
    let line = std::str::from_utf8(line).unwrap();
    let (times, word) = line.split_once(' ').unwrap();
    (word.repeat(times.parse().unwrap()) + "\n").into_bytes()
}

impl Service for Repeater {
    type Conn = Conn;
    type Message = Message;
    type Push = Blob;

    fn begin_turn(&mut self) {}

    fn end_turn(&mut self) -> u64 {
        60_000
    }

    fn tcp_options(&self) -> TcpOptions {
        TcpOptions { keepalive_s: 0 }
    }

    fn open(&mut self, _: &Peer) -> Result<(u64, Conn), Vec<u8>> {
        let id = self.shared.ids.fetch_add(1, Ordering::Relaxed);
        self.open.insert(id);
        Ok((id, Conn { id, waits_for: b"" }))
    }

    fn input(&mut self, conn: &mut Conn, input: &mut [u8], output: &mut Output) -> Turn {
        self.answer(conn, input, output)
    }

    fn prepare(&mut self, _: &mut Conn, _: &mut [u8]) {}

    fn has_prepared_enough(&self) -> bool {
        false
    }

    fn answer_next(&mut self, conn: &mut Conn, input: &mut [u8], output: &mut Output) -> Turn {
        self.answer(conn, input, output)
    }

    fn resume(&mut self, conn: &mut Conn, output: &mut Output) -> Next {
        output.put(conn.waits_for);
        Next::Read
    }

    fn after_turn(&mut self, _: &mut Conn, _: IoStats) -> bool {
        true
    }

    fn is_over(&mut self, _: &mut Conn) -> bool {
        false
    }

    fn message(&mut self, message: Message) {
        self.came.push_back(message);
    }

    fn due(&mut self) -> Option<Action<Message, Blob>> {
        self.came.pop_front().map(|(to, bytes)| Action::Push(to, bytes))
    }

    fn deliver(&mut self, _: &mut Conn, _: Message, _: &mut Output) -> Option<Next> {
        None
    }

    fn push(&mut self, _: &mut Conn, push: &Blob, output: &mut Output) {
        output.put_blob(push);
    }

    fn closed(&mut self, conn: Conn) {
        self.open.remove(&conn.id);
    }
}
