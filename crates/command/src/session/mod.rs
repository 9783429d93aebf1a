//! A connection's state, as commands see it. Belongs to one worker; sans-IO.

pub mod waiting;

use crate::args::OwnedArgs;
use crate::clients::channels::Subscriptions;
use crate::clients::tracking::Tracking;
use crate::clients::{ClientInfo, client_flags};
use engine::watch::Watch;
use options::Tunables;
use resp::{Arg, Limits, Proto, ProtocolError, RequestParser};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use waiting::Waiting;

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

/// Watched keys, each with its database, and whether there was such a key when the watch began.
pub type Watched = BTreeMap<(usize, Vec<u8>), bool>;

/// In whose name a command runs that is not run by its session: a wait that is served, a long command.
#[derive(Clone)]
pub struct Identity {
    pub client: Arc<ClientInfo>,
    pub db: usize,
    pub proto: Proto,
    pub authenticated: bool,
    pub local: bool,
    pub no_touch: bool,
}

/// A connection.
pub struct Session {
    pub id: u64,
    pub db: usize,
    pub proto: Proto,
    /// It has said AUTH, or came when there was no password.
    pub authenticated: bool,
    /// Came over the loopback interface or a unix socket.
    pub local: bool,
    pub info: Arc<ClientInfo>,
    pub parser: RequestParser,
    /// Words of a command that has not wholly arrived.
    pub partial: Vec<Arg>,
    /// Why no command of it runs at the moment.
    pub waiting: Waiting,
    /// The commands that wait with it, in order.
    pub postponed: VecDeque<OwnedArgs>,
    /// How the client broke the protocol behind them, to be told when they have run.
    pub broken: Option<ProtocolError>,
    pub multi: Option<Multi>,
    pub watched: Watched,
    pub watch: Option<Watch>,
    pub reply_mode: ReplyMode,
    pub no_touch: bool,
    /// What it has subscribed to, if to anything.
    pub subscriptions: Option<Box<Subscriptions>>,
    /// How it tracks keys, if it does.
    pub tracking: Option<Box<Tracking>>,
    /// Words of the running command that MONITOR and the logs must not show: its handler says so.
    pub redacted: Vec<usize>,
    pub monitor: bool,
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
            waiting: Waiting::No,
            postponed: VecDeque::new(),
            broken: None,
            multi: None,
            watched: Watched::new(),
            watch: None,
            reply_mode: ReplyMode::On,
            no_touch: false,
            subscriptions: None,
            tracking: None,
            redacted: Vec::new(),
            monitor: false,
            close_after_reply: false,
        }
    }

    /// A session for the time of one command, in the place of one that only its worker may touch.
    pub fn on_behalf_of(identity: &Identity) -> Session {
        let Identity { client, db, proto, authenticated, local, no_touch } = identity;
        let session = Session::new(client.clone(), *authenticated, *local);
        Session { db: *db, proto: *proto, no_touch: *no_touch, ..session }
    }

    /// In whose name its commands run.
    pub fn identity(&self) -> Identity {
        Identity {
            client: self.info.clone(),
            db: self.db,
            proto: self.proto,
            authenticated: self.authenticated,
            local: self.local,
            no_touch: self.no_touch,
        }
    }

    /// Whether the client has to say AUTH first. The password of now counts: with none, everybody may go on.
    #[inline]
    pub fn must_authenticate(&self, tunables: &Tunables) -> bool {
        !self.authenticated && tunables.needs_password()
    }

    /// What the client may send at the moment.
    #[inline]
    pub fn limits(&self, max_bulk_len: u64, authenticated: bool) -> Limits {
        Limits { max_bulk_len, authenticated, ..Limits::default() }
    }

    /// Forgets all watched keys.
    pub fn unwatch(&mut self) {
        self.watched.clear();
        if self.watch.take().is_some() {
            *self.info.watch.lock() = None;
        }
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
        self.watch.as_ref().is_some_and(|watch| watch.is_changed())
    }
}
