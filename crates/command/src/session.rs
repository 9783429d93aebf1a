//! A connection's state, as commands see it. Belongs to one worker; sans-IO.

use crate::args::OwnedArgs;
use crate::blocking::{Block, Blocked};
use crate::clients::{ClientInfo, client_flags};
use crate::long::Running;
use crate::tracking::Tracking;
use engine::watch::Watch;
use resp::{Arg, Limits, Proto, ProtocolError, RequestParser};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// CLIENT REPLY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// CLIENT REPLY SKIP was just said: the next command will not be answered.
    SkipNext,
    /// This command is not answered.
    Skip,
}

/// A command queued by MULTI.
pub struct Queued {
    pub command: usize,
    pub args: OwnedArgs,
}

/// A transaction in the making.
#[derive(Default)]
pub struct Multi {
    pub queue: Vec<Queued>,
    /// A command was refused while queueing: EXEC will refuse too.
    pub aborted: bool,
}

/// A watched key.
pub struct WatchedKey {
    pub db: usize,
    pub key: Vec<u8>,
    /// Whether there was such a key when the watch began.
    pub there: bool,
}

/// A connection.
pub struct Session {
    pub id: u64,
    pub db: usize,
    pub proto: Proto,
    pub authenticated: bool,
    /// Came over the loopback interface or a unix socket.
    pub local: bool,
    pub info: Arc<ClientInfo>,
    pub parser: RequestParser,
    /// Words of a command that has not wholly arrived.
    pub partial: Vec<Arg>,
    /// Commands that wait for CLIENT PAUSE to end.
    pub postponed: VecDeque<OwnedArgs>,
    /// How the client broke the protocol behind them, to be told when they have run.
    pub broken: Option<ProtocolError>,
    pub multi: Option<Multi>,
    pub watched: Vec<WatchedKey>,
    pub watch: Option<Watch>,
    pub reply_mode: ReplyMode,
    pub no_touch: bool,
    /// How it tracks keys, if it does.
    pub tracking: Option<Box<Tracking>>,
    /// Words of the running command that MONITOR and the logs must not show: its handler says so.
    pub redacted: Vec<usize>,
    pub monitor: bool,
    /// Runs commands of EXEC right now.
    pub in_exec: bool,
    /// Set by the handler of a command that cannot go on.
    pub block: Option<Block>,
    /// What the client waits for; its further commands wait with it.
    pub blocked: Option<Blocked>,
    /// The long command whose end it waits for.
    pub running: Option<Running>,
    /// Set by a command that could not begin: one of its keys is away.
    pub must_wait: bool,
    /// Close once what is queued for it is sent.
    pub close_after_reply: bool,
}

impl Session {
    pub fn new(info: Arc<ClientInfo>, authenticated: bool, local: bool) -> Session {
        Session {
            id: info.id,
            db: 0,
            proto: Proto::Resp2,
            authenticated,
            local,
            info,
            parser: RequestParser::default(),
            partial: Vec::new(),
            postponed: VecDeque::new(),
            broken: None,
            multi: None,
            watched: Vec::new(),
            watch: None,
            reply_mode: ReplyMode::On,
            no_touch: false,
            tracking: None,
            redacted: Vec::new(),
            monitor: false,
            in_exec: false,
            block: None,
            blocked: None,
            running: None,
            must_wait: false,
            close_after_reply: false,
        }
    }

    /// What the client may send at the moment.
    #[inline]
    pub fn limits(&self, max_bulk_len: u64) -> Limits {
        Limits { max_bulk_len, authenticated: self.authenticated, ..Limits::default() }
    }

    /// Forgets all watched keys.
    pub fn unwatch(&mut self) {
        self.watched.clear();
        self.watch = None;
        self.info.watching.store(0, Ordering::Relaxed);
        self.info.set_flag(client_flags::DIRTY_CAS, false);
    }

    /// Leaves a transaction without running it.
    pub fn discard(&mut self) {
        self.multi = None;
        self.info.multi.store(-1, Ordering::Relaxed);
        self.info.multi_memory.store(0, Ordering::Relaxed);
        self.info.set_flag(client_flags::MULTI, false);
        self.unwatch();
    }

    /// Whether a watched key changed.
    pub fn cas_failed(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.load(Ordering::Acquire))
    }
}
