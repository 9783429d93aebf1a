//! CLIENT LIST and CLIENT INFO: a line about each connection.
//!
//! What other workers' clients did in their running turn is not in it yet. About the client that asks, the line
//! tells what the running command adds.

use super::filter::Filters;
use super::{OTHERS, SUBCOMMAND};
use command::clients::{ClientInfo, client_flags};
use command::error::lossy;
use command::session::Session;
use command::spec::{ArgSpec, Run, Shape, integer, one_of, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::fmt::Write;
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

/// The letters for a client's state.
pub(super) fn flags(client: &ClientInfo) -> String {
    const LETTERS: [(u32, char); 9] = [
        (client_flags::MONITOR, 'O'),
        (client_flags::MULTI, 'x'),
        (client_flags::BLOCKED | client_flags::POSTPONED, 'b'),
        (client_flags::DIRTY_CAS, 'd'),
        (client_flags::CLOSE_AFTER_REPLY, 'c'),
        (client_flags::UNIX_SOCKET, 'U'),
        (client_flags::READONLY, 'r'),
        (client_flags::NO_EVICT, 'e'),
        (client_flags::NO_TOUCH, 'T'),
    ];
    let flags: String = LETTERS.iter().filter(|(flag, _)| client.has_flag(*flag)).map(|(_, letter)| letter).collect();
    if flags.is_empty() { "N".to_owned() } else { flags }
}

/// Seconds since a time in milliseconds.
pub(super) fn seconds_since(cx: &Ctx<'_>, then_ms: i64) -> i64 {
    cx.now().unix_ms.div_euclid(1000) - then_ms.div_euclid(1000)
}

/// The line about a client, without the line's end. `args` are the words of the running command.
pub fn line(cx: &Ctx<'_>, client: &ClientInfo, args: &Args<'_>) -> String {
    let own = client.id == cx.session.id;
    let texts = client.texts.lock().clone();
    let load = |value: &std::sync::atomic::AtomicUsize| value.load(Relaxed);
    let argv_memory = if own { args.from(0).map(<[u8]>::len).sum() } else { load(&client.argv_memory) };
    let idle = if own { 0 } else { seconds_since(cx, client.last_interaction_ms.load(Relaxed)).max(0) };
    // Who asks sees the request that asks.
    let request = if own { args.request_len() } else { 0 };
    let (input, input_free) = (load(&client.query_buffer).max(request), load(&client.query_buffer_free));
    let (multi_memory, output) = (load(&client.multi_memory), load(&client.output_memory));
    let total =
        size_of::<Session>() + size_of::<ClientInfo>() + input + input_free + argv_memory + multi_memory + output;
    let command = match client.last_command.load(Relaxed) {
        usize::MAX => "NULL",
        id => cx.server.registry.by_id(id).full_name.as_str(),
    };
    let mut line = String::with_capacity(400);
    let written = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={idle} flags={} db={} sub=0 psub=0 ssub=0 multi={} watch={} \
         qbuf={input} qbuf-free={input_free} argv-mem={argv_memory} multi-mem={multi_memory} rbs=0 rbp=0 obl=0 oll={} \
         omem={output} tot-mem={total} events={} cmd={command} user={} redir=-1 resp={} lib-name={} lib-ver={} \
         io-thread={} tot-net-in={} tot-net-out={} tot-cmds={}",
        client.id,
        client.addr,
        client.laddr,
        client.fd,
        lossy(&texts.name),
        seconds_since(cx, client.created_ms).max(0),
        flags(client),
        client.db.load(Relaxed),
        client.multi.load(Relaxed),
        load(&client.watching),
        usize::from(output > 0),
        if output > 0 { "rw" } else { "r" },
        texts.user,
        client.resp.load(Relaxed),
        lossy(&texts.lib_name),
        lossy(&texts.lib_ver),
        client.worker,
        client.net_in.load(Relaxed),
        client.net_out.load(Relaxed),
        client.commands.load(Relaxed),
    );
    written.expect("a string takes whatever is written to it");
    line
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
