//! GET.

use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, ValueRef};

pub static GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::String,
    since: "1.0.0",
    summary: "Gives the string that a key holds.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(get),
    ..CommandSpec::DEFAULT
};

fn get(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let Some(entry) = keys.read(&cx.key(0)) else {
        cx.reply.null();
        return Ok(());
    };
    match entry.value() {
        ValueRef::Bytes(bytes) => cx.reply.bulk(bytes),
        ValueRef::Int(integer) => cx.reply.bulk_int(integer),
        ValueRef::Blob(blob) => cx.reply.blob(blob, 0..blob.len()),
        ValueRef::Unit => cx.reply.bulk(b""),
        ValueRef::Boxed(_) => return Err(CommandError::WRONG_TYPE),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn absent_keys_are_null() {
        let mut server = TestServer::new();
        assert_eq!(server.show("GET nothing"), "(nil)");
    }
}
