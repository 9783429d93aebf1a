//! A worker: joins the event loop with the commands.

use base::throttle::Throttle;
use base::{Blob, Output};
use command::clients::channels::{Messages, Publication};
use command::clients::tracking::{self, Invalidated};
use command::clients::{ClientInfo, Mailbox, Message, client_flags};
use command::session::waiting::{Blocked, End, Waiting};
use command::{Server, Session};
use dispatch::pipeline::{self, Outcome};
use dispatch::{Flow, Worker, blocking, fanout, long};
use engine::Wait;
use net::{Action, IoStats, ListenerKind, Next, Peer, Service, TcpOptions, Turn};
use options::Tunables;
use resp::{Proto, ReplyWriter};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Milliseconds between two sweeps for expired keys, at the least; and while there is more to do.
const SWEEP_EVERY_MS: i64 = 5;
const SWEEP_AGAIN_MS: i64 = 1;
/// Milliseconds that an idle worker sleeps at most.
const SLEEP_MS: u64 = 100;
/// Milliseconds that a worker sleeps at most while its clients wait for shards.
const BUSY_SLEEP_MS: u64 = 1;

/// Keys that are planned together, at the least, when more connections are ready: more would only push each other's
/// input out of the cache.
const KEYS_AT_ONCE: usize = 256;

/// Clients over a limit: any client can make the log speak of it.
static OUTPUT_LIMIT_LOG: Throttle = Throttle::every_ms(1000);
static INPUT_LIMIT_LOG: Throttle = Throttle::every_ms(1000);

/// One worker's side of the event loop.
pub struct WorkerService {
    pub server: Arc<Server>,
    pub worker: Worker,
    /// When the next sweep and the next cron are due, in milliseconds of the monotonic clock: a calendar that is set
    /// back must not stop them.
    pub sweep_at: i64,
    pub cron_at: i64,
    pub deadlines: Deadlines,
    /// What messages have made due, in their order.
    due: VecDeque<Due>,
    /// Clients whose commands wait for shards that another thread holds; they try again in the next turn.
    pub busy: Vec<u64>,
}

/// The waits of this worker's clients that have a deadline, by it (in microseconds of the monotonic clock) and by
/// client.
pub type Deadlines = BTreeMap<(u64, u64), Arc<Wait>>;

/// A connection, with what only this layer knows.
pub struct Connection {
    session: Session,
    /// Unix milliseconds since which the output is over the soft limit.
    over_soft_limit_since: Option<i64>,
}

/// What a message has made due.
enum Due {
    Action(Action<Message, Push>),
    /// Published messages, to be sent to their subscribers.
    Messages(fanout::Run),
}

/// What is written to clients that did not ask for it just now.
pub enum Push {
    Published(Messages),
    Monitored(Blob),
    Invalidated { redirected: bool, what: Arc<Invalidated> },
}

/// A worker's mailbox, as commands see it.
pub struct WorkerMailbox(pub net::Mailbox<Message>);

impl Mailbox for WorkerMailbox {
    fn post(&self, message: Message) -> bool {
        self.0.put(message)
    }

    fn wake(&self) {
        if let Err(error) = self.0.wake() {
            log::warn!("Waking a worker: {error}");
        }
    }
}

/// Lets `write` write replies to an output.
#[inline]
fn with_writer<R>(output: &mut Output, write: impl FnOnce(&mut ReplyWriter) -> R) -> R {
    let mut reply = ReplyWriter { proto: Proto::Resp2, out: std::mem::take(output) };
    let result = write(&mut reply);
    *output = reply.out;
    result
}

impl WorkerService {
    pub fn new(server: Arc<Server>, worker: Worker) -> WorkerService {
        let deadlines = Deadlines::default();
        WorkerService { server, worker, sweep_at: 0, cron_at: 0, deadlines, due: VecDeque::new(), busy: Vec::new() }
    }

    /// What is to become of a connection after its commands. The only way from one to the other, because the deadline
    /// of a session that has begun to wait must be noted.
    #[inline]
    fn next(&mut self, session: &Session, flow: Flow, reply: &mut ReplyWriter) -> Next {
        if reply.out.len() >= self.worker.state.output_limit(&session.info) {
            // As in Redis, who asked for too much gets nothing of it.
            self.count_output_over_limit(session);
            reply.out = Output::default();
            return Next::Close;
        }
        match flow {
            Flow::Continue => Next::Read,
            Flow::Close => Next::Close,
            Flow::Waits => {
                if let Waiting::Messages = session.waiting {
                    return Next::DeliverFirst;
                }
                self.note_wait(session);
                if session.waiting.ends_soon() { Next::Pending } else { Next::Wait }
            }
            Flow::SendFirst => Next::SendFirst,
            Flow::DeliverFirst => Next::DeliverFirst,
        }
    }

    /// Lets a session that waited go on with the commands behind.
    fn go_on(&mut self, session: &mut Session, reply: &mut ReplyWriter) -> Next {
        let flow = pipeline::run_postponed(&self.server, &mut self.worker, session, reply);
        self.next(session, flow, reply)
    }

    /// Makes a published message due, together with the one before it if the same clients receive both.
    fn sort_out(&mut self, publication: &Arc<Publication>) {
        let WorkerService { server, worker, due, .. } = self;
        let mut begun = Vec::new();
        let last = match due.back_mut() {
            Some(Due::Messages(run)) => Some(run),
            Some(Due::Action(_)) | None => None,
        };
        fanout::sort_out(server, &worker.state, publication, last, |run| begun.push(run));
        due.extend(begun.into_iter().map(Due::Messages));
    }

    /// Notes what has to be looked at for a session that begins to wait.
    #[cold]
    fn note_wait(&mut self, session: &Session) {
        match &session.waiting {
            Waiting::Keys(Blocked { wait, deadline_us: Some(deadline), .. }) => {
                self.deadlines.insert((*deadline, session.id), wait.clone());
            }
            Waiting::Busy => self.busy.push(session.id),
            Waiting::No
            | Waiting::Pause
            | Waiting::Detached
            | Waiting::Messages
            | Waiting::Long(_)
            | Waiting::Keys(_) => {}
        }
    }

    fn forget_deadline(&mut self, session: &Session) {
        if let Waiting::Keys(Blocked { deadline_us: Some(deadline), .. }) = &session.waiting {
            self.deadlines.remove(&(*deadline, session.id));
        }
    }

    /// Whether `held` bytes of output are within `client-output-buffer-limit`; if not, counts and logs it.
    #[cold]
    fn is_output_within_limits(&self, conn: &mut Connection, held: u64) -> bool {
        let limit = self.server.tunables.limits.client_output_buffer_limit.get(conn.session.info.class());
        let now = self.worker.state.now.unix_ms;
        let reached = |limit: u64| limit != 0 && held >= limit;
        let mut over = reached(limit.hard);
        if reached(limit.soft) {
            let since = *conn.over_soft_limit_since.get_or_insert(now);
            let allowed_ms = u64::from(limit.soft_seconds) * 1000;
            over |= u64::try_from(now - since).unwrap_or(0) > allowed_ms;
        } else {
            conn.over_soft_limit_since = None;
        }
        if over {
            self.count_output_over_limit(&conn.session);
        }
        !over
    }

    #[cold]
    fn count_output_over_limit(&self, session: &Session) {
        if let Some(more) = OUTPUT_LIMIT_LOG.pass(self.worker.state.now.mono_us / 1000) {
            log::warn!("Client {} closed for overcoming of output buffer limits.{more}", session.info.addr);
        }
        self.server.clients.output_limit_closed.fetch_add(1, Relaxed);
    }
}

/// Why a client is not served, if so, as the reply that says it: in protected mode only this machine's own clients are.
fn refusal(tunables: &Tunables, is_local: bool) -> Option<Vec<u8>> {
    if is_local || !tunables.network.protected_mode.get() || tunables.needs_password() {
        return None;
    }
    let text = "-DENIED Russet is in protected mode: the default user has no password, so it serves this machine \
                only. To be reached from elsewhere, set a password (requirepass), or, where everybody who can \
                reach it may use it, set protected-mode to no.\r\n";
    Some(text.as_bytes().to_vec())
}

impl Service for WorkerService {
    type Conn = Connection;
    type Message = Message;
    type Push = Push;

    fn begin_turn(&mut self) {
        self.worker.begin_turn(&self.server);
    }

    fn end_turn(&mut self) -> u64 {
        let now = (self.worker.state.now.mono_us / 1000) as i64;
        if now >= self.sweep_at {
            let wait = self.worker.sweep(&self.server, SLEEP_MS) as i64;
            self.sweep_at = now + if wait == 0 { SWEEP_AGAIN_MS } else { wait.max(SWEEP_EVERY_MS) };
        }
        if self.worker.state.id == 0 && now >= self.cron_at {
            self.worker.cron(&self.server);
            self.cron_at = now + SLEEP_MS as i64;
        }
        if self.server.pause_is_over(self.worker.state.now.unix_ms) {
            for worker in &self.server.workers {
                worker.mailbox.send(Message::Resume);
            }
        }
        self.worker.end_turn(&self.server);
        if !self.busy.is_empty() {
            return BUSY_SLEEP_MS;
        }
        let sleep = (self.sweep_at.min(now + SLEEP_MS as i64) - now).max(1) as u64;
        let first = self.deadlines.first_key_value().map(|(&(deadline, _), _)| deadline);
        first.map_or(sleep, |deadline| {
            // Rounded up: a turn that begins too early would only wait again.
            sleep.min(deadline.saturating_sub(self.worker.state.now.mono_us).div_ceil(1000))
        })
    }

    fn tcp_options(&self) -> TcpOptions {
        TcpOptions { keepalive_s: self.server.tunables.network.tcp_keepalive.get() }
    }

    fn open(&mut self, peer: &Peer) -> Result<(u64, Connection), Vec<u8>> {
        let server = &self.server;
        server.clients.accepted.fetch_add(1, Relaxed);
        if let Some(refusal) = refusal(&server.tunables, peer.local) {
            server.clients.rejected.fetch_add(1, Relaxed);
            return Err(refusal);
        }
        let now = self.worker.state.now.unix_ms;
        let (addr, laddr) = (peer.addr.clone(), peer.laddr.clone());
        let client = |id| {
            let info = ClientInfo::new(id, self.worker.state.id, peer.fd, addr, laddr, now);
            info.set_flag(client_flags::UNIX_SOCKET, peer.listener == ListenerKind::Unix);
            info
        };
        let Some(info) = server.clients.add(server.tunables.limits.maxclients.get(), client) else {
            server.clients.rejected.fetch_add(1, Relaxed);
            return Err(b"-ERR max number of clients reached\r\n".to_vec());
        };
        let session = Session::new(info, !server.tunables.needs_password(), peer.local);
        Ok((session.id, Connection { session, over_soft_limit_since: None }))
    }

    #[inline]
    fn input(&mut self, conn: &mut Connection, input: &mut [u8], output: &mut Output) -> Turn {
        // Before it runs: a command that is whole at last may be too large all the same.
        if input.len() as u64 > self.server.tunables.limits.client_query_buffer_limit.get() {
            if let Some(more) = INPUT_LIMIT_LOG.pass(self.worker.state.now.mono_us / 1000) {
                log::warn!("Closing client {} that reached max query buffer length{more}", conn.session.info.addr);
            }
            self.server.clients.input_limit_closed.fetch_add(1, Relaxed);
            return Turn { consumed: input.len(), need: 0, next: Next::Close };
        }
        with_writer(output, |reply| {
            let Outcome { consumed, flow, need } =
                pipeline::run(&self.server, &mut self.worker, &mut conn.session, input, reply);
            Turn { consumed, need, next: self.next(&conn.session, flow, reply) }
        })
    }

    #[inline]
    fn prepare(&mut self, conn: &mut Connection, input: &mut [u8]) {
        pipeline::prepare(&self.server, &mut self.worker, &mut conn.session, input);
    }

    fn has_prepared_enough(&self) -> bool {
        self.worker.batch.keys() >= KEYS_AT_ONCE
    }

    #[inline]
    fn answer_next(&mut self, conn: &mut Connection, input: &mut [u8], output: &mut Output) -> Turn {
        with_writer(output, |reply| {
            let Outcome { consumed, flow, need } =
                pipeline::run_next(&self.server, &mut self.worker, &mut conn.session, input, reply);
            Turn { consumed, need, next: self.next(&conn.session, flow, reply) }
        })
    }

    fn resume(&mut self, conn: &mut Connection, output: &mut Output) -> Next {
        with_writer(output, |reply| self.go_on(&mut conn.session, reply))
    }

    fn due(&mut self) -> Option<Action<Message, Push>> {
        match self.due.pop_front() {
            Some(Due::Action(action)) => return Some(action),
            Some(Due::Messages(run)) => {
                let (clients, messages) = run.deliver(&self.server, &self.worker.state);
                return Some(Action::Push(clients, Push::Published(messages)));
            }
            None => {}
        }
        if let Some(id) = self.busy.pop() {
            return Some(Action::Resume(id));
        }
        let now = self.worker.state.now.mono_us;
        while let Some(first) = self.deadlines.first_entry()
            && first.key().0 <= now
        {
            let wait = first.remove();
            // One that is claimed already is answered by whoever claimed it.
            if wait.claim() {
                return Some(Action::Deliver(wait.client, Message::EndWait(wait, End::TimedOut)));
            }
        }
        None
    }

    fn deliver(&mut self, conn: &mut Connection, message: Message, output: &mut Output) -> Option<Next> {
        let session = &mut conn.session;
        match message {
            Message::EndWait(wait, end) => with_writer(output, |reply| {
                let deadline = session.waiting.blocked().and_then(|blocked| blocked.deadline_us);
                if !blocking::end(&self.server, &mut self.worker, session, reply, &wait, end) {
                    return None;
                }
                deadline.map(|deadline| self.deadlines.remove(&(deadline, session.id)));
                Some(self.go_on(session, reply))
            }),
            Message::CheckWait(_) => {
                self.note_wait(session);
                None
            }
            Message::Finished(finished) => with_writer(output, |reply| {
                let ended = long::end(&self.server, &mut self.worker, session, reply, *finished);
                ended.then(|| self.go_on(session, reply))
            }),
            Message::Kill(_)
            | Message::Monitored(..)
            | Message::Published(_)
            | Message::Invalidated { .. }
            | Message::Resume
            | Message::Retry(_) => None,
        }
    }

    fn push(&mut self, conn: &mut Connection, push: &Push, output: &mut Output) {
        let session = &conn.session;
        if output.len() >= self.worker.state.output_limit(&session.info) {
            // It is closed after this turn, and nothing more is held for it until then.
            return;
        }
        match push {
            Push::Published(messages) => output.put_blob(messages.written(session.proto)),
            Push::Monitored(line) if session.monitor => output.put_blob(line),
            Push::Monitored(_) => {}
            Push::Invalidated { redirected, what } => {
                with_writer(output, |reply| tracking::write(session, reply, *redirected, what));
            }
        }
    }

    #[inline]
    fn after_turn(&mut self, conn: &mut Connection, io: IoStats) -> bool {
        let stats = &self.worker.state.stats;
        stats.net_in.add(io.received as u64);
        stats.net_out.add(io.sent as u64);
        stats.reads.add(u64::from(io.reads));
        stats.writes.add(u64::from(io.writes));
        let now = self.worker.state.now.unix_ms;
        let info = &conn.session.info;
        info.note_turn(now, io.received as u64, io.sent as u64);
        info.db.store(conn.session.db, Relaxed);
        info.query_buffer.store(io.input, Relaxed);
        info.query_buffer_free.store(io.input_free, Relaxed);
        info.output_memory.store(io.output, Relaxed);
        if io.output == 0 {
            conn.over_soft_limit_since = None;
            return true;
        }
        self.is_output_within_limits(conn, io.output as u64)
    }

    fn is_over(&mut self, conn: &mut Connection) -> bool {
        // A client that reads nothing causes no event: its time over the soft limit is looked at here.
        if conn.over_soft_limit_since.is_some() {
            let held = conn.session.info.output_memory.load(Relaxed) as u64;
            if !self.is_output_within_limits(conn, held) {
                return true;
            }
        }
        let timeout = self.server.tunables.network.timeout.get();
        // Who listens has nothing to say, and who waits cannot.
        let listens = conn.session.monitor || conn.session.subscriptions.is_some();
        let waits = !conn.session.waiting.is_no() || !conn.session.postponed.is_empty();
        if timeout == 0 || listens || waits {
            return false;
        }
        let idle = self.worker.state.now.unix_ms - conn.session.info.last_interaction_ms.load(Relaxed);
        u64::try_from(idle).unwrap_or(0) > timeout.saturating_mul(1000)
    }

    fn message(&mut self, message: Message) {
        let action = match message {
            Message::Published(publication) => return self.sort_out(&publication),
            Message::Kill(id) => Action::Close(id),
            Message::Monitored(to, line) => Action::Push(to, Push::Monitored(line)),
            Message::Invalidated { client, redirected, what } => {
                Action::Push(Box::new([client]), Push::Invalidated { redirected, what })
            }
            Message::EndWait(wait, end) => Action::Deliver(wait.client, Message::EndWait(wait, end)),
            Message::CheckWait(wait) => Action::Deliver(wait.client, Message::CheckWait(wait)),
            Message::Finished(mut finished) => {
                long::bring_back(&self.server, &mut self.worker, &mut finished);
                Action::Deliver(finished.client, Message::Finished(finished))
            }
            Message::Retry(id) => Action::Resume(id),
            Message::Resume => Action::ResumeAll,
        };
        self.due.push_back(Due::Action(action));
    }

    fn closed(&mut self, mut conn: Connection) {
        self.forget_deadline(&conn.session);
        dispatch::close(&self.server, &self.worker, &mut conn.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_refused_while_there_is_no_password() {
        let tunables = Tunables::default();
        assert!(refusal(&tunables, true).is_none());
        assert!(refusal(&tunables, false).is_some_and(|text| text.starts_with(b"-DENIED ")));
        tunables.general.requirepass.set(b"secret");
        assert!(refusal(&tunables, false).is_none());
        tunables.general.requirepass.set(b"");
        tunables.network.protected_mode.set(false);
        assert!(refusal(&tunables, false).is_none());
    }
}
