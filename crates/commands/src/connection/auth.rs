//! AUTH and HELLO: who is there, and which protocol it speaks.
//!
//! There is one user, `default`, with at most one password (`requirepass`). Without one every password is right.
//! Passwords never reach MONITOR or the logs.

use super::client::settings::{check_name, set_name};
use command::clients::DEFAULT_USER;
use command::spec::{ArgKind, CommandSpec, Group, Run, Shape, arg, block, integer, string};
use command::version;
use command::{Args, CommandError, CommandResult, Ctx};
use engine::LockedKeys;
use resp::Proto;
use std::sync::atomic::Ordering;

pub static AUTH: CommandSpec = CommandSpec {
    name: "AUTH",
    group: Group::Connection,
    since: "1.0.0",
    summary: "Tells the server who is connected, by name and password.",
    complexity: "O(N), N being the number of passwords of the user",
    arity: -2,
    flags: super::ALWAYS,
    args: &[string("username").optional().since("6.0.0"), string("password")],
    history: &[("6.0.0", "A user name can be given.")],
    reply: Shape::SIMPLE,
    run: Run::Session(auth),
    ..CommandSpec::DEFAULT
};

pub static HELLO: CommandSpec = CommandSpec {
    name: "HELLO",
    group: Group::Connection,
    since: "6.0.0",
    summary: "Chooses the protocol, authenticates, and tells about the server and the connection.",
    arity: -1,
    flags: super::ALWAYS,
    args: &[block(
        "arguments",
        &[
            integer("protover"),
            block("auth", &[string("username"), string("password")]).token("AUTH").optional(),
            arg("clientname", ArgKind::String).token("SETNAME").optional(),
        ],
    )
    .optional()],
    history: &[("6.2.0", "Without a version it only tells about the connection.")],
    reply: Shape::MAP,
    run: Run::Session(hello),
    ..CommandSpec::DEFAULT
};

/// Whether this is the user's password. Takes the same time wherever a wrong one differs.
fn is_right(cx: &Ctx<'_>, username: &[u8], password: &[u8]) -> bool {
    let wanted = cx.server.tunables.general.requirepass.read();
    if username != DEFAULT_USER.as_bytes() {
        return false;
    }
    if wanted.is_empty() {
        return true;
    }
    let differing = wanted.iter().zip(password).fold(0, |differing, (a, b)| differing | (a ^ b));
    differing == 0 && wanted.len() == password.len()
}

/// Lets the client in, or notes the attempt.
fn authenticate(cx: &mut Ctx<'_>, args: &Args<'_>, username: &[u8], password: &[u8]) -> CommandResult {
    if is_right(cx, username, password) {
        cx.session.authenticated = true;
        DEFAULT_USER.clone_into(&mut cx.session.info.texts.lock().user);
        return Ok(());
    }
    let clients = &cx.server.clients;
    clients.auth_denied.fetch_add(1, Ordering::Relaxed);
    let client = super::client::line::line(cx, &cx.session.info, args);
    let context = if cx.in_transaction() { "multi" } else { "toplevel" };
    let len_max = cx.server.tunables.general.acllog_max_len.get();
    clients.denials.add(context, args.word(0), username, client, cx.now().unix_ms, len_max);
    Err(CommandError::WRONG_PASS)
}

fn auth(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.redacted = (1..args.len()).collect();
    let (username, password) = match args.len() {
        2 if !cx.server.tunables.needs_password() => return Err(CommandError::NO_PASSWORD_SET),
        2 => (DEFAULT_USER.as_bytes(), args.word(1)),
        3 => (args.word(1), args.word(2)),
        _ => return Err(CommandError::SYNTAX),
    };
    authenticate(cx, args, username, password)?;
    cx.reply.ok();
    Ok(())
}

/// What HELLO asks for.
#[derive(Default)]
struct Greeting<'a> {
    proto: Option<Proto>,
    user: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

fn parse_hello<'a>(cx: &mut Ctx<'_>, args: &Args<'a>) -> Result<Greeting<'a>, CommandError> {
    // First of all, for a refused HELLO is logged, too.
    cx.session.redacted = (2..args.len()).filter(|at| args.is(at - 1, "AUTH") || args.is(at - 2, "AUTH")).collect();
    let mut greeting = Greeting::default();
    if let Some(version) = args.get(1) {
        greeting.proto = Some(match base::num::parse_i64(version).ok_or(CommandError::PROTO_NOT_INTEGER)? {
            2 => Proto::Resp2,
            3 => Proto::Resp3,
            _ => return Err(CommandError::NO_PROTO),
        });
    }
    let mut at = 2;
    while at < args.len() {
        if args.is(at, "AUTH") && at + 2 < args.len() {
            greeting.user = Some((args.word(at + 1), args.word(at + 2)));
            at += 3;
        } else if args.is(at, "SETNAME") && at + 1 < args.len() {
            check_name(args.word(at + 1))?;
            greeting.name = Some(args.word(at + 1));
            at += 2;
        } else {
            return Err(CommandError::hello_option(args.word(at)));
        }
    }
    Ok(greeting)
}

fn hello(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let greeting = parse_hello(cx, args)?;
    if let Some((username, password)) = greeting.user {
        authenticate(cx, args, username, password)?;
    }
    if !cx.session.authenticated {
        return Err(CommandError::HELLO_NO_AUTH);
    }
    if let Some(name) = greeting.name {
        set_name(cx, name);
    }
    if let Some(proto) = greeting.proto {
        cx.session.proto = proto;
        cx.reply.proto = proto;
    }
    let version = match cx.session.proto {
        Proto::Resp2 => 2,
        Proto::Resp3 => 3,
    };
    cx.session.info.resp.store(version, Ordering::Relaxed);
    let reply = &mut *cx.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(version::REDIS.as_bytes());
    reply.bulk(b"proto");
    reply.int(i64::from(version));
    reply.bulk(b"id");
    reply.int(cx.session.id as i64);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    fn guarded() -> TestServer {
        let server = TestServer::new();
        server.server.tunables.general.requirepass.set(b"secret");
        server
    }

    #[test]
    fn hello_tells_who_is_there_and_switches_the_protocol() {
        let mut server = TestServer::new();
        assert!(server.show("HELLO").contains("1) \"server\""));
        let reply = server.show("HELLO 3 SETNAME me");
        assert!(reply.contains("\"proto\" => (integer) 3"), "{reply}");
        assert_eq!(server.show("CLIENT GETNAME"), "\"me\"");
        assert!(server.show("CLIENT INFO").contains("resp=3"));
    }

    #[test]
    fn what_hello_does_not_know_changes_nothing() {
        let mut server = TestServer::new();
        for (line, error) in [
            ("HELLO 4", "NOPROTO unsupported protocol version"),
            ("HELLO x", "ERR Protocol version is not an integer or out of range"),
            ("HELLO 3 AUTH default", "ERR Syntax error in HELLO option 'AUTH'"),
            ("HELLO 3 SETNAME me NO", "ERR Syntax error in HELLO option 'NO'"),
            ("HELLO 3 SETNAME 'm e'", "ERR Client names cannot contain spaces, newlines or special characters."),
            ("HELLO 3 SETNAME me AUTH eve x", "WRONGPASS invalid username-password pair or user is disabled."),
        ] {
            assert_eq!(server.show(line), format!("(error) {error}"));
        }
        assert_eq!(server.show("CLIENT GETNAME"), "(nil)");
        assert!(server.show("CLIENT INFO").contains("resp=2"));
    }

    #[test]
    fn with_a_password_nothing_but_the_door_is_open() {
        let mut server = guarded();
        server.run("RESET");
        assert!(server.show("HELLO 3").starts_with("(error) NOAUTH HELLO must be called"));
        assert_eq!(server.show("GET k"), "(error) NOAUTH Authentication required.");
        for line in ["AUTH wrong", "AUTH secre", "AUTH secret2", "AUTH default wrong", "AUTH eve secret"] {
            let refused = "(error) WRONGPASS invalid username-password pair or user is disabled.";
            assert_eq!(server.show(line), refused, "{line}");
        }
        assert!(server.show("HELLO 3 AUTH default secret").contains("\"proto\" => (integer) 3"));
        assert_eq!(server.show("PING"), "PONG");
    }

    #[test]
    fn without_a_password_only_the_long_form_is_taken() {
        let mut server = TestServer::new();
        assert!(server.show("AUTH x").starts_with("(error) ERR AUTH <password> called without any password"));
        assert_eq!(server.show("AUTH default anything"), "OK");
        assert_eq!(server.show("AUTH a b c"), "(error) ERR syntax error");
    }

    #[test]
    fn refused_attempts_are_in_the_acl_log() {
        let mut server = guarded();
        server.run("AUTH default no");
        server.run("AUTH default no");
        let log = server.show("ACL LOG");
        assert!(log.contains("(integer) 2") && log.contains("\"AUTH\""), "{log}");
        assert_eq!(server.show("ACL LOG RESET"), "OK");
        assert_eq!(server.show("ACL LOG"), "(empty array)");
    }
}
