//! CLIENT PAUSE, UNPAUSE and UNBLOCK: who waits, and for how long.

use super::{OTHERS, SUBCOMMAND};
use command::clients::Message;
use command::server::pause::Paused;
use command::session::waiting::{self, End};
use command::spec::{Run, Shape, integer, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static PAUSE: CommandSpec = CommandSpec {
    name: "PAUSE",
    since: "3.0.0",
    summary: "Makes commands of all clients wait.",
    arity: -3,
    flags: OTHERS,
    args: &[
        integer("timeout"),
        one_of("mode", &[token("write", "WRITE"), token("all", "ALL")]).optional().since("6.2.0"),
    ],
    history: &[("6.2.0", "The mode, and with it `CLIENT PAUSE WRITE`.")],
    reply: Shape::SIMPLE,
    run: Run::Session(pause),
    ..SUBCOMMAND
};

pub static UNPAUSE: CommandSpec = CommandSpec {
    name: "UNPAUSE",
    since: "6.2.0",
    summary: "Ends a pause.",
    complexity: "O(N), N being the number of waiting clients",
    arity: 2,
    flags: OTHERS,
    reply: Shape::SIMPLE,
    run: Run::Session(unpause),
    ..SUBCOMMAND
};

pub static UNBLOCK: CommandSpec = CommandSpec {
    name: "UNBLOCK",
    since: "5.0.0",
    summary: "Ends the wait of a client that a blocking command holds.",
    complexity: "O(log N), N being the number of connections",
    arity: -3,
    flags: OTHERS,
    args: &[
        integer("client-id"),
        one_of("unblock-type", &[token("timeout", "TIMEOUT"), token("error", "ERROR")]).optional(),
    ],
    reply: Shape::INTEGER,
    run: Run::Session(unblock),
    ..SUBCOMMAND
};

fn pause(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let what = match args.len() {
        3 => Paused::All,
        4 if args.is(3, "ALL") => Paused::All,
        4 if args.is(3, "WRITE") => Paused::Writes,
        4 => return Err(CommandError::PAUSE_MODE),
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "client")),
    };
    let timeout = base::num::parse_i64(args.word(2)).ok_or(CommandError::TIMEOUT_NOT_INTEGER)?;
    if timeout < 0 {
        return Err(CommandError::TIMEOUT_NEGATIVE);
    }
    let now = cx.now().unix_ms;
    let until = now.checked_add(timeout).ok_or(CommandError::TIMEOUT_OUT_OF_RANGE)?;
    cx.server.pause.start(what, until, now);
    cx.reply.ok();
    Ok(())
}

fn unpause(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.server.pause.end();
    for worker in &cx.server.workers {
        worker.mailbox.send(Message::Resume);
    }
    cx.reply.ok();
    Ok(())
}

fn unblock(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let with_error = match args.len() {
        3 => false,
        4 if args.is(3, "TIMEOUT") => false,
        4 if args.is(3, "ERROR") => true,
        4 => return Err(CommandError::UNBLOCK_REASON),
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "client")),
    };
    let id = args.int(2)?;
    let client = u64::try_from(id).ok().and_then(|id| cx.server.clients.get(id));
    let wait = client.and_then(|client| waiting::claim(&client));
    cx.reply.int(i64::from(wait.is_some()));
    if let Some(wait) = wait {
        let end = if with_error { End::Unblocked } else { End::TimedOut };
        cx.server.workers[wait.worker].mailbox.send(Message::EndWait(wait, end));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use command::server::pause::Paused;

    #[test]
    fn a_pause_is_of_writes_or_of_all() {
        let mut server = TestServer::new();
        assert_eq!(server.show("CLIENT PAUSE 100 WRITE"), "OK");
        let now = server.worker.state.now.unix_ms;
        assert_eq!(server.server.pause.now(now), Paused::Writes);
        assert_eq!(server.show("CLIENT UNPAUSE"), "OK");
        assert_eq!(server.server.pause.now(now), Paused::Nothing);
        assert_eq!(server.show("CLIENT PAUSE 100"), "OK");
        assert_eq!(server.server.pause.now(now), Paused::All);
    }

    #[test]
    fn wrong_words_pause_nothing() {
        let mut server = TestServer::new();
        for (line, error) in [
            ("PAUSE x", "timeout is not an integer or out of range"),
            ("PAUSE -1", "timeout is negative"),
            ("PAUSE 9223372036854775807", "timeout is out of range"),
            ("PAUSE x some", "CLIENT PAUSE mode must be WRITE or ALL"),
            ("PAUSE 1 ALL x", "unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."),
            ("UNBLOCK x", "value is not an integer or out of range"),
            ("UNBLOCK x some", "CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
        ] {
            assert_eq!(server.show(&format!("CLIENT {line}")), format!("(error) ERR {error}"));
        }
        assert_eq!(server.server.pause.now(server.worker.state.now.unix_ms), Paused::Nothing);
        assert_eq!(server.show("CLIENT UNBLOCK 1"), "(integer) 0");
    }
}
