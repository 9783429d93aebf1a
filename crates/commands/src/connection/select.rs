//! SELECT.

use command::spec::{Flags, Group, Run, Shape, integer};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering;

pub static SELECT: CommandSpec = CommandSpec {
    name: "SELECT",
    group: Group::Connection,
    since: "1.0.0",
    summary: "Chooses the database that the following commands of the connection use.",
    arity: 2,
    flags: Flags::LOADING.or(Flags::STALE).or(Flags::FAST),
    args: &[integer("index")],
    reply: Shape::SIMPLE,
    run: Run::Session(select),
    ..CommandSpec::DEFAULT
};

fn select(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.db = cx.database(args, 1)?;
    cx.session.info.db.store(cx.session.db, Ordering::Relaxed);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn databases_are_apart_and_each_connection_has_its_own_choice() {
        let mut server = TestServer::new();
        let other = server.connect();
        server.run("SET k zero");
        assert_eq!(server.show("SELECT 15"), "OK");
        assert_eq!(server.show("GET k"), "(nil)");
        assert_eq!(server.run_on(other, "GET k").to_string(), "\"zero\"");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let mut server = TestServer::new();
        for (word, error) in [
            ("16", "ERR DB index is out of range"),
            ("-1", "ERR DB index is out of range"),
            ("x", "ERR value is not an integer or out of range"),
            ("2147483648", "ERR value is out of range, value must between -2147483648 and 2147483647"),
        ] {
            assert_eq!(server.show(&format!("SELECT {word}")), format!("(error) {error}"));
        }
    }
}
