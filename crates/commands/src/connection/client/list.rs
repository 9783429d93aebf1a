//! CLIENT LIST and CLIENT INFO: a line about each connection.

use super::filter::Filters;
use super::line::line;
use super::{OTHERS, SUBCOMMAND};
use command::spec::{ArgSpec, Run, Shape, integer, one_of, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering::Relaxed;

/// The kinds that LIST can be asked for.
const KINDS: &[ArgSpec] =
    &[token("normal", "NORMAL"), token("master", "MASTER"), token("replica", "REPLICA"), token("pubsub", "PUBSUB")];

pub static LIST: CommandSpec = CommandSpec {
    name: "LIST",
    since: "2.4.0",
    summary: "Lists connections.",
    complexity: "O(N), N being the number of connections",
    arity: -2,
    flags: OTHERS,
    args: &[
        one_of("client-type", KINDS).token("TYPE").optional().since("5.0.0"),
        integer("client-id").token("ID").optional().multiple().since("6.2.0"),
    ],
    history: &[
        ("2.8.12", "Field `id`."),
        ("5.0.0", "Filter `TYPE`."),
        ("6.0.0", "Field `user`."),
        ("6.2.0", "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`; filter `ID`."),
        ("7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."),
        ("7.0.3", "Field `ssub`."),
        ("7.2.0", "Fields `lib-name` and `lib-ver`."),
        ("7.4.0", "Field `watch`."),
        ("8.0.0", "Field `io-thread`."),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::VERBATIM,
    run: Run::Session(list),
    ..SUBCOMMAND
};

pub static INFO: CommandSpec = CommandSpec {
    name: "INFO",
    since: "6.2.0",
    summary: "Gives the line of CLIENT LIST about the connection itself.",
    arity: 2,
    tips: &["nondeterministic_output"],
    reply: Shape::VERBATIM,
    run: Run::Session(info),
    ..SUBCOMMAND
};

fn list(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let filters = Filters::for_list(cx, args)?;
    let mut lines = String::new();
    for client in cx.server.clients.all() {
        if !client.killed.load(Relaxed) && filters.fit(cx, &client) {
            lines.push_str(&line(cx, &client, args));
            lines.push('\n');
        }
    }
    cx.reply.verbatim(b"txt", lines.as_bytes());
    Ok(())
}

fn info(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut line = line(cx, &cx.session.info, args);
    line.push('\n');
    cx.reply.verbatim(b"txt", line.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    fn ids(server: &mut TestServer, filters: &str) -> String {
        let list = server.show(&format!("CLIENT LIST {filters}"));
        if list.starts_with("(error)") {
            return list;
        }
        let lines = list.split("id=").skip(1).filter(|part| part.contains("addr="));
        lines.filter_map(|line| line.split(' ').next()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_fields_are_those_of_redis_in_its_order() {
        let mut server = TestServer::new();
        let line = server.show("CLIENT INFO");
        let fields: Vec<_> = line.trim_matches('"').split(' ').filter_map(|field| field.split('=').next()).collect();
        let wanted = "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem \
                      multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver io-thread \
                      tot-net-in tot-net-out tot-cmds";
        assert_eq!(fields.join(" "), wanted);
        assert!(line.contains(" cmd=client|info user=default ") && line.contains(" argv-mem=10 "), "{line}");
        assert!(line.contains("tot-cmds=0"), "{line}");
        assert!(server.show("CLIENT INFO").contains("tot-cmds=1"));
    }

    #[test]
    fn filters_choose_clients() {
        let mut server = TestServer::new();
        let other = server.connect();
        server.connect();
        server.run_on(other, "CLIENT SETNAME bob");
        server.run_on(other, "SELECT 2");
        server.run_on(other, "CLIENT CAPA redirect");
        for (filters, wanted) in [
            ("", "1 2 3"),
            ("TYPE normal", "1 2 3"),
            ("TYPE pubsub", ""),
            ("NOT-TYPE pubsub", "1 2 3"),
            ("ID 1 3 99", "1 3"),
            ("NOT-ID 1 3", "2"),
            ("ID 2 3 NAME bob", "2"),
            ("NOT-NAME bob", "1 3"),
            ("NAME ''", ""),
            ("DB 2", "2"),
            ("NOT-DB 2", "1 3"),
            ("CAPA r", "2"),
            ("FLAGS N", "1 2 3"),
            ("FLAGS x", ""),
            ("ADDR 127.0.0.1:10003", "3"),
            ("IP 127.0.0.1 SKIPME yes", "2 3"),
            ("USER default MAXAGE 1", ""),
        ] {
            assert_eq!(ids(&mut server, filters), wanted, "{filters}");
        }
        server.advance_ms(5000);
        assert_eq!(ids(&mut server, "MAXAGE 5"), "1 2 3");
        assert_eq!(ids(&mut server, "IDLE 6"), "");
    }

    #[test]
    fn wrong_filters_are_refused() {
        let mut server = TestServer::new();
        for (filters, error) in [
            ("ID", "syntax error"),
            ("ID x", "Invalid client ID"),
            ("ID 1 x", "Invalid client ID"),
            ("NOT-ID x", "syntax error"),
            ("NOT-ID 0", "client-id should be greater than 0"),
            ("TYPE", "syntax error"),
            ("TYPE no", "Unknown client type 'no'"),
            ("TYPE no x", "syntax error"),
            ("NO x", "syntax error"),
            ("USER eve", "No such user 'eve'"),
            ("MAXAGE x", "maxage is not an integer or out of range"),
            ("IDLE 0", "idle should be greater than 0"),
            ("DB x", "DB is not an integer or out of range"),
            ("NOT-DB 16", "NOT-DB number should be between 0 and 15"),
            ("FLAGS z", "Unknown flags found in the provided filter: z"),
            ("NOT-CAPA x", "Unknown capa found in the NOT-CAPA filter: x"),
            ("SKIPME maybe", "syntax error"),
            ("NOT-MAXAGE 1", "syntax error"),
        ] {
            assert_eq!(ids(&mut server, filters), format!("(error) ERR {error}"), "{filters}");
        }
    }
}
