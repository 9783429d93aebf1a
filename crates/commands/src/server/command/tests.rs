//! COMMAND, on the commands there are.

use crate::testing::TestServer;
use command::spec::registry::Command;
use command::spec::{ArgKind, ArgSpec, Flags, Place};
use resp::Proto;

#[test]
fn info_has_the_ten_fields() {
    let mut server = TestServer::new();
    let text = server.show("COMMAND INFO get no|such nosuch");
    for part in ["\"get\"", "(integer) 2", "readonly", "@string", "\"begin_search\"", "\"lastkey\"", "(nil)"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(server.show("COMMAND INFO client|ID").contains("\"client|id\""));
}

#[test]
fn docs_nest_arguments_and_subcommands() {
    let mut server = TestServer::new();
    server.set_proto(Proto::Resp3);
    let text = server.show("COMMAND DOCS client");
    for part in ["\"client|kill\"", "\"ip:port\"", "\"deprecated_since\"", "multiple_token", "\"history\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(server.show("COMMAND DOCS nosuch"), "(empty hash)");
}

#[test]
fn names_are_filtered() {
    let mut server = TestServer::new();
    assert_eq!(
        server.show("COMMAND LIST FILTERBY PATTERN CLIENT|no-*"),
        "1) \"client|no-evict\"\n2) \"client|no-touch\""
    );
    assert!(server.show("COMMAND LIST FILTERBY ACLCAT connection").contains("\"ping\""));
    assert_eq!(server.show("COMMAND LIST FILTERBY ACLCAT nosuch"), "(empty array)");
    assert_eq!(server.show("COMMAND LIST FILTERBY MODULE m"), "(empty array)");
    for words in ["x", "FILTERBY", "FILTERBY PATTERN", "FILTERBY NO x", "NO PATTERN x", "FILTERBY PATTERN x y"] {
        assert_eq!(server.show(&format!("COMMAND LIST {words}")), "(error) ERR syntax error");
    }
}

#[test]
fn keys_are_found_by_the_specs() {
    let mut server = TestServer::new();
    assert_eq!(server.show("COMMAND GETKEYS GET k"), "1) \"k\"");
    let flags = server.show("COMMAND GETKEYSANDFLAGS GET k");
    assert!(flags.contains("\"k\"") && flags.contains("RO") && flags.contains("access"), "{flags}");
    for (words, error) in [
        ("nosuch k", "Invalid command specified"),
        ("client no", "Invalid command specified"),
        ("ping", "The command has no key arguments"),
        ("client", "The command has no key arguments"),
        ("get", "Invalid number of arguments specified for command"),
        ("get a b", "Invalid number of arguments specified for command"),
    ] {
        assert_eq!(server.show(&format!("COMMAND GETKEYS {words}")), format!("(error) ERR {error}"));
    }
}

/// The number of key specs an argument tree names, or an error in it.
fn check_arg(command: &Command, arg: &ArgSpec) {
    let name = &command.full_name;
    let key_spec = if let ArgKind::Key(at) = arg.kind { Some(at) } else { arg.key_spec };
    if let Some(at) = key_spec {
        assert!(at < command.spec.keys.len(), "{name}: argument {} names a key spec that is not there", arg.name);
    }
    let nests = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
    assert_eq!(nests, !arg.children.is_empty(), "{name}: argument {}", arg.name);
    assert!(arg.kind != ArgKind::PureToken || !arg.token.is_empty(), "{name}: argument {}", arg.name);
    arg.children.iter().for_each(|child| check_arg(command, child));
}

#[test]
fn specs_agree_with_themselves() {
    let server = TestServer::new();
    for command in server.server.registry.all() {
        let (spec, name) = (command.spec, &command.full_name);
        spec.args.iter().for_each(|arg| check_arg(command, arg));
        assert!(!spec.summary.is_empty(), "{name} has no summary");
        assert!(!spec.flags.has(Flags::WRITE.or(Flags::READONLY)), "{name} both reads only and writes");
        if let Some(elements) = spec.elements {
            assert!(command.one_key, "{name} has elements, but not one key");
            assert!(spec.arity.unsigned_abs() as usize >= elements.first, "{name} has few words");
            assert!(elements.first > 2 || !matches!(elements.place, Place::Score | Place::Rise), "{name} has no score");
        }
        let parent_words = 1 + usize::from(name.contains('|'));
        assert!(!spec.takes(parent_words - 1), "{name} takes no words at all");
        if spec.args.is_empty() && spec.subcommands.is_empty() && spec.arity > 0 {
            assert!(spec.takes(parent_words), "{name} takes words that it does not document");
        }
    }
}
