//! What a connection says about itself: CLIENT ID, GETNAME, SETNAME, SETINFO, REPLY, NO-EVICT, NO-TOUCH, CAPA,
//! IMPORT-SOURCE.

use super::{ON_OR_OFF, OWN, SUBCOMMAND};
use base::text::c_string;
use command::clients::client_flags;
use command::session::ReplyMode;
use command::spec::{Flags, Run, Shape, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static ID: CommandSpec = CommandSpec {
    name: "ID",
    since: "5.0.0",
    summary: "Gives the number of the connection, which no other ever has.",
    arity: 2,
    reply: Shape::INTEGER,
    run: Run::Session(id),
    ..SUBCOMMAND
};

pub static GETNAME: CommandSpec = CommandSpec {
    name: "GETNAME",
    since: "2.6.9",
    summary: "Gives the name of the connection.",
    arity: 2,
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Session(getname),
    ..SUBCOMMAND
};

pub static SETNAME: CommandSpec = CommandSpec {
    name: "SETNAME",
    since: "2.6.9",
    summary: "Names the connection.",
    arity: 3,
    args: &[string("connection-name")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Session(setname),
    ..SUBCOMMAND
};

pub static SETINFO: CommandSpec = CommandSpec {
    name: "SETINFO",
    since: "7.2.0",
    summary: "Tells about the library that the client uses.",
    arity: 4,
    args: &[one_of("attr", &[string("libname").token("LIB-NAME"), string("libver").token("LIB-VER")])],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Session(setinfo),
    ..SUBCOMMAND
};

pub static REPLY: CommandSpec = CommandSpec {
    name: "REPLY",
    since: "3.2.0",
    summary: "Says which commands of the connection are answered.",
    arity: 3,
    args: &[one_of("action", &[token("on", "ON"), token("off", "OFF"), token("skip", "SKIP")])],
    reply: Shape::SIMPLE.or(Shape::NOTHING),
    run: Run::Session(reply),
    ..SUBCOMMAND
};

pub static NO_EVICT: CommandSpec = CommandSpec {
    name: "NO-EVICT",
    since: "7.0.0",
    summary: "Says whether the connection may be closed to free memory.",
    arity: 3,
    flags: super::OTHERS,
    args: &[ON_OR_OFF],
    reply: Shape::SIMPLE,
    run: Run::Session(no_evict),
    ..SUBCOMMAND
};

pub static NO_TOUCH: CommandSpec = CommandSpec {
    name: "NO-TOUCH",
    since: "7.2.0",
    summary: "Says whether the connection's reads leave LRU and LFU alone.",
    arity: 3,
    args: &[ON_OR_OFF],
    reply: Shape::SIMPLE,
    run: Run::Session(no_touch),
    ..SUBCOMMAND
};

pub static CAPA: CommandSpec = CommandSpec {
    name: "CAPA",
    since: "8.0.0",
    summary: "Says what the client is able to do.",
    arity: -3,
    flags: OWN.or(Flags::ALLOW_BUSY).or(Flags::EXTENSION),
    args: &[string("capability").multiple()],
    reply: Shape::SIMPLE,
    run: Run::Session(capa),
    ..SUBCOMMAND
};

pub static IMPORT_SOURCE: CommandSpec = CommandSpec {
    name: "IMPORT-SOURCE",
    since: "8.1.0",
    summary: "Says whether the connection imports data, which takes a server in import mode.",
    arity: 3,
    flags: OWN.or(Flags::EXTENSION),
    args: &[ON_OR_OFF],
    reply: Shape::SIMPLE,
    run: Run::Session(import_source),
    ..SUBCOMMAND
};

/// Whether a text breaks no line of CLIENT LIST, which shows it up to a NUL, as Redis does.
fn is_plain(text: &[u8]) -> bool {
    c_string(text).iter().all(|byte| matches!(byte, b'!'..=b'~'))
}

/// Refuses what cannot be the name of a connection.
pub fn check_name(name: &[u8]) -> CommandResult {
    if is_plain(name) { Ok(()) } else { Err(CommandError::special_characters("Client names")) }
}

/// Names the connection; an empty name is none.
pub fn set_name(cx: &Ctx<'_>, name: &[u8]) {
    cx.session.info.texts.lock().name = name.to_vec();
}

/// The word at `at` as ON or OFF.
fn on_or_off(args: &Args<'_>, at: usize) -> Result<bool, CommandError> {
    if args.is(at, "ON") {
        Ok(true)
    } else if args.is(at, "OFF") {
        Ok(false)
    } else {
        Err(CommandError::SYNTAX)
    }
}

fn id(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.session.id as i64);
    Ok(())
}

fn getname(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let texts = cx.session.info.texts.lock();
    if texts.name.is_empty() {
        cx.reply.null()
    } else {
        cx.reply.bulk(&texts.name)
    }
    Ok(())
}

fn setname(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    check_name(args.word(2))?;
    set_name(cx, args.word(2));
    cx.reply.ok();
    Ok(())
}

fn setinfo(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (option, value) = (args.word(2), args.word(3));
    let is_name = args.is(2, "LIB-NAME");
    if !is_name && !args.is(2, "LIB-VER") {
        return Err(CommandError::unrecognized_option(option));
    }
    if !is_plain(value) {
        return Err(CommandError::special_characters(&command::error::lossy(option)));
    }
    let mut texts = cx.session.info.texts.lock();
    let text = if is_name { &mut texts.lib_name } else { &mut texts.lib_ver };
    value.clone_into(text);
    cx.reply.ok();
    Ok(())
}

fn reply(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    // Only ON is answered: the others silence this command as well.
    let mode = if args.is(2, "ON") {
        cx.reply.ok();
        ReplyMode::On
    } else if args.is(2, "OFF") {
        ReplyMode::Off
    } else if !args.is(2, "SKIP") {
        return Err(CommandError::SYNTAX);
    } else if cx.session.reply_mode == ReplyMode::Off {
        ReplyMode::Off
    } else {
        ReplyMode::SkipNext
    };
    cx.session.reply_mode = mode;
    Ok(())
}

fn no_evict(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.info.set_flag(client_flags::NO_EVICT, on_or_off(args, 2)?);
    cx.reply.ok();
    Ok(())
}

fn no_touch(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.no_touch = on_or_off(args, 2)?;
    cx.session.info.set_flag(client_flags::NO_TOUCH, cx.session.no_touch);
    cx.reply.ok();
    Ok(())
}

fn capa(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    // Capabilities that are not known are no error, so that clients can name new ones to old servers.
    if (2..args.len()).any(|at| args.is(at, "REDIRECT")) {
        cx.session.info.set_flag(client_flags::CAPA_REDIRECT, true);
    }
    cx.reply.ok();
    Ok(())
}

fn import_source(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    // There is no import mode, so nobody can be its source.
    if !args.is(2, "OFF") {
        return Err(CommandError::NOT_IN_IMPORT_MODE);
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn names_are_plain_and_can_be_taken_back() {
        let mut server = TestServer::new();
        assert_eq!(server.show("CLIENT SETNAME me"), "OK");
        assert_eq!(server.show("CLIENT GETNAME"), "\"me\"");
        for name in ["'a b'", "\"a\\n\"", "\"\\xc3\\xa9\""] {
            let error = "(error) ERR Client names cannot contain spaces, newlines or special characters.";
            assert_eq!(server.show(&format!("CLIENT SETNAME {name}")), error);
        }
        assert_eq!(server.show("CLIENT SETNAME ''"), "OK");
        assert_eq!(server.show("CLIENT GETNAME"), "(nil)");
    }

    #[test]
    fn each_setting_shows_in_the_list() {
        let mut server = TestServer::new();
        server.run("CLIENT NO-EVICT ON");
        server.run("CLIENT NO-TOUCH ON");
        server.run("CLIENT SETINFO LIB-NAME lib(x)");
        server.run("CLIENT SETINFO LIB-VER 1.2");
        let info = server.show("CLIENT INFO");
        assert!(info.contains(" flags=eT ") && info.contains("lib-name=lib(x) lib-ver=1.2"), "{info}");
    }

    #[test]
    fn wrong_words_are_refused() {
        let mut server = TestServer::new();
        for (line, error) in [
            ("CLIENT SETINFO no x", "ERR Unrecognized option 'no'"),
            ("CLIENT SETINFO lib-ver 'a b'", "ERR lib-ver cannot contain spaces, newlines or special characters."),
            ("CLIENT REPLY maybe", "ERR syntax error"),
            ("CLIENT NO-EVICT maybe", "ERR syntax error"),
            ("CLIENT NO-TOUCH maybe", "ERR syntax error"),
            ("CLIENT IMPORT-SOURCE ON", "ERR Server is not in import mode"),
        ] {
            assert_eq!(server.show(line), format!("(error) {error}"));
        }
    }
}
