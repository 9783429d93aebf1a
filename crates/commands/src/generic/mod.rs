//! Commands of group generic: about keys, whatever they hold.

mod delete;
mod dump;
mod exists;
mod expire;
pub(crate) mod keys;
mod object;
mod rename;
pub(crate) mod scan;
mod sort;
mod ttl;
mod wait;

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[
    &rename::COPY,
    &delete::DEL,
    &dump::DUMP,
    &exists::EXISTS,
    &expire::EXPIRE,
    &expire::EXPIREAT,
    &ttl::EXPIRETIME,
    &keys::KEYS,
    &rename::MOVE,
    &object::OBJECT,
    &expire::PERSIST,
    &expire::PEXPIRE,
    &expire::PEXPIREAT,
    &ttl::PEXPIRETIME,
    &ttl::PTTL,
    &keys::RANDOMKEY,
    &rename::RENAME,
    &rename::RENAMENX,
    &dump::RESTORE,
    &dump::RESTORE_ASKING,
    &scan::SCAN,
    &sort::SORT,
    &sort::SORT_RO,
    &exists::TOUCH,
    &ttl::TTL,
    &exists::TYPE,
    &delete::UNLINK,
    &wait::WAIT,
    &wait::WAITAOF,
];
