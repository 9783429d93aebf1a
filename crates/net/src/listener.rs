//! Listening sockets.

use crate::stream::{Peer, Stream};
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
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

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            // The socket's file is of no use any more; when it is gone already, so much the better.
            let _ = std::fs::remove_file(path);
        }
    }
}
