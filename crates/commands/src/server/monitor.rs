//! MONITOR: a connection that sees every command. The dispatcher feeds it.

use command::clients::client_flags;
use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static MONITOR: CommandSpec = CommandSpec {
    name: "MONITOR",
    group: Group::Server,
    since: "1.0.0",
    summary: "Shows the connection every command that the server runs.",
    complexity: "",
    arity: 1,
    flags: Flags::ADMIN.or(Flags::NOSCRIPT).or(Flags::LOADING).or(Flags::STALE),
    reply: Shape::SIMPLE.or(Shape::NOTHING),
    run: Run::Session(monitor),
    ..CommandSpec::DEFAULT
};

fn monitor(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if cx.in_transaction() {
        return Err(CommandError::MONITOR_IN_EXEC);
    }
    // A second MONITOR has no reply, as in Redis.
    if !cx.session.monitor {
        cx.session.monitor = true;
        cx.session.info.set_flag(client_flags::MONITOR, true);
        cx.server.clients.add_monitor(&cx.session.info);
        cx.reply.ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_monitor_may_not_touch_keys_until_it_is_reset() {
        let mut server = TestServer::new();
        assert_eq!(server.show("MONITOR"), "OK");
        assert!(server.show("CLIENT INFO").contains(" flags=O "));
        assert!(server.server.clients.has_monitors());
        assert_eq!(server.show("GET k"), "(error) ERR Replica can't interact with the keyspace");
        assert_eq!(server.show("RESET"), "RESET");
        assert_eq!(server.show("GET k"), "(nil)");
        assert!(!server.server.clients.has_monitors());
    }

    #[test]
    fn a_transaction_cannot_become_a_monitor() {
        let mut server = TestServer::new();
        server.run("MULTI");
        assert_eq!(server.show("MONITOR"), "QUEUED");
        assert!(server.show("EXEC").contains("MONITOR isn't allowed for DENY BLOCKING client"));
    }
}
