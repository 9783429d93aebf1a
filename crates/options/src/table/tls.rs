//! Options of TLS.

use crate::spec::{BOOL, COUNT, Effect::*, Kind, PORT, TEXT, option};

const LATER: &str = "TLS";

options! {
    tls: Tls;

    option("tls-port", PORT, "0", NotYet(LATER), "TCP port for TLS; 0 listens on none.").vital(),
    option("tls-cert-file", TEXT, "", NotYet(LATER), "The server's certificate, in PEM."),
    option("tls-key-file", TEXT, "", NotYet(LATER), "The server's key, in PEM."),
    option("tls-key-file-pass", TEXT, "", NotYet(LATER), "Password of that key.").secret(),
    option("tls-client-cert-file", TEXT, "", NotYet(LATER), "Certificate for outgoing connections."),
    option("tls-client-key-file", TEXT, "", NotYet(LATER), "Key for outgoing connections."),
    option("tls-client-key-file-pass", TEXT, "", NotYet(LATER), "Password of that key.").secret(),
    option("tls-ca-cert-file", TEXT, "", NotYet(LATER), "File with the authorities that are trusted."),
    option("tls-ca-cert-dir", TEXT, "", NotYet(LATER), "Directory with the authorities that are trusted."),
    option(
        "tls-auth-clients",
        Kind::Enum(&["no", "yes", "optional"]),
        "yes",
        NotYet(LATER),
        "Whether clients must show a certificate.",
    ),
    option(
        "tls-auth-clients-user",
        Kind::Enum(&["CN", "URI", "off"]),
        "off",
        NotYet(LATER),
        "Field of a client's certificate that names its user.",
    ),
    option("tls-replication", BOOL, "no", NotYet(LATER), "Follow the primary over TLS."),
    option("tls-cluster", BOOL, "no", NotYet(LATER), "Use TLS on the cluster bus."),
    option("tls-protocols", TEXT, "", NotYet(LATER), "Versions of TLS that are allowed; empty is 1.2 and 1.3."),
    option("tls-ciphers", TEXT, "", NotYet(LATER), "Ciphers that are allowed in TLS 1.2."),
    option("tls-ciphersuites", TEXT, "", NotYet(LATER), "Cipher suites that are allowed in TLS 1.3."),
    option("tls-prefer-server-ciphers", BOOL, "no", NotYet(LATER), "Let the server's order of ciphers decide."),
    option("tls-dh-params-file", TEXT, "", NoMeaning("only elliptic curves are used"), "Parameters of Diffie-Hellman."),
    option("tls-session-caching", BOOL, "yes", NotYet(LATER), "Let clients resume sessions."),
    option("tls-session-cache-size", COUNT, "20480", NotYet(LATER), "Sessions kept; 0 is no limit."),
    option("tls-session-cache-timeout", COUNT, "300", NotYet(LATER), "Seconds for which a session is kept."),
    option(
        "tls-auto-reload-interval",
        COUNT,
        "0",
        NotYet(LATER),
        "Seconds between looks for new certificates; 0 never looks.",
    ),
}
