//! PING, ECHO, QUIT.

use command::spec::{Flags, Group, Run, Shape, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::Proto;

pub static PING: CommandSpec = CommandSpec {
    name: "PING",
    group: Group::Connection,
    since: "1.0.0",
    summary: "Answers PONG, or the message: a sign of life.",
    arity: -1,
    flags: Flags::FAST.or(Flags::FOR_SUBSCRIBERS),
    args: &[string("message").optional()],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    // An array for subscribers that speak RESP2.
    reply: Shape::SIMPLE.or(Shape::BULK).or(Shape::ARRAY),
    run: Run::Session(ping),
    ..CommandSpec::DEFAULT
};

pub static ECHO: CommandSpec = CommandSpec {
    name: "ECHO",
    group: Group::Connection,
    since: "1.0.0",
    summary: "Answers with the message.",
    arity: 2,
    flags: Flags::LOADING.or(Flags::STALE).or(Flags::FAST),
    args: &[string("message")],
    reply: Shape::BULK,
    run: Run::Session(echo),
    ..CommandSpec::DEFAULT
};

pub static QUIT: CommandSpec = CommandSpec {
    name: "QUIT",
    group: Group::Connection,
    since: "1.0.0",
    summary: "Asks the server to close the connection.",
    arity: -1,
    flags: super::ALWAYS.or(Flags::NOT_QUEUED).or(Flags::FOR_SUBSCRIBERS),
    deprecated: Some(("7.2.0", "just closing the connection")),
    reply: Shape::SIMPLE,
    run: Run::Session(quit),
    ..CommandSpec::DEFAULT
};

fn ping(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(CommandError::wrong_arity(cx.name()));
    }
    if cx.session.subscriptions.is_some() && cx.session.proto == Proto::Resp2 {
        // In the form of a message, for that is all that such a client expects.
        cx.reply.array(2);
        cx.reply.bulk(b"pong");
        cx.reply.bulk(args.get(1).unwrap_or_default());
        return Ok(());
    }
    match args.get(1) {
        None => cx.reply.simple("PONG"),
        Some(message) => cx.reply.bulk(message),
    }
    Ok(())
}

fn echo(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.reply.bulk(args.word(1));
    Ok(())
}

fn quit(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if !cx.unsubscribe_all() {
        return Ok(());
    }
    cx.session.close_after_reply = true;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn ping_takes_at_most_one_message() {
        let mut server = TestServer::new();
        assert_eq!(server.show("PING"), "PONG");
        assert_eq!(server.show("PING hello"), "\"hello\"");
        assert_eq!(server.show("PING a b"), "(error) ERR wrong number of arguments for 'ping' command");
    }

    #[test]
    fn quit_is_not_queued() {
        let mut server = TestServer::new();
        server.run("MULTI");
        assert_eq!(server.show("QUIT"), "OK");
    }
}
