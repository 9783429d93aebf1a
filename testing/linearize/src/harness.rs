//! A server in this process, without sockets, and connections to it.
//!
//! Each connection has a worker of its own, and may be moved to a thread: the keyspace is the only thing that they
//! share, as it is between the workers of the real server. Or it shares its worker with others, as on a server of one
//! worker. Bytes go through the pipeline as they would from a socket.

use base::clock::Now;
use command::clients::{ClientInfo, Message};
use command::session::waiting::{self, End, Executor, Waiting};
use command::spec::registry::Registry;
use command::{Server, Session};
use dispatch::testing::Inbox;
use dispatch::{Flow, Worker, blocking, long, pipeline};
use engine::{Shape, Wait};
use resp::client::{Value, decode, encode_command};
use resp::{Proto, ReplyWriter};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

/// A server, and the inboxes of its workers.
pub struct Harness {
    server: Server,
    inboxes: Vec<Arc<Inbox>>,
}

impl Deref for Harness {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// A server for so many workers.
pub fn server(workers: usize) -> Arc<Harness> {
    let registry = Registry::new(commands::COMMANDS, &[]).expect("command names are unique");
    let shape = Shape { shards: 32, databases: 1 };
    let (server, inboxes) = dispatch::testing::server(registry, shape, workers, Now::default());
    Arc::new(Harness { server, inboxes })
}

/// A server for so many workers that runs every command elsewhere that may be long, on threads that end with it.
pub fn server_with_executors(workers: usize, executors: usize) -> Arc<Harness> {
    let (executor, jobs) = Executor::new(1);
    let jobs = Arc::new(Mutex::new(jobs));
    let harness = Arc::try_unwrap(server(workers)).ok().expect("nobody else has it yet");
    let Harness { mut server, inboxes } = harness;
    server.executor = Some(executor);
    let harness = Arc::new(Harness { server, inboxes });
    for _ in 0..executors {
        let (weak, jobs) = (Arc::downgrade(&harness), jobs.clone());
        std::thread::spawn(move || {
            let mut worker: Option<Worker> = None;
            loop {
                let job = jobs.lock().expect("no thread panics with it").recv();
                let (Ok(job), Some(harness)) = (job, weak.upgrade()) else { return };
                long::execute(&harness, worker.get_or_insert_with(|| long::worker_of(&harness)), job);
            }
        });
    }
    harness
}

/// A connection, and the worker that serves it.
pub struct Connection {
    server: Arc<Harness>,
    worker: Arc<Mutex<Worker>>,
    session: Session,
}

impl Connection {
    /// A connection with this worker to itself.
    pub fn new(server: &Arc<Harness>, worker: usize) -> Connection {
        let stats = server.workers[worker].stats.clone();
        let mut worker = Worker::new(worker, stats, worker as u64);
        worker.begin_turn(server);
        Connection::served_by(server, Arc::new(Mutex::new(worker)))
    }

    /// One more connection of the same worker.
    pub fn beside(&self) -> Connection {
        Connection::served_by(&self.server, self.worker.clone())
    }

    fn served_by(server: &Arc<Harness>, worker: Arc<Mutex<Worker>>) -> Connection {
        let number = lock(&worker).state.id;
        let client = |id| ClientInfo::new(id, number, 8, "127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned(), 0);
        let info = server.clients.add(usize::MAX, client).expect("there is always room for one more");
        Connection { server: server.clone(), worker, session: Session::new(info, true, true) }
    }

    /// Sends commands in one turn; returns the reply to the last.
    pub fn send(&mut self, commands: &[Vec<&str>]) -> Value {
        self.try_send(commands).expect("nothing waits")
    }

    /// The same; `None` when the only command waits.
    pub fn try_send(&mut self, commands: &[Vec<&str>]) -> Option<Value> {
        let mut input = Vec::new();
        for words in commands {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            encode_command(&mut input, &words);
        }
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let outcome = pipeline::run(&self.server, &mut lock(&self.worker), &mut self.session, &mut input, &mut reply);
        assert_eq!(outcome.consumed, input.len(), "all commands ran");
        let flow = self.be_patient(outcome.flow, &mut reply);
        if flow == Flow::Waits {
            assert!(commands.len() == 1 && reply.out.is_empty(), "nothing is answered yet");
            return None;
        }
        let bytes = reply.out.to_vec();
        let mut rest = bytes.as_slice();
        let mut last = None;
        for _ in commands {
            let (value, used) = decode(rest).expect("a valid reply").expect("a whole reply");
            rest = &rest[used..];
            last = Some(value);
        }
        assert!(rest.is_empty(), "one reply for each command");
        Some(last.expect("a command was sent"))
    }

    /// The answer to a command that waited, if it is there.
    pub fn poll(&mut self) -> Option<Value> {
        let inbox = self.inbox();
        let id = self.session.id;
        // Of what else there is, nothing ends a wait.
        inbox.take_all(|message| !matches!(message, Message::EndWait(..)));
        match inbox.take_first(|message| matches!(message, Message::EndWait(wait, _) if wait.client == id))? {
            Message::EndWait(wait, end) => Some(self.end_wait(&wait, end)),
            _ => None,
        }
    }

    fn inbox(&self) -> &Inbox {
        &self.server.inboxes[self.session.info.worker]
    }

    pub fn is_waiting(&self) -> bool {
        self.session.waiting.blocked().is_some()
    }

    /// Ends the wait as a timeout does; `None` if it was served meanwhile, and the answer is on its way.
    pub fn give_up(&mut self) -> Option<Value> {
        let wait = waiting::claim(&self.session.info)?;
        Some(self.end_wait(&wait, End::TimedOut))
    }

    fn end_wait(&mut self, wait: &Arc<Wait>, end: End) -> Value {
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let worker = &mut lock(&self.worker);
        let ended = blocking::end(&self.server, worker, &mut self.session, &mut reply, wait, end);
        assert!(ended, "a client is in one wait at a time");
        decode(&reply.out.to_vec()).expect("a valid reply").expect("a whole reply").0
    }

    /// Tries again as long as another thread holds the shards that are needed.
    fn be_patient(&mut self, flow: Flow, reply: &mut ReplyWriter) -> Flow {
        let mut flow = flow;
        while let Waiting::Busy = self.session.waiting {
            std::thread::yield_now();
            let worker = &mut lock(&self.worker);
            worker.begin_turn(&self.server);
            flow = pipeline::run_postponed(&self.server, worker, &mut self.session, reply);
        }
        flow
    }

    /// Sends a command that may run elsewhere, or may have to wait for one that does, and waits for its answer.
    pub fn run_waiting(&mut self, line: &str) -> Value {
        let mut input = Vec::new();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        encode_command(&mut input, &words);
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let mut flow =
            pipeline::run(&self.server, &mut lock(&self.worker), &mut self.session, &mut input, &mut reply).flow;
        while flow != Flow::Continue {
            flow = self.be_patient(flow, &mut reply);
            if flow == Flow::Continue {
                break;
            }
            let Some(message) = self.inbox().take() else {
                std::thread::yield_now();
                continue;
            };
            let worker = &mut lock(&self.worker);
            match message {
                Message::Finished(mut finished) => {
                    long::bring_back(&self.server, worker, &mut finished);
                    assert!(long::end(&self.server, worker, &mut self.session, &mut reply, *finished));
                }
                Message::Retry(_) => {}
                _ => continue,
            }
            flow = pipeline::run_postponed(&self.server, worker, &mut self.session, &mut reply);
        }
        let (value, used) = decode(&reply.out.to_vec()).expect("a valid reply").expect("a whole reply");
        assert_eq!(used, reply.out.len(), "one reply");
        value
    }

    /// Sends one command given as a line, its words between spaces.
    pub fn run(&mut self, line: &str) -> Value {
        self.send(&[line.split(' ').collect()])
    }
}

fn lock(worker: &Mutex<Worker>) -> MutexGuard<'_, Worker> {
    worker.lock().expect("no client panics")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::KEYS;

    #[test]
    fn the_hot_keys_are_spread_over_shards() {
        let server = server(1);
        let shards: Vec<u16> = KEYS.iter().map(|key| server.keyspace.key(key.as_bytes()).shard).collect();
        let (tagged, others) = shards.split_last().expect("there are keys");
        assert_eq!(*tagged, others[0], "a tag shares its key's shard");
        let distinct: std::collections::BTreeSet<&u16> = others.iter().collect();
        assert_eq!(distinct.len(), others.len(), "{shards:?}");
        assert!(!others.is_sorted(), "the order of keys is not the order of locks: {shards:?}");
    }
}
