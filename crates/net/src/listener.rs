//! Listening sockets.

use crate::stream::{Peer, Stream};
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use parking_lot::{Mutex, MutexGuard};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How accepted TCP connections are set up.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    /// Seconds of silence before the system asks the other end; 0 never.
    pub keepalive_s: u32,
}

/// A socket that connections come from.
pub enum Listener {
    Tcp(TcpListener),
    /// With its path, which is removed at the end.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// The address is in use or not of this machine.
    pub fn tcp(addr: SocketAddr, backlog: i32) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(backlog)?;
        Ok(Listener::Tcp(TcpListener::from_std(socket.into())))
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
        Ok(Listener::Unix(listener, path.to_owned()))
    }

    /// The port, when it is TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix(..) => None,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Listener::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(crate) fn accept(&self, options: TcpOptions) -> io::Result<(Stream, Peer)> {
        match self {
            Listener::Tcp(listener) => {
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
                    addr: remote.to_string(),
                    laddr,
                    fd: stream.as_raw_fd(),
                    unix: false,
                    local: remote.ip().to_canonical().is_loopback(),
                };
                Ok((Stream::Tcp(stream), peer))
            }
            Listener::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                let name = format!("{}:0", path.display());
                let peer = Peer { addr: name.clone(), laddr: name, fd: stream.as_raw_fd(), unix: true, local: true };
                Ok((Stream::Unix(stream), peer))
            }
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

/// The listeners of a loop, which any thread may exchange while the loop runs.
pub struct Listeners {
    registry: Registry,
    token: Token,
    open: Mutex<Vec<Listener>>,
}

impl Listeners {
    pub(crate) fn new(registry: Registry, token: Token) -> Listeners {
        Listeners { registry, token, open: Mutex::default() }
    }

    /// Listens here too.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn add(&self, mut listener: Listener) -> io::Result<()> {
        listener.register(&self.registry, self.token)?;
        self.open.lock().push(listener);
        Ok(())
    }

    /// Listens on these TCP addresses and no others. Those that are open already stay open, so that nobody who is about
    /// to be accepted there is turned away.
    ///
    /// # Errors
    /// The first address that cannot be had; nothing is changed then.
    pub fn set_tcp(&self, wanted: &[Wanted], backlog: i32) -> Result<(), CannotListen> {
        let mut open = self.open.lock();
        let mut missing = wanted.to_vec();
        let mut closed = Vec::new();
        // Those that are to go are closed first: `*` cannot be opened while one address of its port is.
        open.retain(|listener| {
            let Some(addr) = listener.local_addr() else { return true };
            if let Some(at) = missing.iter().position(|wanted| wanted.addr == addr) {
                missing.remove(at);
                return true;
            }
            closed.push(Wanted { addr, may_be_missing: false });
            false
        });
        let old = open.len();
        let opened = self.open_all(&mut open, &missing, backlog);
        if opened.is_err() {
            open.truncate(old);
            if let Err(CannotListen { addr, error }) = self.open_all(&mut open, &closed, backlog) {
                log::warn!("Not listening on {addr} any more: {error}");
            }
        }
        opened
    }

    fn open_all(&self, open: &mut Vec<Listener>, wanted: &[Wanted], backlog: i32) -> Result<(), CannotListen> {
        for &Wanted { addr, may_be_missing } in wanted {
            let opened = Listener::tcp(addr, backlog).and_then(|mut listener| {
                listener.register(&self.registry, self.token)?;
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

    /// The TCP addresses that are listened on.
    pub fn tcp(&self) -> Vec<SocketAddr> {
        self.open.lock().iter().filter_map(Listener::local_addr).collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.open.lock()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            // The socket's file is of no use any more; when it is gone already, so much the better.
            let _ = std::fs::remove_file(path);
        }
    }
}
