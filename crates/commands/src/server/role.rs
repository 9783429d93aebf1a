//! ROLE. There is no replication yet: every server is a master without replicas.

use command::spec::{Category, Flags, Group, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static ROLE: CommandSpec = CommandSpec {
    name: "ROLE",
    group: Group::Server,
    since: "2.8.12",
    summary: "Tells the server's part in replication.",
    flags: Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE).or(Flags::FAST),
    acl_extra: &[Category::Admin, Category::Dangerous],
    reply: Shape::ARRAY,
    run: Run::Session(role),
    ..CommandSpec::DEFAULT
};

fn role(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.int(0);
    cx.reply.array(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_master_without_replicas() {
        assert_eq!(TestServer::new().show("ROLE"), "1) \"master\"\n2) (integer) 0\n3) (empty array)");
    }
}
