//! HSCAN: the fields of a hash, a few with every call.
//!
//! A packed hash is given as a whole. The cursor of a table is that of its own scan, so a field that is there from the
//! first call to the last is given at least once. A call ends when it has met `COUNT` fields, or has made ten times as
//! many steps.

use super::reply_string;
use crate::generic::scan::{Of, Options, elements_to_meet, reply_page};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, pattern, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::{Output, ReplyWriter};
use value::Hash;
use value::string::Scratch;

pub static HSCAN: CommandSpec = CommandSpec {
    name: "HSCAN",
    group: Group::Hash,
    since: "2.8.0",
    summary: "Goes through the fields of a hash, a few with every call.",
    complexity: "O(1) for a call, O(N) for all calls until the cursor is 0 again, with the number of fields",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        integer("cursor"),
        pattern("pattern").token("MATCH").optional(),
        integer("count").token("COUNT").optional(),
        token("novalues", "NOVALUES").optional(),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(hscan),
    work: Work::Told(|args, keys, located| elements_to_meet(args, keys, &located[0], Of::Fields)),
    ..CommandSpec::DEFAULT
};

fn hscan(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    Options::cursor(args, 2)?;
    let now_ms = keys.now_ms();
    let Some(hash) = keys.read_as::<Hash>(&cx.key(0))? else {
        reply_page(cx.reply, 0, 0, &mut Output::default());
        return Ok(());
    };
    let options = Options::parse(args, 2, Of::Fields)?;
    let mut given = 0;
    let mut fields = ReplyWriter::new(cx.reply.proto);
    let next = options.walk(|place, met| {
        hash.scan(place, &mut |field| {
            *met += 1;
            let shown = !field.is_past(now_ms) && options.matches(field.name.bytes(&mut Scratch::default()));
            if shown {
                given += 1;
                reply_string(&mut fields, field.name);
                if !options.no_values {
                    reply_string(&mut fields, field.value);
                }
            }
        })
    });
    let count = if options.no_values { given } else { 2 * given };
    reply_page(cx.reply, next, count, &mut fields.out);
    Ok(())
}
