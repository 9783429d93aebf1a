//! Options of listening, connections and their timeouts.

use crate::setting::Setting;
use crate::spec::{Action, BOOL, COUNT, Effect::*, Kind, PORT, Special, TEXT, TEXT_OR_EMPTY, int, option};

const NO_RDMA: &str = "RDMA is not supported";
const NO_MPTCP: &str = "multipath TCP is not supported";
/// Connections accepted per turn, in Redis an unsigned type.
const ACCEPTED: Kind = Kind::UInt { min: 1, max: 1000 };

options! {
    network: Network;

    option(
        "bind",
        Kind::Special(Special::Bind),
        "* -::*",
        Live,
        "Addresses to listen on; one with a leading - may be missing; empty listens on none.",
    )
    .action(Action::Listen),
    option("port", PORT, "6379", Live, "TCP port; 0 listens on none.").action(Action::Listen),
    option(
        "protected-mode",
        BOOL,
        "yes",
        Live,
        "Refuse clients from other machines while the default user has no password.",
    ) => protected_mode: Setting<bool>,
    option("tcp-backlog", COUNT, "511", Live, "Connections the kernel may queue before they are accepted.").immutable(),
    option("unixsocket", TEXT, "", Live, "Path of a Unix socket to listen on.").immutable(),
    option(
        "unixsocketperm",
        Kind::Octal { max: 0o777 },
        "0",
        Live,
        "Permissions of the Unix socket, in octal; 0 leaves them to the umask.",
    )
    .immutable(),
    option("unixsocketgroup", TEXT, "", NotYet("group of the Unix socket"), "Group that owns the Unix socket.")
        .immutable_here(),
    option("timeout", COUNT, "0", Live, "Seconds after which an idle client is closed; 0 never does.")
        => timeout: Setting<u64>,
    option("tcp-keepalive", COUNT, "300", Live, "Seconds between probes of a silent connection; 0 sends none.")
        => tcp_keepalive: Setting<u32>,
    option("bind-source-addr", TEXT, "", NotYet("outgoing connections"), "Local address of outgoing connections."),
    option(
        "socket-mark-id",
        Kind::UInt { min: 0, max: u32::MAX as u64 },
        "0",
        NotYet("marks on sockets"),
        "Mark that the kernel's routing sees on listening sockets; 0 sets none.",
    )
    .immutable(),
    option(
        "max-new-connections-per-cycle",
        ACCEPTED,
        "10",
        NotYet("a limit on accepting"),
        "Connections accepted per turn of an event loop.",
    ),
    option(
        "max-new-tls-connections-per-cycle",
        ACCEPTED,
        "1",
        NotYet("TLS"),
        "TLS connections accepted per turn of an event loop.",
    ),
    option("mptcp", BOOL, "no", NoMeaning(NO_MPTCP), "Listen with multipath TCP.").immutable_here(),
    option("rdma-bind", TEXT_OR_EMPTY, "", NoMeaning(NO_RDMA), "Addresses to listen on with RDMA.")
        .immutable()
        .hidden(),
    option("rdma-port", PORT, "0", NoMeaning(NO_RDMA), "RDMA port; 0 listens on none.").immutable().hidden(),
    option("rdma-rx-size", int(65_536, 16_777_216), "1048576", NoMeaning(NO_RDMA), "Bytes of an RDMA receive buffer.")
        .immutable()
        .hidden(),
    option("rdma-completion-vector", int(-1, 1024), "-1", NoMeaning(NO_RDMA), "RDMA completion vector; -1 picks one.")
        .immutable()
        .hidden(),
}
