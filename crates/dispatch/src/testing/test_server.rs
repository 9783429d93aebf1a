//! A server without sockets, for the tests beside the handlers.
//!
//! Time stands still until [`TestServer::advance_ms`] moves it.

use super::Inbox;
use crate::{Flow, Worker, blocking, fanout, long, pipeline};
use command::clients::{ClientInfo, Mailbox, Message, channels};
use command::session::waiting::{Executor, Job, Waiting};
use command::spec::registry::Registry;
use command::{CommandSpec, OwnedArgs, Server, Session};
use engine::journal::Record;
use engine::{LockedKeys, Scope, Shape};
use resp::client::{Value, decode};
use resp::{Proto, ReplyWriter};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// A server with one worker and any number of sessions.
pub struct TestServer {
    pub server: Server,
    pub worker: Worker,
    sessions: Vec<Session>,
    inbox: Arc<Inbox>,
    /// Long commands that did not run yet, once they are to run elsewhere.
    jobs: Option<Receiver<Box<Job>>>,
}

impl TestServer {
    /// A server that has these commands.
    pub fn new(commands: &[&[&'static CommandSpec]]) -> TestServer {
        let registry = Registry::new(commands, &[]).expect("command names are unique");
        let shape = Shape { shards: 16, databases: 16 };
        let started = base::clock::Now { unix_ms: 1_700_000_000_000, unix_us: 1_700_000_000_000_000, mono_us: 1 };
        let (server, mut inboxes) = super::server(registry, shape, 1, started);
        let inbox = inboxes.remove(0);
        let mut worker = Worker::new(0, server.workers[0].stats.clone(), 7);
        worker.state.now = started;
        server.tunables.general.enable_debug_command.set(options::Permission::Yes);
        server.keyspace.journal.start();
        server.events.on.store(true, std::sync::atomic::Ordering::Relaxed);
        let mut this = TestServer { server, worker, sessions: Vec::new(), inbox, jobs: None };
        this.connect();
        this.advance_ms(0);
        this
    }

    /// One more session; returns its number.
    pub fn connect(&mut self) -> usize {
        let now = self.worker.state.now.unix_ms;
        let addr = |id| format!("127.0.0.1:{}", 10_000 + id);
        let client = |id| ClientInfo::new(id, 0, 8, addr(id), "127.0.0.1:6379".to_owned(), now);
        let info = self.server.clients.add(usize::MAX, client).expect("there is always room for one more");
        self.sessions.push(Session::new(info, true, true));
        self.sessions.len() - 1
    }

    /// The server, its worker, and a session, to be used side by side.
    pub fn parts(&mut self, session: usize) -> (&Server, &mut Worker, &mut Session) {
        (&self.server, &mut self.worker, &mut self.sessions[session])
    }

    /// All keys, locked, in database 0.
    pub fn lock_all(&mut self) -> LockedKeys<'_> {
        LockedKeys::lock(&self.server.keyspace, Scope::All, 0, &mut self.worker.effects)
    }

    /// Deletes what is past its deadline.
    pub fn sweep(&mut self) {
        self.worker.sweep(&self.server, 100);
    }

    /// Moves the clock.
    pub fn advance_ms(&mut self, ms: i64) {
        let mut now = self.worker.state.now;
        now.unix_ms += ms;
        now.unix_us += ms * 1000;
        now.mono_us += ms as u64 * 1000;
        self.worker.set_now(&self.server, now);
        channels::look_who_listens(&self.server);
    }

    pub fn set_proto(&mut self, proto: Proto) {
        self.sessions[0].proto = proto;
    }

    /// Runs a command of session 0, its words as in redis-cli.
    pub fn run(&mut self, line: &str) -> Value {
        self.run_on(0, line)
    }

    /// The same on another session.
    pub fn run_on(&mut self, session: usize, line: &str) -> Value {
        let words = base::text::split_args(line.as_bytes()).expect("balanced quotes");
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.run_words(session, &words)
    }

    pub fn run_words(&mut self, session: usize, words: &[&[u8]]) -> Value {
        let owned: OwnedArgs = words.iter().copied().collect();
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let mut ticks = 0;
        let session = &mut self.sessions[session];
        if session.waiting.is_retried() {
            // Its last command is given up.
            session.waiting = Waiting::No;
        }
        let flow = pipeline::run_words(&self.server, &mut self.worker, session, &mut reply, &owned.args(), &mut ticks);
        assert_ne!(flow, Flow::Waits, "the command waits");
        let bytes = reply.out.to_vec();
        let (value, used) = decode(&bytes).expect("a valid reply").expect("a whole reply");
        assert_eq!(used, bytes.len(), "one reply");
        value
    }

    /// Runs a command that may be answered by several messages, and returns all that its client is sent for it.
    pub fn run_all(&mut self, session: usize, line: &str) -> Vec<Value> {
        let words = base::text::split_args(line.as_bytes()).expect("balanced quotes");
        let owned: OwnedArgs = words.iter().map(Vec::as_slice).collect();
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let session = &mut self.sessions[session];
        let flow = pipeline::run_words(&self.server, &mut self.worker, session, &mut reply, &owned.args(), &mut 0);
        assert_ne!(flow, Flow::Waits, "the command waits");
        values(&reply.out.to_vec())
    }

    /// The published messages that each session is sent, in the order in which they were published.
    pub fn deliver(&mut self) -> Vec<(usize, Value)> {
        let mut delivered = Vec::new();
        let mut runs: Vec<fanout::Run> = Vec::new();
        for message in self.inbox.take_all(|message| matches!(message, Message::Published(_))) {
            let Message::Published(publication) = message else { continue };
            let mut begun = Vec::new();
            let last = runs.last_mut();
            fanout::sort_out(&self.server, &self.worker.state, &publication, last, |run| begun.push(run));
            runs.append(&mut begun);
        }
        for run in runs {
            let (clients, messages) = run.deliver(&self.server, &self.worker.state);
            for client in clients {
                let number = self.sessions.iter().position(|session| session.id == client).expect("it is there");
                let written = messages.written(self.sessions[number].proto);
                delivered.extend(values(written).into_iter().map(|value| (number, value)));
            }
        }
        delivered
    }

    /// Runs a command that must wait, on a new session; returns that session's number.
    pub fn wait(&mut self, line: &str) -> usize {
        let session = self.connect();
        self.wait_on(session, line);
        session
    }

    /// The same on a session that is there.
    pub fn wait_on(&mut self, session: usize, line: &str) {
        let words = base::text::split_args(line.as_bytes()).expect("balanced quotes");
        let owned: OwnedArgs = words.iter().map(Vec::as_slice).collect();
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let session = &mut self.sessions[session];
        let flow = pipeline::run_words(&self.server, &mut self.worker, session, &mut reply, &owned.args(), &mut 0);
        assert_eq!((flow, session.waiting.name()), (Flow::Waits, "keys"), "{line} waits");
        assert!(reply.out.is_empty(), "nothing is answered yet");
    }

    /// From now on, commands with so many elements do not run before [`TestServer::execute`].
    pub fn run_long_elsewhere(&mut self, elements: usize) {
        let (executor, jobs) = Executor::new(elements);
        self.server.executor = Some(executor);
        self.jobs = Some(jobs);
    }

    /// Gives up the command that a session waits with.
    pub fn give_up(&mut self, session: usize) {
        assert!(self.sessions[session].waiting.is_retried(), "its command has not begun");
        self.sessions[session].waiting = Waiting::No;
    }

    /// Sends a command of which there is no answer yet; returns the name of what it waits for.
    pub fn send(&mut self, session: usize, line: &str) -> &'static str {
        let words = base::text::split_args(line.as_bytes()).expect("balanced quotes");
        let owned: OwnedArgs = words.iter().map(Vec::as_slice).collect();
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let session = &mut self.sessions[session];
        pipeline::run_words(&self.server, &mut self.worker, session, &mut reply, &owned.args(), &mut 0);
        assert!(reply.out.is_empty(), "nothing is answered yet");
        session.waiting.name()
    }

    /// Runs the long commands that were handed over, and brings their keys back.
    pub fn execute(&mut self) {
        self.execute_some(usize::MAX);
    }

    /// The same with the first of them.
    pub fn execute_first(&mut self) {
        self.execute_some(1);
    }

    fn execute_some(&mut self, count: usize) {
        let mut executor = long::worker_of(&self.server);
        for job in self.jobs.iter().flat_map(Receiver::try_iter).take(count) {
            long::execute(&self.server, &mut executor, job);
        }
        let mut finished = self.inbox.take_all(|message| matches!(message, Message::Finished(_)));
        for message in &mut finished {
            let Message::Finished(finished) = message else { continue };
            long::bring_back(&self.server, &mut self.worker, finished);
        }
        for message in finished {
            self.inbox.send(message);
        }
    }

    /// The sessions that were told to try again since the last call.
    pub fn told_to_retry(&mut self) -> Vec<usize> {
        let told = self.inbox.take_all(|message| matches!(message, Message::Retry(_)));
        let number = |id: u64| self.sessions.iter().position(|session| session.id == id);
        told.iter().filter_map(|message| if let Message::Retry(id) = message { number(*id) } else { None }).collect()
    }

    /// What a session that waited was answered since; `None` while it waits.
    pub fn answer(&mut self, session: usize) -> Option<String> {
        let session = &mut self.sessions[session];
        let for_it = |message: &Message| match message {
            Message::EndWait(wait, _) => wait.client == session.id,
            Message::Finished(finished) => finished.client == session.id,
            _ => false,
        };
        let message = self.inbox.take_first(for_it)?;
        let mut reply = ReplyWriter::new(Proto::Resp2);
        let ended = match message {
            Message::EndWait(wait, end) => {
                blocking::end(&self.server, &mut self.worker, session, &mut reply, &wait, end)
            }
            Message::Finished(finished) => long::end(&self.server, &mut self.worker, session, &mut reply, *finished),
            _ => false,
        };
        assert!(ended, "it waited for this");
        let (value, _) = decode(&reply.out.to_vec()).expect("a valid reply").expect("a whole reply");
        Some(value.to_string())
    }

    /// Ends a connection, as if the client had closed it.
    pub fn hang_up(&mut self, session: usize) {
        crate::close(&self.server, &self.worker, &mut self.sessions[session]);
    }

    /// The time at which a session gives up waiting, in milliseconds from now.
    pub fn gives_up_in_ms(&self, session: usize) -> Option<u64> {
        let deadline = self.sessions[session].waiting.blocked()?.deadline_us?;
        Some((deadline - self.worker.state.now.mono_us) / 1000)
    }

    /// Runs a command and shows its reply as redis-cli does.
    pub fn show(&mut self, line: &str) -> String {
        self.run(line).to_string()
    }

    /// What was logged since the last call, a line a command ("0 SET k v").
    pub fn journal(&self) -> Vec<String> {
        let show = |record: Record| {
            let words: Vec<_> = record.args.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            format!("{} {}", record.db, words.join(" "))
        };
        self.server.keyspace.journal.take().into_iter().flatten().map(show).collect()
    }

    /// Events since the last call ("0 set k").
    pub fn events(&self) -> Vec<String> {
        let show = |fired: engine::effects::Fired| {
            format!("{} {} {}", fired.db, fired.event.name, String::from_utf8_lossy(&fired.key))
        };
        self.server.events.take().into_iter().map(show).collect()
    }
}

/// All values in these bytes.
fn values(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (value, used) = decode(bytes).expect("a valid reply").expect("a whole reply");
        values.push(value);
        bytes = &bytes[used..];
    }
    values
}
