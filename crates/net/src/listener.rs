//! Listening sockets.

use crate::epoll;
use crate::stream::{Peer, Stream};
use base::throttle::Throttle;
use mio::Registry;
use mio::net::{TcpListener, UnixListener};
use parking_lot::{Mutex, MutexGuard};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Milliseconds between two lines in the log about connections that cannot be accepted.
const LOG_EVERY_MS: u64 = 10_000;

/// How accepted TCP connections are set up.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    /// Seconds of silence before the system asks the other end; 0 never.
    pub keepalive_s: u32,
}

/// What connections a listener is for: how they are set up, and what is spoken over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    Tcp,
    Unix,
}

/// A socket that connections come from.
pub struct Listener {
    kind: ListenerKind,
    socket: ListenerSocket,
}

enum ListenerSocket {
    Tcp(TcpListener),
    /// With its path, which is removed at the end.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// The address is in use or not of this machine.
    pub fn tcp(kind: ListenerKind, addr: SocketAddr, backlog: i32) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(backlog)?;
        Ok(Listener { kind, socket: ListenerSocket::Tcp(TcpListener::from_std(socket.into())) })
    }

    /// Listens on a unix socket at `path`, replacing one that is there; `mode` 0 leaves its permissions.
    ///
    /// # Errors
    /// The path cannot be made a socket.
    pub fn unix(path: &Path, mode: u32) -> io::Result<Listener> {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt};
        if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket()) {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        if mode != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        Ok(Listener { kind: ListenerKind::Unix, socket: ListenerSocket::Unix(listener, path.to_owned()) })
    }

    /// The address, when it is one of TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            ListenerSocket::Tcp(listener) => listener.local_addr().ok(),
            ListenerSocket::Unix(..) => None,
        }
    }

    pub(crate) fn accept(&self, options: TcpOptions) -> io::Result<(Stream, Peer)> {
        match &self.socket {
            ListenerSocket::Tcp(listener) => {
                let (stream, remote) = listener.accept()?;
                let socket = SockRef::from(&stream);
                // A socket that refuses an option still works.
                let _ = socket.set_tcp_nodelay(true);
                if options.keepalive_s > 0 {
                    let idle = Duration::from_secs(u64::from(options.keepalive_s));
                    let between = Duration::from_secs(u64::from((options.keepalive_s / 3).max(1)));
                    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(between).with_retries(3);
                    let _ = socket.set_tcp_keepalive(&keepalive);
                }
                let laddr = stream.local_addr().map_or_else(|_| String::new(), |addr| addr.to_string());
                let peer = Peer {
                    listener: self.kind,
                    addr: remote.to_string(),
                    laddr,
                    fd: stream.as_raw_fd(),
                    local: remote.ip().to_canonical().is_loopback(),
                };
                Ok((Stream::Tcp(stream), peer))
            }
            ListenerSocket::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                let name = format!("{}:0", path.display());
                let fd = stream.as_raw_fd();
                let peer = Peer { listener: self.kind, addr: name.clone(), laddr: name, fd, local: true };
                Ok((Stream::Unix(stream), peer))
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            ListenerSocket::Tcp(listener) => listener.as_fd(),
            ListenerSocket::Unix(listener, _) => listener.as_fd(),
        }
    }
}

/// A TCP address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub addr: SocketAddr,
    /// That this machine does not have it is no error.
    pub may_be_missing: bool,
}

/// An address that cannot be listened on, and why.
#[derive(Debug)]
pub struct CannotListen {
    pub addr: SocketAddr,
    pub error: io::Error,
}

/// The listeners of all loops, which any thread may exchange while the loops run.
pub struct Listeners {
    /// Where each loop waits.
    registries: Vec<Registry>,
    open: Mutex<Vec<Listener>>,
    start: Instant,
    failures: Throttle,
}

impl Listeners {
    pub(crate) fn new(registries: Vec<Registry>) -> Listeners {
        Listeners {
            registries,
            open: Mutex::default(),
            start: Instant::now(),
            failures: Throttle::every_ms(LOG_EVERY_MS),
        }
    }

    /// Listens here too.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn add(&self, listener: Listener) -> io::Result<()> {
        self.watch(&listener)?;
        self.open.lock().push(listener);
        Ok(())
    }

    /// Listens no more.
    pub fn close(&self) {
        self.open.lock().clear();
    }

    fn watch(&self, listener: &Listener) -> io::Result<()> {
        self.registries.iter().try_for_each(|registry| epoll::watch_listener(registry, listener.as_fd()))
    }

    /// Listens for connections of a kind on these TCP addresses and no others. Those that are open already stay open,
    /// so that nobody who is about to be accepted there is turned away.
    ///
    /// # Errors
    /// The first address that cannot be had; nothing is changed then.
    pub fn set(&self, kind: ListenerKind, wanted: &[Wanted], backlog: i32) -> Result<(), CannotListen> {
        let mut open = self.open.lock();
        let mut missing = wanted.to_vec();
        let mut closed = Vec::new();
        // Those that are to go are closed first: `*` cannot be opened while one address of its port is.
        open.retain(|listener| {
            let Some(addr) = listener.local_addr().filter(|_| listener.kind == kind) else { return true };
            if let Some(at) = missing.iter().position(|wanted| wanted.addr == addr) {
                missing.remove(at);
                return true;
            }
            closed.push(Wanted { addr, may_be_missing: false });
            false
        });
        let old = open.len();
        let opened = self.open_all(kind, &mut open, &missing, backlog);
        if opened.is_err() {
            open.truncate(old);
            if let Err(CannotListen { addr, error }) = self.open_all(kind, &mut open, &closed, backlog) {
                log::warn!("Not listening on {addr} any more: {error}");
            }
        }
        opened
    }

    fn open_all(
        &self,
        kind: ListenerKind,
        open: &mut Vec<Listener>,
        wanted: &[Wanted],
        backlog: i32,
    ) -> Result<(), CannotListen> {
        for &Wanted { addr, may_be_missing } in wanted {
            let opened = Listener::tcp(kind, addr, backlog).and_then(|listener| {
                self.watch(&listener)?;
                Ok(listener)
            });
            match opened {
                Ok(listener) => open.push(listener),
                Err(error) if may_be_missing && error.kind() != io::ErrorKind::AddrInUse => {
                    log::debug!("Not listening on {addr}: {error}");
                }
                Err(error) => return Err(CannotListen { addr, error }),
            }
        }
        Ok(())
    }

    /// The TCP addresses that are listened on for connections of a kind.
    pub fn addresses(&self, kind: ListenerKind) -> Vec<SocketAddr> {
        self.open.lock().iter().filter(|listener| listener.kind == kind).filter_map(Listener::local_addr).collect()
    }

    /// A moment as microseconds on a clock that all loops share; never 0.
    #[inline]
    pub(crate) fn clock_us(&self, moment: Instant) -> u64 {
        moment.saturating_duration_since(self.start).as_micros() as u64 + 1
    }

    /// Logs why a connection could not be accepted, at a bounded rate: anybody can cause that.
    pub(crate) fn log_failure(&self, error: &io::Error) {
        if let Some(more) = self.failures.pass(self.clock_us(Instant::now()) / 1000) {
            log::warn!("Accepting client connection: {error}{more}");
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.open.lock()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let ListenerSocket::Unix(_, path) = &self.socket {
            // The socket's file is of no use any more; when it is gone already, so much the better.
            let _ = std::fs::remove_file(path);
        }
    }
}
