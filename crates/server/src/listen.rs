//! What the server listens on, at start and when CONFIG SET says otherwise.

use net::{CannotListen, Listener, ListenerKind, Listeners, Wanted};
use options::Options;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

/// Why the server cannot listen where it should, in one line for the log.
pub struct Failed(pub String);

/// Listens where `bind` and `port` say, and nowhere else. With `any_port` a port of 0 is chosen by the system instead
/// of meaning "no TCP". When that fails, all is as before.
pub fn follow(options: &Options, listeners: &Listeners, any_port: bool) -> Result<(), Failed> {
    let backlog = i32::try_from(options.int("tcp-backlog")).unwrap_or(511);
    let wanted = if options.int("port") != 0 || any_port { addresses(options)? } else { Vec::new() };
    listeners
        .set(ListenerKind::Tcp, &wanted, backlog)
        .map_err(|CannotListen { addr, error }| Failed(format!("Failed listening on {addr} (tcp): {error}")))
}

/// Listens on the unix socket, if there should be one.
pub fn open_unix(options: &Options, listeners: &Listeners) -> Result<(), Failed> {
    let path = options.text("unixsocket");
    if path.is_empty() {
        return Ok(());
    }
    let mode = u32::try_from(options.int("unixsocketperm")).unwrap_or(0);
    Listener::unix(Path::new(&path), mode)
        .and_then(|listener| listeners.add(listener))
        .map_err(|error| Failed(format!("Failed opening Unix socket {path}: {error}")))
}

/// The addresses that `bind` and `port` ask for. One with `-` in front may be missing on this machine.
fn addresses(options: &Options) -> Result<Vec<Wanted>, Failed> {
    let Ok(port) = u16::try_from(options.int("port")) else { return Ok(Vec::new()) };
    let mut addresses = Vec::new();
    for name in options.list("bind") {
        let (name, may_be_missing) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
        match resolve(name, port) {
            Ok(addr) => addresses.push(Wanted { addr, may_be_missing }),
            Err(error) if may_be_missing => log::debug!("Not listening on {name}: {error}"),
            Err(error) => return Err(Failed(format!("Failed listening on {name}:{port} (tcp): {error}"))),
        }
    }
    Ok(addresses)
}

/// What a word of `bind` means: an address, all addresses, or a name that the system knows.
fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    let ip = match name {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        name => match name.parse() {
            Ok(ip) => ip,
            Err(_) => {
                let mut found = (name, port).to_socket_addrs()?;
                return found.next().ok_or_else(|| io::Error::other("no address of that name"));
            }
        },
    };
    Ok(SocketAddr::new(ip, port))
}

/// Descriptors that are not clients: listeners, event loops, files.
const OTHER_DESCRIPTORS: u64 = 32;

/// Raises the limit of open files to what so many clients need; where that is not allowed, tells how many there can be.
pub fn make_room(clients: usize) -> Result<(), usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = clients as u64 + OTHER_DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit.
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let granted = match setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }) {
        Ok(()) => possible,
        Err(_) => current.unwrap_or(possible),
    };
    if granted >= wanted { Ok(()) } else { Err(granted.saturating_sub(OTHER_DESCRIPTORS).max(1) as usize) }
}
