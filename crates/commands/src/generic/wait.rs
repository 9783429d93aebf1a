//! WAIT, WAITAOF: how many copies have what this client wrote.
//!
//! There are no replicas and no append-only file yet, so the numbers are known at once, and nobody is kept waiting
//! for what cannot come: the answer is the one that Redis gives when the timeout has passed.

use command::spec::{Category, Flags, Run, Shape, integer};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

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

/// Checks a timeout in milliseconds.
fn check_timeout(cx: &Ctx<'_>, word: &[u8]) -> CommandResult {
    let timeout = base::num::parse_i64(word).ok_or(CommandError::TIMEOUT_NOT_INTEGER)?;
    if timeout < 0 {
        return Err(CommandError::TIMEOUT_NEGATIVE);
    }
    timeout.checked_add(cx.now().unix_ms).map(drop).ok_or(CommandError::TIMEOUT_OUT_OF_RANGE)
}

fn wait(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    args.int(1)?;
    check_timeout(cx, args.word(2))?;
    cx.reply.int(0);
    Ok(())
}

fn waitaof(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let local = args.int_between(1, 0, 1)?;
    if base::num::parse_i64(args.word(2)).is_none_or(|replicas| replicas < 0) {
        return Err(CommandError::MUST_BE_POSITIVE);
    }
    check_timeout(cx, args.word(3))?;
    if local > 0 {
        return Err(CommandError::WAITAOF_WITHOUT_AOF);
    }
    cx.reply.array(2);
    cx.reply.int(0);
    cx.reply.int(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn arguments_are_checked_before_anything_is_waited_for() {
        let mut server = TestServer::new();
        for (command, reply) in [
            ("WAIT 1 10", "(integer) 0"),
            ("WAIT -1 0", "(integer) 0"),
            ("WAIT x -1", "(error) ERR value is not an integer or out of range"),
            ("WAIT 0 x", "(error) ERR timeout is not an integer or out of range"),
            ("WAIT 0 -1", "(error) ERR timeout is negative"),
            ("WAIT 0 9223372036854775807", "(error) ERR timeout is out of range"),
            ("WAITAOF 2 x -1", "(error) ERR value is out of range, value must between 0 and 1"),
            ("WAITAOF 0 x -1", "(error) ERR value is out of range, must be positive"),
            ("WAITAOF 1 0 -1", "(error) ERR timeout is negative"),
            ("WAITAOF 1 0 0", "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."),
            ("WAITAOF 0 1 10", "1) (integer) 0\n2) (integer) 0"),
        ] {
            assert_eq!(server.show(command), reply, "{command}");
        }
    }
}
