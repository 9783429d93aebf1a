//! TIME.

use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static TIME: CommandSpec = CommandSpec {
    name: "TIME",
    group: Group::Server,
    since: "2.6.0",
    summary: "Tells the server's time: unix seconds, and microseconds of the second.",
    flags: Flags::LOADING.or(Flags::STALE).or(Flags::FAST),
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Session(time),
    ..CommandSpec::DEFAULT
};

fn time(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let now = cx.now().unix_us;
    cx.reply.array(2);
    cx.reply.bulk_int(now.div_euclid(1_000_000));
    cx.reply.bulk_int(now.rem_euclid(1_000_000));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn seconds_and_microseconds() {
        let mut server = TestServer::new();
        server.advance_ms(42);
        assert_eq!(server.show("TIME"), "1) \"1700000000\"\n2) \"42000\"");
    }
}
