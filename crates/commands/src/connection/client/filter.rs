//! The filters of CLIENT LIST and CLIENT KILL.
//!
//! A client fits when it passes every filter. Where a filter is given twice, the later one counts. The two commands
//! differ in some errors, as they do in Redis, and in whether the own connection is left out when nothing is said.

use super::line::{flags, seconds_since};
use command::clients::{ClientInfo, DEFAULT_USER, client_flags};
use command::{Args, CommandError, Ctx};
use std::sync::atomic::Ordering::Relaxed;

/// Letters that FLAGS takes; those of states that no client of ours can be in fit nobody.
const KNOWN_FLAGS: &[u8] = b"ABEIMNOPRSTUbcdeirtux";

/// What kind of client it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Master,
    Replica,
    PubSub,
}

/// A condition.
enum Test<'a> {
    Ids(Vec<u64>),
    Kind(Kind),
    /// The only user there is.
    DefaultUser,
    Addr(&'a [u8]),
    Laddr(&'a [u8]),
    Ip(&'a [u8]),
    Name(&'a [u8]),
    LibName(&'a [u8]),
    LibVer(&'a [u8]),
    Flags(&'a [u8]),
    Capa(&'a [u8]),
    Db(usize),
    /// Open for at least so many seconds.
    MaxAge(i64),
    /// Silent for at least so many seconds.
    Idle(i64),
}

struct Filter<'a> {
    negated: bool,
    test: Test<'a>,
}

/// All filters of a command.
pub struct Filters<'a> {
    filters: Vec<Filter<'a>>,
    skip_me: bool,
}

/// Which command the filters are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    List,
    Kill,
}

impl<'a> Filters<'a> {
    pub fn for_list(cx: &Ctx<'_>, args: &Args<'a>) -> Result<Filters<'a>, CommandError> {
        Self::parse(cx, args, For::List)
    }

    pub fn for_kill(cx: &Ctx<'_>, args: &Args<'a>) -> Result<Filters<'a>, CommandError> {
        Self::parse(cx, args, For::Kill)
    }

    /// The client with this address, whoever it is.
    pub fn by_addr(addr: &'a [u8]) -> Filters<'a> {
        Filters { filters: vec![Filter { negated: false, test: Test::Addr(addr) }], skip_me: false }
    }

    fn parse(cx: &Ctx<'_>, args: &Args<'a>, what_for: For) -> Result<Filters<'a>, CommandError> {
        let mut this = Filters { filters: Vec::new(), skip_me: what_for == For::Kill };
        let mut at = 2;
        while at < args.len() {
            at = this.parse_one(cx, args, at, what_for)?;
        }
        Ok(this)
    }

    /// Takes the filter at word `at`; returns the word behind it.
    fn parse_one(&mut self, cx: &Ctx<'_>, args: &Args<'a>, at: usize, what_for: For) -> Result<usize, CommandError> {
        let after_ids = matches!(self.filters.last(), Some(Filter { negated: false, test: Test::Ids(_) }));
        let unknown =
            || if what_for == For::List && after_ids { CommandError::INVALID_CLIENT_ID } else { CommandError::SYNTAX };
        let value = args.get(at + 1).ok_or_else(unknown)?;
        let word = args.word(at).to_ascii_uppercase();
        let (negated, name) = word.strip_prefix(b"NOT-").map_or((false, &word[..]), |rest| (true, rest));
        let mut next = at + 2;
        let test = match name {
            b"ID" => {
                let ids = parse_ids(args, at + 1, what_for, negated)?;
                next = at + 1 + ids.len();
                Test::Ids(ids)
            }
            b"TYPE" => Test::Kind(parse_kind(args, value, what_for)?),
            b"USER" if value == DEFAULT_USER.as_bytes() => Test::DefaultUser,
            b"USER" => return Err(CommandError::no_such_user(value)),
            b"ADDR" => Test::Addr(value),
            b"LADDR" => Test::Laddr(value),
            b"IP" => Test::Ip(value),
            b"NAME" => Test::Name(value),
            b"LIB-NAME" => Test::LibName(value),
            b"LIB-VER" => Test::LibVer(value),
            b"FLAGS" => Test::Flags(letters(value, KNOWN_FLAGS, "flags", negated)?),
            b"CAPA" => Test::Capa(letters(value, b"r", "capa", negated)?),
            b"DB" => Test::Db(parse_db(cx, value, negated)?),
            b"MAXAGE" if !negated => Test::MaxAge(parse_seconds(value, "maxage")?),
            b"IDLE" if !negated => Test::Idle(parse_seconds(value, "idle")?),
            b"SKIPME" if !negated => {
                self.skip_me = match &value.to_ascii_uppercase()[..] {
                    b"YES" => true,
                    b"NO" => false,
                    _ => return Err(CommandError::SYNTAX),
                };
                return Ok(next);
            }
            _ => return Err(unknown()),
        };
        let same = |filter: &Filter<'_>| {
            filter.negated == negated && std::mem::discriminant(&filter.test) == std::mem::discriminant(&test)
        };
        self.filters.retain(|filter| !same(filter));
        self.filters.push(Filter { negated, test });
        Ok(next)
    }

    /// Whether a client passes all filters.
    pub fn fit(&self, cx: &Ctx<'_>, client: &ClientInfo) -> bool {
        let own = client.id == cx.session.id;
        !(own && self.skip_me) && self.filters.iter().all(|filter| filter.test.holds(cx, client, own) != filter.negated)
    }
}

/// One number or more: as many words as are numbers.
fn parse_ids(args: &Args<'_>, from: usize, what_for: For, negated: bool) -> Result<Vec<u64>, CommandError> {
    let lenient = what_for == For::List && !negated;
    let mut ids = Vec::new();
    for word in args.from(from) {
        match base::num::parse_i64(word) {
            Some(id) if id > 0 => ids.push(id as u64),
            // No client has it, which LIST does not mind.
            Some(_) if lenient => ids.push(0),
            Some(_) => return Err(CommandError::CLIENT_ID_NOT_POSITIVE),
            None if !ids.is_empty() => break,
            None if lenient => return Err(CommandError::INVALID_CLIENT_ID),
            None if negated => return Err(CommandError::SYNTAX),
            None => return Err(CommandError::CLIENT_ID_NOT_POSITIVE),
        }
    }
    Ok(ids)
}

fn parse_kind(args: &Args<'_>, word: &[u8], what_for: For) -> Result<Kind, CommandError> {
    match &word.to_ascii_uppercase()[..] {
        b"NORMAL" => Ok(Kind::Normal),
        b"MASTER" | b"PRIMARY" => Ok(Kind::Master),
        b"REPLICA" | b"SLAVE" => Ok(Kind::Replica),
        b"PUBSUB" => Ok(Kind::PubSub),
        // To Redis' CLIENT LIST a second filter is a mistake of its own, and seen first.
        _ if what_for == For::List && args.len() != 4 => Err(CommandError::SYNTAX),
        _ => Err(CommandError::unknown_client_type(word)),
    }
}

/// Letters of which each must be known.
fn letters<'a>(word: &'a [u8], known: &[u8], what: &str, negated: bool) -> Result<&'a [u8], CommandError> {
    if word.iter().all(|letter| known.contains(letter)) {
        return Ok(word);
    }
    let filter = if negated { format!("NOT-{}", what.to_uppercase()) } else { "provided".to_owned() };
    Err(CommandError::unknown_letters(what, &filter, word))
}

fn parse_db(cx: &Ctx<'_>, word: &[u8], negated: bool) -> Result<usize, CommandError> {
    let name = if negated { "NOT-DB" } else { "DB" };
    let number = base::num::parse_i64(word).ok_or_else(|| CommandError::not_integer(name))?;
    let databases = cx.server.keyspace.databases();
    usize::try_from(number).ok().filter(|&db| db < databases).ok_or_else(|| CommandError::no_such_db(name, databases))
}

fn parse_seconds(word: &[u8], name: &str) -> Result<i64, CommandError> {
    let seconds = base::num::parse_i64(word).ok_or_else(|| CommandError::not_integer(name))?;
    if seconds > 0 { Ok(seconds) } else { Err(CommandError::not_positive(name)) }
}

/// The address without its port, and without the brackets of IPv6.
fn ip(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

impl Test<'_> {
    fn holds(&self, cx: &Ctx<'_>, client: &ClientInfo, own: bool) -> bool {
        // A name that is not set fits no name, not even an empty one.
        let is = |text: &[u8], wanted: &[u8]| !text.is_empty() && text == wanted;
        match self {
            Test::Ids(ids) => ids.contains(&client.id),
            Test::Kind(kind) => {
                let is = if client.has_flag(client_flags::PUBSUB) { Kind::PubSub } else { Kind::Normal };
                *kind == is
            }
            Test::DefaultUser => client.texts.lock().user == DEFAULT_USER,
            Test::Addr(addr) => client.addr.as_bytes() == *addr,
            Test::Laddr(addr) => client.laddr.as_bytes() == *addr,
            Test::Ip(wanted) => ip(&client.addr).as_bytes() == *wanted,
            Test::Name(name) => is(&client.texts.lock().name, name),
            Test::LibName(name) => is(&client.texts.lock().lib_name, name),
            Test::LibVer(version) => is(&client.texts.lock().lib_ver, version),
            Test::Flags(letters) => {
                let flags = flags(client);
                letters.iter().all(|&letter| flags.contains(char::from(letter)))
            }
            Test::Capa(letters) => letters.is_empty() || client.has_flag(client_flags::CAPA_REDIRECT),
            Test::Db(db) => client.db.load(Relaxed) == *db,
            Test::MaxAge(seconds) => seconds_since(cx, client.created_ms) >= *seconds,
            Test::Idle(seconds) => !own && seconds_since(cx, client.last_interaction_ms.load(Relaxed)) >= *seconds,
        }
    }
}
