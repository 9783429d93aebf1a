//! ACL: the one user there is, and the categories of commands.
//!
//! The user `default` may do everything; all that can change is its password (`requirepass`). What would change
//! users or rules is refused, except where nothing had to be done for it.

use crate::help;
use command::clients::DEFAULT_USER;
use command::clients::acllog::Denial;
use command::spec::{Category, Flags, Group, Run, Shape, integer, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx, OwnedArgs};
use engine::LockedKeys;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const OWN: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE);
const ADMIN: Flags = OWN.or(Flags::ADMIN);
const ALL_NODES: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

/// What all subcommands share.
const SUBCOMMAND: CommandSpec =
    CommandSpec { group: Group::Server, since: "6.0.0", arity: 2, flags: ADMIN, ..CommandSpec::DEFAULT };

pub static ACL: CommandSpec = CommandSpec {
    name: "ACL",
    group: Group::Server,
    since: "6.0.0",
    summary: "Holds the commands about users and what they may do.",
    complexity: "That of the subcommand.",
    arity: -2,
    subcommands: &[
        &CAT, &DELUSER, &DRYRUN, &GENPASS, &GETUSER, &HELP, &LIST, &LOAD, &LOG, &SAVE, &SETUSER, &USERS, &WHOAMI,
    ],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

static CAT: CommandSpec = CommandSpec {
    name: "CAT",
    summary: "Lists the categories, or the commands of one.",
    complexity: "O(1): categories and commands do not change.",
    arity: -2,
    flags: OWN,
    args: &[string("category").optional()],
    reply: Shape::ARRAY,
    run: Run::Session(cat),
    ..SUBCOMMAND
};

static DELUSER: CommandSpec = CommandSpec {
    name: "DELUSER",
    summary: "Deletes users.",
    arity: -3,
    args: &[string("username").multiple()],
    tips: ALL_NODES,
    reply: Shape::INTEGER,
    run: Run::Session(deluser),
    ..SUBCOMMAND
};

static DRYRUN: CommandSpec = CommandSpec {
    name: "DRYRUN",
    since: "7.0.0",
    summary: "Tells whether a user may run a command, without running it.",
    arity: -4,
    args: &[string("username"), string("command"), string("arg").optional().multiple()],
    reply: Shape::SIMPLE.or(Shape::BULK),
    run: Run::Session(dryrun),
    ..SUBCOMMAND
};

static GENPASS: CommandSpec = CommandSpec {
    name: "GENPASS",
    summary: "Makes up a password that nobody guesses.",
    arity: -2,
    flags: OWN,
    args: &[integer("bits").optional()],
    reply: Shape::BULK,
    run: Run::Session(genpass),
    ..SUBCOMMAND
};

static GETUSER: CommandSpec = CommandSpec {
    name: "GETUSER",
    summary: "Tells about a user: its flags, passwords and rules.",
    complexity: "O(N), N being the number of passwords and rules",
    arity: 3,
    args: &[string("username")],
    history: &[("6.2.0", "Channels."), ("7.0.0", "Selectors; keys and channels are shown as rules.")],
    reply: Shape::MAP.or(Shape::NULL),
    run: Run::Session(getuser),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, since: "6.0.0", ..help::HELP };

static LIST: CommandSpec = CommandSpec {
    name: "LIST",
    summary: "Lists users with their rules, as in an ACL file.",
    complexity: "O(N), N being the number of users",
    reply: Shape::ARRAY,
    run: Run::Session(list),
    ..SUBCOMMAND
};

static LOAD: CommandSpec = CommandSpec {
    name: "LOAD",
    summary: "Reads the ACL file again.",
    complexity: "O(N), N being the number of users",
    reply: Shape::SIMPLE,
    run: Run::Session(no_file),
    ..SUBCOMMAND
};

static LOG: CommandSpec = CommandSpec {
    name: "LOG",
    summary: "Lists what was refused lately.",
    complexity: "O(N), N being the number of entries shown",
    arity: -2,
    args: &[one_of("operation", &[integer("count"), token("reset", "RESET")]).optional()],
    history: &[("7.2.0", "Number of the entry, and when it was made and changed.")],
    reply: Shape::ARRAY.or(Shape::SIMPLE),
    run: Run::Session(log),
    ..SUBCOMMAND
};

static SAVE: CommandSpec = CommandSpec {
    name: "SAVE",
    summary: "Writes the users to the ACL file.",
    complexity: "O(N), N being the number of users",
    tips: ALL_NODES,
    reply: Shape::SIMPLE,
    run: Run::Session(no_file),
    ..SUBCOMMAND
};

static SETUSER: CommandSpec = CommandSpec {
    name: "SETUSER",
    summary: "Makes or changes a user.",
    complexity: "O(N), N being the number of rules",
    arity: -3,
    args: &[string("username"), string("rule").optional().multiple()],
    history: &[("6.2.0", "Channels."), ("7.0.0", "Selectors, and separate rights to read and write keys.")],
    tips: ALL_NODES,
    reply: Shape::SIMPLE,
    run: Run::Session(setuser),
    ..SUBCOMMAND
};

static USERS: CommandSpec = CommandSpec {
    name: "USERS",
    summary: "Lists the names of users.",
    complexity: "O(N), N being the number of users",
    reply: Shape::ARRAY,
    run: Run::Session(users),
    ..SUBCOMMAND
};

static WHOAMI: CommandSpec = CommandSpec {
    name: "WHOAMI",
    summary: "Gives the user of the connection.",
    flags: OWN,
    reply: Shape::BULK,
    run: Run::Session(whoami),
    ..SUBCOMMAND
};

fn cat(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    match args.len() {
        2 => {
            cx.reply.array(Category::ALL.len());
            for category in Category::ALL {
                cx.reply.bulk(category.name().as_bytes());
            }
        }
        3 => {
            let wanted = Category::ALL
                .iter()
                .find(|category| args.is(2, category.name()))
                .ok_or_else(|| CommandError::unknown_category(args.word(2)))?;
            super::command::list_category(cx, *wanted);
        }
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "acl")),
    }
    Ok(())
}

fn deluser(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.redacted = (2..args.len()).collect();
    if args.from(2).any(|user| user == DEFAULT_USER.as_bytes()) {
        return Err(CommandError::DEFAULT_USER_STAYS);
    }
    // There are no others.
    cx.reply.int(0);
    Ok(())
}

fn dryrun(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.word(2) != DEFAULT_USER.as_bytes() {
        return Err(CommandError::user_not_found(args.word(2)));
    }
    let words: OwnedArgs = args.from(3).collect();
    let command =
        cx.server.registry.resolve(&words.args()).map_err(|_| CommandError::command_not_found(args.word(3)))?;
    if !command.spec.takes(args.len() - 3) {
        return Err(CommandError::wrong_arity(&command.full_name));
    }
    cx.reply.ok();
    Ok(())
}

fn genpass(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const BITS_MAX: usize = 4096;
    let bits = match args.len() {
        2 => 256,
        3 => usize::try_from(args.int(2)?).unwrap_or(0),
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "acl")),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(CommandError::GENPASS_BITS);
    }
    let mut random = [0; BITS_MAX / 8];
    getrandom::fill(&mut random).map_err(|_| CommandError::NO_RANDOMNESS)?;
    let mut digits = hex(&random);
    digits.truncate(bits.div_ceil(4));
    cx.reply.bulk(digits.as_bytes());
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string takes whatever is written to it");
    }
    digits
}

/// The hash of the password, if there is one.
fn password(cx: &Ctx<'_>) -> Option<String> {
    let password = cx.server.tunables.general.requirepass.read();
    (!password.is_empty()).then(|| hex(&Sha256::digest(&password[..])))
}

fn getuser(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.redacted = vec![2];
    if args.word(2) != DEFAULT_USER.as_bytes() {
        cx.reply.null();
        return Ok(());
    }
    let password = password(cx);
    let flags: &[&[u8]] =
        if password.is_some() { &[b"on", b"sanitize-payload"] } else { &[b"on", b"nopass", b"sanitize-payload"] };
    let reply = &mut *cx.reply;
    reply.map(6);
    reply.bulk(b"flags");
    reply.set(flags.len());
    for flag in flags {
        reply.bulk(flag);
    }
    reply.bulk(b"passwords");
    reply.array(usize::from(password.is_some()));
    if let Some(hash) = password {
        reply.bulk(hash.as_bytes());
    }
    for (name, rule) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        reply.bulk(name.as_bytes());
        reply.bulk(rule.as_bytes());
    }
    reply.bulk(b"selectors");
    reply.array(0);
    Ok(())
}

fn list(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let password =
        password(cx).map_or_else(|| "nopass sanitize-payload".to_owned(), |hash| format!("sanitize-payload #{hash}"));
    cx.reply.array(1);
    cx.reply.bulk(format!("user default on {password} ~* &* +@all").as_bytes());
    Ok(())
}

fn no_file(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::NO_ACL_FILE)
}

fn setuser(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.session.redacted = (2..args.len()).collect();
    Err(CommandError::NO_ACL_USERS)
}

fn users(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.array(1);
    cx.reply.bulk(DEFAULT_USER.as_bytes());
    Ok(())
}

fn whoami(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.bulk(cx.session.info.texts.lock().user.as_bytes());
    Ok(())
}

fn log(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const SHOWN: usize = 10;
    let denials = &cx.server.clients.denials;
    let most = match args.len() {
        2 => SHOWN,
        3 if args.is(2, "RESET") => {
            denials.reset();
            cx.reply.ok();
            return Ok(());
        }
        3 => usize::try_from(args.int(2)?).unwrap_or(0),
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "acl")),
    };
    let entries = denials.newest(most);
    cx.reply.array(entries.len());
    for entry in &entries {
        log_entry(cx, entry);
    }
    Ok(())
}

fn log_entry(cx: &mut Ctx<'_>, entry: &Denial) {
    let age_ms = cx.now().unix_ms.saturating_sub(entry.created_ms);
    let reply = &mut *cx.reply;
    reply.map(10);
    reply.bulk(b"count");
    reply.int(entry.count as i64);
    for (name, value) in [
        ("reason", &b"auth"[..]),
        ("context", entry.context.as_bytes()),
        ("object", &entry.object),
        ("username", &entry.username),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(value);
    }
    reply.bulk(b"age-seconds");
    reply.double(age_ms as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(entry.client.as_bytes());
    for (name, value) in [
        ("entry-id", entry.id as i64),
        ("timestamp-created", entry.created_ms),
        ("timestamp-last-updated", entry.updated_ms),
    ] {
        reply.bulk(name.as_bytes());
        reply.int(value);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_default_user_may_do_everything() {
        let mut server = TestServer::new();
        assert_eq!(server.show("ACL WHOAMI"), "\"default\"");
        assert_eq!(server.show("ACL USERS"), "1) \"default\"");
        assert_eq!(server.show("ACL LIST"), "1) \"user default on nopass sanitize-payload ~* &* +@all\"");
        assert_eq!(server.show("ACL GETUSER eve"), "(nil)");
        assert_eq!(server.show("ACL DRYRUN default GET k"), "OK");
        for (line, error) in [
            ("DRYRUN default nosuch", "Command 'nosuch' not found"),
            ("DRYRUN default GET", "wrong number of arguments for 'get' command"),
            ("DRYRUN eve GET k", "User 'eve' not found"),
            ("DELUSER eve default", "The 'default' user cannot be removed"),
            ("SETUSER eve on", "ACL users and rules are not supported by this server yet"),
            ("CAT no", "Unknown category 'no'"),
            ("LOG x", "value is not an integer or out of range"),
        ] {
            assert_eq!(server.show(&format!("ACL {line}")), format!("(error) ERR {error}"));
        }
        assert_eq!(server.show("ACL DELUSER eve"), "(integer) 0");
    }

    #[test]
    fn the_password_is_shown_as_its_hash() {
        let mut server = TestServer::new();
        server.server.tunables.general.requirepass.set(b"sekret");
        let hash = "bb757689c39373a6cac9ef6ba55616c6249d7500ca4d443f1130c4766453a412";
        let line = format!("1) \"user default on sanitize-payload #{hash} ~* &* +@all\"");
        assert_eq!(server.show("ACL LIST"), line);
        assert!(server.show("ACL GETUSER default").contains(hash));
    }

    #[test]
    fn passwords_have_as_many_bits_as_asked_for() {
        let mut server = TestServer::new();
        assert_eq!(server.show("ACL GENPASS").len(), 64 + 2);
        assert_eq!(server.show("ACL GENPASS 5").len(), 2 + 2);
        assert_ne!(server.show("ACL GENPASS"), server.show("ACL GENPASS"));
        for bits in ["0", "-1", "4097"] {
            assert!(server.show(&format!("ACL GENPASS {bits}")).starts_with("(error) ERR ACL GENPASS argument"));
        }
    }

    #[test]
    fn categories_list_subcommands_too() {
        let mut server = TestServer::new();
        assert!(server.show("ACL CAT").contains("\"scripting\""));
        let commands = server.show("ACL CAT Connection");
        assert!(commands.contains("\"client|id\"") && commands.contains("\"ping\""), "{commands}");
        assert!(!commands.contains("\"client\""));
    }
}
