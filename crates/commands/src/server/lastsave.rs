//! LASTSAVE. Nothing is saved yet: the start of the server counts as the last save, as it does in Redis.

use command::spec::{Category, Flags, Group, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static LASTSAVE: CommandSpec = CommandSpec {
    name: "LASTSAVE",
    group: Group::Server,
    summary: "Tells when the data was last saved, in unix seconds.",
    flags: Flags::LOADING.or(Flags::STALE).or(Flags::FAST),
    acl_extra: &[Category::Admin, Category::Dangerous],
    tips: &["nondeterministic_output"],
    reply: Shape::INTEGER,
    run: Run::Session(lastsave),
    ..CommandSpec::DEFAULT
};

fn lastsave(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.server.started.unix_ms / 1000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_start_counts_as_the_last_save() {
        let mut server = TestServer::new();
        server.advance_ms(5000);
        assert_eq!(server.show("LASTSAVE"), "(integer) 1700000000");
    }
}
