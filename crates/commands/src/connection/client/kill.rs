//! CLIENT KILL.
//!
//! A client of another worker is marked at once, so that nobody sees it any more, and closed by its worker.

use super::filter::Filters;
use super::{OTHERS, SUBCOMMAND};
use command::clients::{Message, client_flags};
use command::session::waiting;
use command::spec::{ArgKind, ArgSpec, Run, Shape, arg, integer, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering::Relaxed;

const KINDS: &[ArgSpec] = &[
    token("normal", "NORMAL"),
    token("master", "MASTER").since("3.2.0"),
    token("slave", "SLAVE"),
    token("replica", "REPLICA").since("5.0.0"),
    token("pubsub", "PUBSUB"),
];

const FILTERS: &[ArgSpec] = &[
    integer("client-id").token("ID").optional().since("2.8.12"),
    one_of("client-type", KINDS).token("TYPE").optional().since("2.8.12"),
    string("username").token("USER").optional(),
    string("addr").display("ip:port").token("ADDR").optional(),
    string("laddr").display("ip:port").token("LADDR").optional().since("6.2.0"),
    one_of("skipme", &[token("yes", "YES"), token("no", "NO")]).token("SKIPME").optional(),
    integer("maxage").token("MAXAGE").optional().since("7.4.0"),
];

pub static KILL: CommandSpec = CommandSpec {
    name: "KILL",
    since: "2.4.0",
    summary: "Closes connections.",
    complexity: "O(N), N being the number of connections",
    arity: -3,
    flags: OTHERS,
    args: &[one_of(
        "filter",
        &[
            arg("old-format", ArgKind::String).display("ip:port").deprecated_since("2.8.12"),
            one_of("new-format", FILTERS).multiple(),
        ],
    )],
    history: &[
        ("2.8.12", "The form with filters."),
        ("2.8.12", "Filter `ID`."),
        ("3.2.0", "Type `master`."),
        ("5.0.0", "Type `replica`, the new name of `slave`, which is still taken."),
        ("6.2.0", "Filter `LADDR`."),
        ("7.4.0", "Filter `MAXAGE`."),
    ],
    reply: Shape::SIMPLE.or(Shape::INTEGER),
    run: Run::Session(kill),
    ..SUBCOMMAND
};

fn kill(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.len() == 3 {
        return match kill_fitting(cx, &Filters::by_addr(args.word(2))) {
            0 => Err(CommandError::NO_SUCH_CLIENT),
            _ => {
                cx.reply.ok();
                Ok(())
            }
        };
    }
    let filters = Filters::for_kill(cx, args)?;
    let killed = kill_fitting(cx, &filters);
    cx.reply.int(killed);
    Ok(())
}

/// Kills all that fit; returns how many. The own connection still gets its reply.
fn kill_fitting(cx: &mut Ctx<'_>, filters: &Filters<'_>) -> i64 {
    let mut killed = 0;
    for client in cx.server.clients.all() {
        if !filters.fit(cx, &client) {
            continue;
        }
        if client.id == cx.session.id {
            cx.session.close_after_reply = true;
            client.set_flag(client_flags::CLOSE_AFTER_REPLY, true);
        } else if client.killed.swap(true, Relaxed) {
            continue;
        } else {
            // From here on nobody serves it: what it would be given would be lost.
            waiting::claim(&client);
            cx.server.workers[client.worker].mailbox.send(Message::Kill(client.id));
        }
        killed += 1;
    }
    killed
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_old_form_kills_by_address() {
        let mut server = TestServer::new();
        server.connect();
        assert_eq!(server.show("CLIENT KILL 127.0.0.1:10002"), "OK");
        assert!(!server.show("CLIENT LIST").contains("id=2 "));
        assert_eq!(server.show("CLIENT KILL 127.0.0.1:1"), "(error) ERR No such client");
        assert_eq!(server.show("CLIENT KILL 127.0.0.1:10001"), "OK");
    }

    #[test]
    fn the_own_connection_is_spared_unless_asked_for() {
        let mut server = TestServer::new();
        server.connect();
        server.connect();
        assert_eq!(server.show("CLIENT KILL ID 1"), "(integer) 0");
        assert_eq!(server.show("CLIENT KILL ID 2 3"), "(integer) 2");
        assert_eq!(server.show("CLIENT KILL TYPE normal"), "(integer) 0");
        assert_eq!(server.show("CLIENT KILL SKIPME no ID 1"), "(integer) 1");
    }

    #[test]
    fn wrong_filters_kill_nobody() {
        let mut server = TestServer::new();
        server.connect();
        for (words, error) in [
            ("ID x", "client-id should be greater than 0"),
            ("ID 0", "client-id should be greater than 0"),
            ("ID 2 x", "syntax error"),
            ("TYPE no ID 2", "Unknown client type 'no'"),
            ("USER eve", "No such user 'eve'"),
            ("ADDR a LADDR", "syntax error"),
            ("MAXAGE 0", "maxage should be greater than 0"),
        ] {
            assert_eq!(server.show(&format!("CLIENT KILL {words}")), format!("(error) ERR {error}"), "{words}");
        }
        assert_eq!(server.show("CLIENT KILL ID 2"), "(integer) 1");
    }
}
