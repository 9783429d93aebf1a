//! The reply of COMMAND DOCS about one command.

use command::spec::registry::{Command, Registry};
use command::spec::{ArgKind, ArgSpec, Flags};
use resp::ReplyWriter;

/// A map that is written pair by pair, and knows at its end how many there were.
struct Pairs<'a> {
    reply: &'a mut ReplyWriter,
    count: usize,
}

impl Pairs<'_> {
    fn write(reply: &mut ReplyWriter, fill: impl FnOnce(&mut Pairs<'_>)) {
        let header = reply.deferred_array();
        let mut pairs = Pairs { reply, count: 0 };
        fill(&mut pairs);
        let count = pairs.count;
        reply.set_map_len(header, count);
    }

    /// Writes a key; its value follows.
    fn key(&mut self, key: &str) -> &mut ReplyWriter {
        self.count += 1;
        self.reply.bulk(key.as_bytes());
        self.reply
    }

    /// A text, unless it is empty.
    fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.key(key).bulk(value.as_bytes());
        }
    }
}

/// Writes a command's name, and what it is for.
pub fn write(reply: &mut ReplyWriter, registry: &Registry, command: &Command) {
    let spec = command.spec;
    reply.bulk(command.full_name.as_bytes());
    Pairs::write(reply, |pairs| {
        pairs.text("summary", spec.summary);
        pairs.text("since", spec.since);
        pairs.text("group", spec.group.name());
        pairs.text("complexity", spec.complexity);
        if spec.flags.has(Flags::SYSCMD) {
            let reply = pairs.key("doc_flags");
            reply.set(1);
            reply.simple("syscmd");
        }
        if let Some((since, replaced_by)) = spec.deprecated {
            let reply = pairs.key("doc_flags");
            reply.set(1);
            reply.simple("deprecated");
            pairs.text("deprecated_since", since);
            pairs.text("replaced_by", replaced_by);
        }
        if !spec.history.is_empty() {
            let reply = pairs.key("history");
            reply.set(spec.history.len());
            for (version, change) in spec.history {
                reply.array(2);
                reply.bulk(version.as_bytes());
                reply.bulk(change.as_bytes());
            }
        }
        if !spec.args.is_empty() {
            arguments(pairs.key("arguments"), spec.args);
        }
        if !command.subcommands.is_empty() {
            let reply = pairs.key("subcommands");
            reply.map(command.subcommands.len());
            for &id in &command.subcommands {
                write(reply, registry, registry.by_id(id));
            }
        }
    });
}

fn arguments(reply: &mut ReplyWriter, args: &[ArgSpec]) {
    reply.array(args.len());
    for arg in args {
        argument(reply, arg);
    }
}

fn argument(reply: &mut ReplyWriter, arg: &ArgSpec) {
    let kind = match arg.kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key(_) => "key",
        ArgKind::Pattern => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf => "oneof",
        ArgKind::Block => "block",
    };
    let key_spec = if let ArgKind::Key(at) = arg.kind { Some(at) } else { arg.key_spec };
    Pairs::write(reply, |pairs| {
        pairs.text("name", arg.name);
        pairs.text("type", kind);
        if arg.children.is_empty() {
            pairs.text("display_text", if arg.display.is_empty() { arg.name } else { arg.display });
        }
        if let Some(at) = key_spec {
            pairs.key("key_spec_index").int(at as i64);
        }
        pairs.text("token", arg.token);
        pairs.text("summary", arg.summary);
        pairs.text("since", arg.since);
        pairs.text("deprecated_since", arg.deprecated_since);
        let flags = [(arg.optional, "optional"), (arg.multiple, "multiple"), (arg.multiple_token, "multiple_token")];
        let set = flags.iter().filter(|(on, _)| *on);
        if set.clone().count() > 0 {
            let reply = pairs.key("flags");
            reply.set(set.clone().count());
            for (_, name) in set {
                reply.simple(name);
            }
        }
        if !arg.children.is_empty() {
            arguments(pairs.key("arguments"), arg.children);
        }
    });
}
