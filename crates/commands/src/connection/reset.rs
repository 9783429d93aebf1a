//! RESET: a connection as it was when it was new, but for the library's name and version.

use command::clients::DEFAULT_USER;
use command::clients::client_flags;
use command::clients::tracking;
use command::session::ReplyMode;
use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::Proto;
use std::sync::atomic::Ordering;

pub static RESET: CommandSpec = CommandSpec {
    name: "RESET",
    group: Group::Connection,
    since: "6.2.0",
    summary: "Puts the connection back into the state of a new one.",
    arity: 1,
    flags: super::ALWAYS.or(Flags::NOT_QUEUED).or(Flags::FOR_SUBSCRIBERS),
    reply: Shape::SIMPLE,
    run: Run::Session(reset),
    ..CommandSpec::DEFAULT
};

fn reset(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if !cx.unsubscribe_all() {
        return Ok(());
    }
    let session = &mut *cx.session;
    session.discard();
    tracking::end(cx.server, session);
    session.db = 0;
    session.info.db.store(0, Ordering::Relaxed);
    if session.monitor {
        session.monitor = false;
        cx.server.clients.remove_monitor(session.id);
    }
    session.reply_mode = ReplyMode::On;
    session.no_touch = false;
    for flag in [
        client_flags::MONITOR,
        client_flags::NO_EVICT,
        client_flags::NO_TOUCH,
        client_flags::READONLY,
        client_flags::IMPORT_SOURCE,
    ] {
        session.info.set_flag(flag, false);
    }
    {
        let mut texts = session.info.texts.lock();
        texts.name.clear();
        DEFAULT_USER.clone_into(&mut texts.user);
    }
    session.authenticated = !cx.server.tunables.needs_password();
    session.proto = Proto::Resp2;
    session.info.resp.store(2, Ordering::Relaxed);
    cx.reply.proto = Proto::Resp2;
    cx.reply.simple("RESET");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn all_that_was_set_is_gone() {
        let mut server = TestServer::new();
        for line in [
            "HELLO 3 SETNAME me",
            "CLIENT NO-EVICT ON",
            "CLIENT NO-TOUCH ON",
            "CLIENT SETINFO LIB-NAME lib",
            "SELECT 3",
            "WATCH k",
            "MULTI",
        ] {
            server.run(line);
        }
        assert_eq!(server.show("RESET"), "RESET");
        let info = server.show("CLIENT INFO");
        for part in ["name= ", "flags=N ", "db=0 ", "multi=-1 watch=0 ", "resp=2 ", "lib-name=lib "] {
            assert!(info.contains(part), "{part} in {info}");
        }
    }

    #[test]
    fn a_password_has_to_be_said_again() {
        let mut server = TestServer::new();
        server.server.tunables.general.requirepass.set(b"secret");
        assert_eq!(server.show("PING"), "PONG");
        server.run("RESET");
        assert_eq!(server.show("PING"), "(error) NOAUTH Authentication required.");
        assert_eq!(server.show("AUTH secret"), "OK");
        assert_eq!(server.show("PING"), "PONG");
    }
}
