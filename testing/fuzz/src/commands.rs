//! A whole server without sockets: whatever sessions ask for, each command is answered with exactly one reply, and
//! the server goes on. Arguments are drawn from few keys and awkward values, so that commands meet each other's
//! keys. Who waits for a key has waited long enough at once.

use crate::{pick, soup};
use base::rng::Rng;
use command::clients::ClientInfo;
use command::session::waiting::{self, End};
use command::{Server, Session};
use dispatch::{Flow, Worker, blocking, pipeline};
use resp::client::{Value, decode, encode_command};
use resp::{Proto, ReplyWriter};
use server::testing::TestServer;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Commands that end, stop, or wait: their effect is on the process, not on the data. MONITOR and CLIENT answer not
/// once but several times or never; the tests over sockets have them.
const LEFT_OUT: &[&str] =
    &["shutdown", "debug", "monitor", "client", "quit", "config", "subscribe", "psubscribe", "ssubscribe"];

const VALUES: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"2",
    b"10",
    b"100",
    b"-100",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"1.5",
    b"-0",
    b"inf",
    b"-inf",
    b"nan",
    b"1e400",
    b"0x10",
    b"*",
    b"a*",
    b"[",
    b"\\",
    b"(1",
    b"[a",
    b"+",
    b"-",
    b"$",
    b"NX",
    b"XX",
    b"EX",
    b"PX",
    b"GET",
    b"LIMIT",
    b"COUNT",
    b"MATCH",
    b"WITHSCORES",
    b"BY",
    b"STORE",
    b"LEFT",
    b"RIGHT",
    b"AND",
    b"NOT",
    b"BIT",
    b"SET",
    b"INCRBY",
    b"u8",
    b"i64",
    b"#1",
    b"OVERFLOW",
    b"KEEPTTL",
    b"PERSIST",
    b"REPLACE",
    b"DB",
    b"ABSTTL",
    b"a",
    b"b",
    b"c",
    b"\0\xff\r\n",
    b"value that is longer than what lies in line in an entry of the table",
];
const KEYS: &[&[u8]] = &[b"k1", b"k2", b"k3", b"{tag}a", b"{tag}b", b"", b"counter"];

fn words(rng: &mut Rng, server: &Server) -> Vec<Vec<u8>> {
    let names: Vec<&str> =
        server.registry.all().map(|command| command.spec.name).filter(|name| is_safe(name)).collect();
    let mut words = vec![pick(rng, &names).as_bytes().to_vec()];
    let mut keys_at_first = true;
    for _ in 0..rng.below(7) {
        let word = match rng.below(5) {
            0..2 if keys_at_first => pick(rng, KEYS).to_vec(),
            4 => soup(rng, VALUES, 3),
            _ => pick(rng, VALUES).to_vec(),
        };
        keys_at_first &= words.len() < 3;
        words.push(word);
    }
    words
}

fn is_safe(name: &str) -> bool {
    !LEFT_OUT.iter().any(|left_out| name.eq_ignore_ascii_case(left_out))
}

fn session(server: &Server) -> Session {
    let id = server.clients.next_id();
    let info = Arc::new(ClientInfo::new(id, 0, 0, "127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned(), 0));
    Session::new(info, true, true)
}

pub fn round(rng: &mut Rng) {
    let running = TestServer::start(&[]);
    let server = running.server();
    let mut worker = Worker::new(0, server.workers[0].stats.clone(), rng.next_u64());
    let mut sessions: Vec<Session> = (0..3).map(|_| session(server)).collect();
    for _ in 0..150 {
        let number = rng.below(3) as usize;
        let session = &mut sessions[number];
        let batch: Vec<Vec<Vec<u8>>> = (0..1 + rng.below(8)).map(|_| words(rng, server)).collect();
        let mut input = Vec::new();
        for words in &batch {
            encode_command(&mut input, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        worker.begin_turn(server);
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let mut flow = pipeline::run(server, &mut worker, session, &mut input, &mut reply).flow;
        while flow == Flow::SendFirst || session.waiting.blocked().is_some() {
            if session.waiting.blocked().is_some() {
                let wait = waiting::claim(&session.info).expect("nobody else is there to end the wait");
                assert!(blocking::end(server, &mut worker, session, &mut reply, &wait, End::TimedOut));
            }
            flow = pipeline::run_postponed(server, &mut worker, session, &mut reply);
        }
        let replies = replies(&reply.out.to_vec(), &batch);
        if session.waiting.name() == "long" {
            // It runs elsewhere, and its end is told to the running server's worker, which knows no such client and drops the
            // answer. Who needs all shards waits until its keys are back.
            ask(running.addr(), "SWAPDB 0 0");
            sessions[number] = self::session(server);
            continue;
        }
        assert_eq!(flow, Flow::Continue, "{}", shown(&batch));
        assert_eq!(replies, batch.len(), "replies to {}", shown(&batch));
    }
}

/// Sends a running server a command that is answered by a line, and waits for that.
fn ask(addr: SocketAddr, line: &str) {
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    write!(stream, "{line}\r\n").expect("the server reads");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("the server answers");
    assert_eq!(answer, "+OK\r\n", "{line}");
}

/// How many replies these bytes are.
fn replies(mut bytes: &[u8], batch: &[Vec<Vec<u8>>]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        let (value, len) = match decode(bytes) {
            Ok(Some(found)) => found,
            other => panic!("{other:?} in the replies to {}", shown(batch)),
        };
        count += usize::from(!matches!(value, Value::Push(_)));
        bytes = &bytes[len..];
    }
    count
}

fn shown(batch: &[Vec<Vec<u8>>]) -> String {
    let command = |words: &Vec<Vec<u8>>| {
        words.iter().map(|word| format!("\"{}\"", word.escape_ascii())).collect::<Vec<_>>().join(" ")
    };
    batch.iter().map(command).collect::<Vec<_>>().join("\n")
}
