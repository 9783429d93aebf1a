//! SHUTDOWN.
//!
//! Nothing can be saved yet. SHUTDOWN and SHUTDOWN NOSAVE end the server; a client that insists on saving is
//! refused, because its data would be lost, unless it says FORCE, which is to end whatever goes wrong.

use command::server::host::Shutdown;
use command::spec::{Flags, Group, Run, Shape, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static SHUTDOWN: CommandSpec = CommandSpec {
    name: "SHUTDOWN",
    group: Group::Server,
    summary: "Ends the server, after saving the data where that is configured.",
    complexity: "O(N) over the number of keys when it saves, else O(1)",
    arity: -1,
    flags: Flags::ADMIN
        .or(Flags::NOSCRIPT)
        .or(Flags::LOADING)
        .or(Flags::STALE)
        .or(Flags::NO_MULTI)
        .or(Flags::ALLOW_BUSY),
    args: &[
        one_of("save-selector", &[token("nosave", "NOSAVE"), token("save", "SAVE")]).optional(),
        token("now", "NOW").optional().since("7.0.0"),
        token("force", "FORCE").optional().since("7.0.0"),
        token("abort", "ABORT").optional().since("7.0.0"),
    ],
    history: &[("7.0.0", "The options `NOW`, `FORCE` and `ABORT`.")],
    reply: Shape::SIMPLE,
    run: Run::Session(shutdown),
    ..CommandSpec::DEFAULT
};

fn shutdown(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut how = Shutdown::default();
    let mut abort = false;
    for at in 1..args.len() {
        if args.is(at, "NOSAVE") && how.save != Some(true) {
            how.save = Some(false);
        } else if args.is(at, "SAVE") && how.save != Some(false) {
            how.save = Some(true);
        } else if args.is(at, "NOW") {
            how.now = true;
        } else if args.is(at, "FORCE") {
            how.force = true;
        } else if args.is(at, "ABORT") {
            abort = true;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if abort {
        // A shutdown here never waits for anything, so there is never one to be called off.
        return Err(if how == Shutdown::default() { CommandError::NO_SHUTDOWN } else { CommandError::SYNTAX });
    }
    if how.save == Some(true) && !how.force {
        cx.server.host.log("SHUTDOWN SAVE was refused: this server cannot save its data yet.");
        return Err(CommandError::SHUTDOWN_FAILED);
    }
    cx.server.host.shutdown(how);
    // The end of the connection is the answer.
    cx.session.close_after_reply = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn contradictions_are_refused() {
        let mut server = TestServer::new();
        for line in ["SAVE NOSAVE", "NOSAVE SAVE", "FOO", "ABORT NOW", "SAVE ABORT", "NOSAVE x"] {
            assert_eq!(server.show(&format!("SHUTDOWN {line}")), "(error) ERR syntax error", "{line}");
        }
        for line in ["ABORT", "abort ABORT"] {
            assert_eq!(server.show(&format!("SHUTDOWN {line}")), "(error) ERR No shutdown in progress.");
        }
        assert_eq!(server.show("SHUTDOWN SAVE"), "(error) ERR Errors trying to SHUTDOWN. Check logs.");
    }
}
