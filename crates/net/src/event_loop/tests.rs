//! The loop over both kinds of drivers: what clients see is the same.

use super::*;
use crate::listener::{Listener, ListenerKind};
use crate::stream::{Peer, Stream};
use crate::testing::{Completions, Message, Repeater, Shared, TestDriver, repeated};
use base::rng::Rng;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// A loop that runs on a thread of its own, until it is dropped.
struct Running {
    mailbox: Mailbox<Message>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start<D: TestDriver>() -> Running {
        let (tell, told) = mpsc::channel();
        let shared: Arc<Shared> = Arc::default();
        let service_of = shared.clone();
        let thread = std::thread::spawn(move || {
            let (driver, mailbox) = D::open();
            tell.send(mailbox.clone()).unwrap();
            let service = Repeater::new(mailbox.clone(), service_of);
            EventLoop::over(driver, mailbox, service).run().unwrap();
        });
        Running { mailbox: told.recv().unwrap(), shared, thread: Some(thread) }
    }

    fn connect(&self) -> UnixStream {
        let (client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let stream = Stream::Unix(mio::net::UnixStream::from_std(server));
        let listener = ListenerKind::Unix;
        let peer = Peer { listener, addr: String::new(), laddr: String::new(), fd: 0, local: true };
        self.mailbox.connect(stream, peer).unwrap();
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.mailbox.stop().unwrap();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Lines, and what they are answered with.
fn conversation(seed: u64, lines: usize) -> (Vec<u8>, Vec<u8>) {
    let mut random = Rng::seed(seed);
    let (mut asked, mut expected) = (Vec::new(), Vec::new());
    for at in 0..lines {
        if random.below(20) == 0 {
            asked.extend_from_slice(b"pause\n");
            expected.extend_from_slice(b"paused\nresumed\n");
            continue;
        }
        let times = if random.below(30) == 0 { random.below(100_000) } else { random.below(50) };
        let line = format!("{times} {at},");
        expected.extend_from_slice(&repeated(line.as_bytes()));
        asked.extend_from_slice(line.as_bytes());
        asked.push(b'\n');
    }
    (asked, expected)
}

fn read_all(mut client: &UnixStream) -> Vec<u8> {
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    got
}

fn clients_at_once_get_their_answers_in_order<D: TestDriver>() {
    let running = Running::start::<D>();
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let client = running.connect();
            scope.spawn(move || {
                let (asked, expected) = conversation(seed, 400);
                let mut random = Rng::seed(seed);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let mut rest = &asked[..];
                        while !rest.is_empty() {
                            let part = 1 + random.below(rest.len().min(3000) as u64) as usize;
                            (&client).write_all(&rest[..part]).unwrap();
                            rest = &rest[part..];
                        }
                        client.shutdown(Shutdown::Write).unwrap();
                    });
                    assert!(read_all(&client) == expected, "client {seed}");
                });
            });
        }
    });
    assert_eq!(running.mailbox.connections(), 0);
}

fn what_was_answered_before_a_close_arrives<D: TestDriver>() {
    let running = Running::start::<D>();
    let mut client = running.connect();
    client.write_all(b"3000000 x\nbye\n1 never\n").unwrap();
    // It closes with input that it did not read: some systems tell the client so, behind the answer.
    let mut got = Vec::new();
    let _ = client.read_to_end(&mut got);
    assert!(got == repeated(b"3000000 x"), "{} bytes", got.len());
}

fn half_a_line_is_not_answered<D: TestDriver>() {
    let running = Running::start::<D>();
    let mut client = running.connect();
    client.write_all(b"2 a\n100000 b\n3 c").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let expected = [repeated(b"2 a"), repeated(b"100000 b")].concat();
    assert!(read_all(&client) == expected);
}

fn who_does_not_read_is_not_read_from<D: TestDriver>() {
    let question = format!("20 {}", "x".repeat(1000));
    let line = format!("{question}\n");
    let running = Running::start::<D>();
    let mut silent = running.connect();
    silent.set_nonblocking(true).unwrap();
    let mut polite = running.connect();
    let (mut asked, mut rounds) = (0, 0);
    // Until its lines stay where they are for many of somebody else's.
    while rounds < 50 {
        match silent.write(line.as_bytes()) {
            Ok(len) => {
                assert_eq!(len, line.len());
                asked += 1;
                assert!(asked < 1_000_000, "it reads for ever");
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                rounds += 1;
                polite.write_all(b"1 x\n").unwrap();
                polite.read_exact(&mut [0; 2]).unwrap();
            }
        }
    }
    let answered = running.shared.answered.load(Ordering::Relaxed) - rounds;
    assert!(answered < asked, "all {asked} lines are answered, and nobody reads");
    silent.set_nonblocking(false).unwrap();
    silent.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&silent).len(), asked * repeated(question.as_bytes()).len());
}

fn read_line(client: &mut UnixStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

fn a_push_to_oneself_stands_before_the_replies_to_come<D: TestDriver>() {
    let running = Running::start::<D>();
    let mut clients = [running.connect(), running.connect()];
    // Both are there before one shouts.
    for client in &mut clients {
        client.write_all(b"1 here\n").unwrap();
        assert_eq!(read_line(client), "here\n");
    }
    let [first, second] = &mut clients;
    first.write_all(b"1 a\nshout b\n1 c\nshout d\nshout e\n1 f\n").unwrap();
    first.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(first), b"a\nb\nshouted\nc\nd\nshouted\ne\nshouted\nf\n");
    for expected in ["b\n", "d\n", "e\n"] {
        assert_eq!(read_line(second), expected);
    }
}

fn what_is_pushed_while_others_speak_arrives_whole_and_in_order<D: TestDriver>() {
    let running = Running::start::<D>();
    let mut clients: Vec<UnixStream> = (0..4).map(|_| running.connect()).collect();
    for client in &mut clients {
        client.write_all(b"1 here\n").unwrap();
        assert_eq!(read_line(client), "here\n");
    }
    let shouting = clients.pop().unwrap();
    std::thread::scope(|scope| {
        for (number, client) in clients.iter().enumerate() {
            scope.spawn(move || {
                let (asked, expected) = conversation(number as u64, 300);
                std::thread::scope(|scope| {
                    scope.spawn(|| (&*client).write_all(&[&asked[..], b"bye\n"].concat()).unwrap());
                    let lines = read_all(client);
                    let (mut pushed, mut replies) = (0, Vec::new());
                    for line in lines.split_inclusive(|&byte| byte == b'\n') {
                        match line.strip_prefix(b"!") {
                            Some(number) => {
                                assert_eq!(number, format!("{pushed}\n").as_bytes());
                                pushed += 1;
                            }
                            None => replies.extend_from_slice(line),
                        }
                    }
                    assert!(replies == expected);
                });
            });
        }
        scope.spawn(move || {
            let mut shouting = shouting;
            for number in 0..200 {
                shouting.write_all(format!("shout !{number}\n").as_bytes()).unwrap();
                assert_eq!(read_line(&mut shouting), format!("!{number}\n"));
                assert_eq!(read_line(&mut shouting), "shouted\n");
            }
        });
    });
}

fn long_messages_are_shared_by_those_who_do_not_read_them<D: TestDriver>() {
    const COUNT: usize = 50;
    let running = Running::start::<D>();
    let clients: Vec<UnixStream> = (0..COUNT).map(|_| running.connect()).collect();
    let bytes = Arc::new(vec![b'x'; 5_000_000]);
    running.mailbox.send(((0..COUNT as u64).collect(), bytes.clone())).unwrap();
    let mut last = &clients[COUNT - 1];
    last.read_exact(&mut vec![0; 1000]).unwrap();
    // Each is longer than what a socket takes.
    assert!(Arc::strong_count(&bytes) > COUNT / 2, "copied");
}

fn long_messages_of_one_turn_all_arrive<D: TestDriver>() {
    let running = Running::start::<D>();
    let mut client = running.connect();
    // An output at rest, whose memory others may use meanwhile.
    for _ in 0..3 {
        client.write_all(b"1 here\n").unwrap();
        assert_eq!(read_line(&mut client), "here\n");
    }
    for letter in [b'a', b'b', b'c'] {
        running.mailbox.put(([0].into(), Arc::new(vec![letter; 10_000])));
    }
    running.mailbox.wake().unwrap();
    let mut bytes = vec![0; 30_000];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [[b'a'; 10_000], [b'b'; 10_000], [b'c'; 10_000]].concat());
}

macro_rules! over_both {
    ($($test:ident)*) => {
        mod epoll { $(#[test] fn $test() { super::$test::<crate::Epoll>(); })* }
        mod completions { $(#[test] fn $test() { super::$test::<super::Completions>(); })* }
    };
}

over_both! {
    clients_at_once_get_their_answers_in_order
    what_was_answered_before_a_close_arrives
    half_a_line_is_not_answered
    who_does_not_read_is_not_read_from
    a_push_to_oneself_stands_before_the_replies_to_come
    what_is_pushed_while_others_speak_arrives_whole_and_in_order
    long_messages_of_one_turn_all_arrive
    long_messages_are_shared_by_those_who_do_not_read_them
}

/// Loops that accept, on threads of their own.
struct Accepting {
    addr: SocketAddr,
    listeners: Arc<Listeners>,
    shared: Arc<Shared>,
    workers: Vec<Mailbox<Message>>,
    threads: Vec<JoinHandle<()>>,
}

impl Accepting {
    fn start(count: usize) -> Accepting {
        let all: Vec<LoopParts<Message>> = (0..count).map(|_| LoopParts::open().unwrap()).collect();
        let listeners = Arc::new(LoopParts::listeners(&all).unwrap());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listeners.add(Listener::tcp(ListenerKind::Tcp, any, 100).unwrap()).unwrap();
        let addr = listeners.addresses(ListenerKind::Tcp)[0];
        let workers: Vec<Mailbox<Message>> = all.iter().map(LoopParts::mailbox).collect();
        let shared: Arc<Shared> = Arc::default();
        let spawn = |parts: LoopParts<Message>| {
            let service = Repeater::new(parts.mailbox(), shared.clone());
            let (listeners, workers) = (listeners.clone(), workers.clone());
            std::thread::spawn(move || {
                let mut event_loop = EventLoop::new(parts, service);
                event_loop.listen(listeners, workers);
                event_loop.run().unwrap();
            })
        };
        let threads = all.into_iter().map(spawn).collect();
        Accepting { addr, listeners, shared, workers, threads }
    }

    fn ask(client: &mut TcpStream, line: &[u8]) -> Vec<u8> {
        client.write_all(line).unwrap();
        let mut answer = repeated(line.trim_ascii_end());
        client.read_exact(&mut answer).unwrap();
        answer
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.shared.release.store(true, Ordering::SeqCst);
        self.listeners.close();
        self.workers.iter().for_each(|worker| worker.stop().unwrap());
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

#[test]
fn a_stuck_worker_neither_accepts_nor_gets_new_clients() {
    for round in 0..3 {
        let accepting = Accepting::start(3);
        let mut stuck: Vec<TcpStream> = Vec::new();
        for number in 1..=2 {
            let mut client = TcpStream::connect(accepting.addr).unwrap();
            assert_eq!(Accepting::ask(&mut client, b"1 here\n"), b"here\n");
            client.write_all(b"spin\n").unwrap();
            while accepting.shared.spinning.load(Ordering::SeqCst) < number {
                std::thread::yield_now();
            }
            let long = Duration::from_millis(20);
            let begin = Instant::now();
            while begin.elapsed() < long {
                std::thread::yield_now();
            }
            stuck.push(client);
        }
        for number in 0..20 {
            let mut client = TcpStream::connect(accepting.addr).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            assert_eq!(Accepting::ask(&mut client, b"2 x\n"), b"xx\n", "client {number} of round {round}");
            stuck.push(client);
        }
        accepting.shared.release.store(true, Ordering::SeqCst);
        stuck[0].read_exact(&mut [0; 5]).unwrap();
    }
}

#[test]
fn connections_are_spread_evenly_over_the_workers() {
    let accepting = Accepting::start(3);
    let mut clients: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(accepting.addr).unwrap()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(Accepting::ask(client, b"1 x\n"), b"x\n"));
    let counts: Vec<usize> = accepting.workers.iter().map(Mailbox::connections).collect();
    assert_eq!(counts, [10, 10, 10]);
}
