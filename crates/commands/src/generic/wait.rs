//! WAIT, WAITAOF: how many copies have what this client wrote.
//!
//! There are no replicas and no append-only file yet, so who asks for any waits until the time is over, as on a Redis
//! without replicas.

use command::spec::{Category, Flags, Run, Shape, integer};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::ReplyWriter;

pub static WAIT: CommandSpec = CommandSpec {
    name: "WAIT",
    since: "3.0.0",
    summary: "Waits until replicas have what this client wrote.",
    arity: 3,
    flags: Flags::BLOCKING,
    acl_no_group: true,
    acl_extra: &[Category::Connection],
    args: &[integer("numreplicas"), integer("timeout")],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    reply: Shape::INTEGER,
    run: Run::Session(wait),
    ..CommandSpec::DEFAULT
};

pub static WAITAOF: CommandSpec = CommandSpec {
    name: "WAITAOF",
    since: "7.2.0",
    summary: "Waits until what this client wrote is in append-only files, here and on replicas.",
    arity: 4,
    args: &[integer("numlocal"), integer("numreplicas"), integer("timeout")],
    reply: Shape::ARRAY,
    run: Run::Session(waitaof),
    ..WAIT
};

/// Nobody has it.
fn reply_none(reply: &mut ReplyWriter) {
    reply.int(0);
}

fn wait(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let replicas = args.int(1)?;
    let deadline = cx.wait_deadline_ms(args, 2)?;
    if replicas <= 0 || !cx.block_for_time(deadline, reply_none) {
        reply_none(cx.reply);
    }
    Ok(())
}

/// Nobody has it, neither here nor elsewhere.
fn reply_none_in_files(reply: &mut ReplyWriter) {
    reply.array(2);
    reply.int(0);
    reply.int(0);
}

fn waitaof(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let local = args.int_between(1, 0, 1)?;
    let replicas = base::num::parse_i64(args.word(2)).filter(|replicas| *replicas >= 0);
    let replicas = replicas.ok_or(CommandError::MUST_BE_POSITIVE)?;
    let deadline = cx.wait_deadline_ms(args, 3)?;
    if local > 0 {
        return Err(CommandError::WAITAOF_WITHOUT_AOF);
    }
    if replicas == 0 || !cx.block_for_time(deadline, reply_none_in_files) {
        reply_none_in_files(cx.reply);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn arguments_are_checked_before_anything_is_waited_for() {
        let mut server = TestServer::new();
        for (command, reply) in [
            ("WAIT -1 0", "(integer) 0"),
            ("WAIT x -1", "(error) ERR value is not an integer or out of range"),
            ("WAIT 0 x", "(error) ERR timeout is not an integer or out of range"),
            ("WAIT 0 -1", "(error) ERR timeout is negative"),
            ("WAIT 0 9223372036854775807", "(error) ERR timeout is out of range"),
            ("WAITAOF 2 x -1", "(error) ERR value is out of range, value must between 0 and 1"),
            ("WAITAOF 0 x -1", "(error) ERR value is out of range, must be positive"),
            ("WAITAOF 1 0 -1", "(error) ERR timeout is negative"),
            ("WAITAOF 1 0 0", "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."),
            ("WAITAOF 0 0 0", "1) (integer) 0\n2) (integer) 0"),
        ] {
            assert_eq!(server.show(command), reply, "{command}");
        }
    }
    #[test]
    fn who_asks_for_replicas_waits_until_the_time_is_over() {
        let mut server = TestServer::new();
        for (command, ms, answer) in [
            ("WAIT 1 1000", Some(1000), "(integer) 0"),
            ("WAIT 1 0", None, "(integer) 0"),
            ("WAITAOF 0 2 50", Some(50), "1) (integer) 0\n2) (integer) 0"),
        ] {
            let session = server.wait(command);
            assert_eq!(server.gives_up_in_ms(session), ms, "{command}");
            assert_eq!(server.show("PING"), "PONG", "others go on");
            assert_eq!(server.show(&format!("CLIENT UNBLOCK {}", session + 1)), "(integer) 1");
            assert_eq!(server.answer(session).as_deref(), Some(answer), "{command}");
        }
        for line in ["MULTI", "WAIT 1 0", "WAITAOF 0 1 0"] {
            server.run(line);
        }
        assert_eq!(server.show("EXEC"), "1) (integer) 0\n2) 1) (integer) 0\n   2) (integer) 0");
    }
}
