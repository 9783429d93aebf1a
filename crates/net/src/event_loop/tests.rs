//! The loop over both kinds of drivers: what clients see is the same.

use super::*;
use crate::testing::{Completions, Repeater, TestDriver, repeated};
use base::rng::Rng;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// A loop that runs on a thread of its own, until it is dropped.
struct Running {
    post: Post<()>,
    answered: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start<D: TestDriver>() -> Running {
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let (driver, post) = D::open();
            let service = Repeater::new();
            tell.send((post.clone(), service.answered.clone())).unwrap();
            EventLoop::over(driver, post, service).run().unwrap();
        });
        let (post, answered) = told.recv().unwrap();
        Running { post, answered, thread: Some(thread) }
    }

    fn connect(&self) -> UnixStream {
        let (client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let stream = Stream::Unix(mio::net::UnixStream::from_std(server));
        let peer = Peer { addr: String::new(), laddr: String::new(), fd: 0, unix: true, local: true };
        self.post.connections.fetch_add(1, Ordering::Relaxed);
        self.post.send(Mail::Connection(stream, peer)).unwrap();
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.post.send(Mail::Stop).unwrap();
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
    assert_eq!(running.post.load(), 0);
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
    let answered = running.answered.load(Ordering::Relaxed) - rounds;
    assert!(answered < asked, "all {asked} lines are answered, and nobody reads");
    silent.set_nonblocking(false).unwrap();
    silent.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&silent).len(), asked * repeated(question.as_bytes()).len());
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
}
