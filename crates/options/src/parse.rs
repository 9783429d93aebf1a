//! From the words of a directive to a checked value, with Redis' error texts.
//!
//! The same function serves the file, the command line and `CONFIG SET`. A directive that takes many values
//! accepts them as several words or as a single one with blanks in it. Parsing changes nothing; it looks at
//! the file system only for `dir`.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use base::event_class::Class;
use base::num::parse_i64;

use crate::spec::{Default, Kind, OptionSpec, Special, TextRule};
use crate::value::{BUFFER_CLASSES, BufferLimit, SHUTDOWN_WORDS, SavePoint, Value};

/// Why a value is refused: the text that Redis would give.
pub(crate) type Refusal = Cow<'static, str>;

pub(crate) const WRONG_NUMBER: &str = "wrong number of arguments";
const NO_INTEGER: &str = "argument couldn't be parsed into an integer";
const NO_MEMORY: &str = "argument must be a memory value";
const NEGATIVE: &str = "argument must be greater or equal to 0";
/// Redis listens on at most this many addresses.
const BIND_ADDRESSES_MAX: usize = 16;

/// The value of an option that nobody has set.
pub(crate) fn initial(spec: &OptionSpec) -> Value {
    let text = match spec.default {
        Default::Text(text) => text.as_bytes().to_vec(),
        Default::Cores => std::thread::available_parallelism().map_or(1, usize::from).to_string().into(),
        Default::WorkingDirectory => b".".to_vec(),
    };
    if matches!(spec.kind, Kind::Special(Special::ReplicaOf)) && text.is_empty() {
        return Value::ReplicaOf(None);
    }
    let none = BufferLimit { hard: 0, soft: 0, soft_seconds: 0 };
    match parse(spec, &[&text], &Value::BufferLimits([none; 3])) {
        Ok(value) => value,
        // The directory that the server was started in may be gone; it is then reported as unknown.
        Err(_) if spec.default == Default::WorkingDirectory => Value::Text(Vec::new()),
        Err(refusal) => panic!("the default of {} is refused: {refusal}", spec.name),
    }
}

/// Checks the words of a directive. `old` is the present value, which some directives change only in part.
pub(crate) fn parse(spec: &OptionSpec, words: &[&[u8]], old: &Value) -> Result<Value, Refusal> {
    if let Kind::Special(special) = spec.kind {
        return parse_special(special, words, old);
    }
    let [word] = words else {
        return Err(WRONG_NUMBER.into());
    };
    match spec.kind {
        Kind::Bool => parse_bool(word).map(Value::Bool),
        Kind::Int { min, max } => parse_int(word, min, max).map(|value| match spec.clamp {
            Some((low, high)) => Value::Int(value.clamp(low, high)),
            None => Value::Int(value),
        }),
        Kind::UInt { min, max } => {
            let value = parse_i64(word).ok_or(NO_INTEGER)?;
            let value = u64::try_from(value).map_err(|_| NEGATIVE)?;
            between(value, min, max).map(Value::UInt)
        }
        Kind::Memory { min, max, signed } => parse_memory(word, min, max, signed),
        Kind::MemoryOrPercent => parse_memory_or_percent(word),
        Kind::Octal { max } => parse_octal(word, max),
        Kind::Enum(words) => parse_word(word, words).map(|(at, word)| Value::Enum(at, word)),
        Kind::Text { rule, .. } => check_text(word, rule).map(|()| Value::Text(word.to_vec())),
        Kind::Special(_) => unreachable!("special kinds are parsed above"),
    }
}

fn parse_special(special: Special, words: &[&[u8]], old: &Value) -> Result<Value, Refusal> {
    match special {
        Special::Save => parse_save(&spread(words)).map(Value::Save),
        Special::BufferLimits => parse_buffer_limits(&spread(words), old),
        Special::OomScores => parse_oom_scores(&spread(words)),
        Special::Bind => parse_bind(&spread(words)),
        Special::Percentiles => parse_percentiles(&spread(words)),
        Special::ShutdownOptions => parse_shutdown_options(&spread(words)),
        Special::ReplicaOf => parse_replicaof(words),
        Special::KeyspaceEvents => match words {
            [letters] => Class::parse(letters)
                .map(Value::KeyspaceEvents)
                .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
            _ => Err(WRONG_NUMBER.into()),
        },
        Special::Directory => match words {
            [path] => parse_directory(path),
            _ => Err(WRONG_NUMBER.into()),
        },
    }
}

/// Spreads a single word over its blanks, as Redis does: two blanks in a row have an empty word between them.
fn spread<'a>(words: &[&'a [u8]]) -> Vec<&'a [u8]> {
    match words {
        [b""] => Vec::new(),
        [word] => word.split(|b| *b == b' ').collect(),
        _ => words.to_vec(),
    }
}

fn parse_bool(word: &[u8]) -> Result<bool, Refusal> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn between<T: PartialOrd + std::fmt::Display>(value: T, min: T, max: T) -> Result<T, Refusal> {
    if value < min || value > max {
        Err(format!("argument must be between {min} and {max} inclusive").into())
    } else {
        Ok(value)
    }
}

fn parse_int(word: &[u8], min: i64, max: i64) -> Result<i64, Refusal> {
    between(parse_i64(word).ok_or(NO_INTEGER)?, min, max)
}

/// A number of bytes with an optional unit; the empty text is zero.
fn bytes(word: &[u8]) -> Option<u64> {
    base::units::parse_memory(std::str::from_utf8(word).ok()?)
}

fn parse_memory(word: &[u8], min: u64, max: u64, signed: bool) -> Result<Value, Refusal> {
    let value = bytes(word).ok_or(NO_MEMORY)?;
    if value > i64::MAX as u64 && !signed {
        return Err(NEGATIVE.into());
    }
    between(value, min, max).map(Value::Memory)
}

fn parse_memory_or_percent(word: &[u8]) -> Result<Value, Refusal> {
    const REFUSAL: &str = "argument must be a memory or percent value";
    let Some(number) = word.strip_suffix(b"%") else {
        let value = bytes(word).ok_or(REFUSAL)?;
        return between(value, 0, i64::MAX as u64).map(Value::Memory);
    };
    let value = parse_i64(number).filter(|n| *n >= 0).ok_or(REFUSAL)?;
    match u8::try_from(value) {
        // Redis keeps no difference between nothing and none of it.
        Ok(0) => Ok(Value::Memory(0)),
        Ok(percent @ 1..=100) => Ok(Value::Percent(percent)),
        _ => Err("percentage argument must be less or equal to 100".into()),
    }
}

fn parse_octal(word: &[u8], max: u32) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(word).ok().filter(|t| !t.starts_with('+'));
    let value =
        text.and_then(|t| u32::from_str_radix(t, 8).ok()).ok_or("argument couldn't be parsed as an octal number")?;
    if value > max {
        return Err(format!("argument must be between 0 and {max:o} inclusive").into());
    }
    Ok(Value::Octal(value))
}

/// Finds a word in a list, without regard to case.
fn parse_word(word: &[u8], words: &'static [&'static str]) -> Result<(usize, &'static str), Refusal> {
    let found = words.iter().enumerate().find(|(_, w)| word.eq_ignore_ascii_case(w.as_bytes()));
    match found {
        Some((at, word)) => Ok((at, word)),
        None => Err(format!("argument(s) must be one of the following: {}", words.join(", ")).into()),
    }
}

fn check_text(word: &[u8], rule: TextRule) -> Result<(), Refusal> {
    match rule {
        TextRule::Any => Ok(()),
        TextRule::FileName { noun, may_be_empty } => check_file_name(word, noun, may_be_empty),
        TextRule::HostName => {
            if word.len() >= 256 {
                Err("Hostnames must be less than 256 characters".into())
            } else if word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'.') {
                Ok(())
            } else {
                Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into())
            }
        }
        // Sorting is by bytes, which is what these names mean.
        TextRule::Locale => match word {
            b"" | b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8" => Ok(()),
            _ => Err("Invalid locale name".into()),
        },
        TextRule::TitleTemplate => check_title_template(word),
        TextRule::Ipv4 => check_address::<Ipv4Addr>(word, "Invalid IPv4 address"),
        TextRule::Ipv6 => check_address::<Ipv6Addr>(word, "Invalid IPv6 address"),
    }
}

/// `noun` is the option's name and, after a blank, what its messages call it.
fn check_file_name(word: &[u8], noun: &'static str, may_be_empty: bool) -> Result<(), Refusal> {
    let (name, what) = noun.split_once(' ').expect("a file name rule has a name and a noun");
    if word.is_empty() && !may_be_empty {
        Err(format!("{name} can't be empty").into())
    } else if word.contains(&b'/') {
        Err(format!("{name} can't be a path, just a {what}").into())
    } else {
        Ok(())
    }
}

fn check_title_template(word: &[u8]) -> Result<(), Refusal> {
    const VARIABLES: [&str; 7] =
        ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];
    const REFUSAL: &str = "template format is invalid or contains unknown variables";
    let text = String::from_utf8_lossy(word);
    let mut rest = text.as_ref();
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        let close = after.find('}').ok_or(REFUSAL)?;
        if !VARIABLES.contains(&&after[..close]) {
            return Err(REFUSAL.into());
        }
        rest = &after[close + 1..];
    }
    Ok(())
}

fn check_address<T: std::str::FromStr>(word: &[u8], refusal: &'static str) -> Result<(), Refusal> {
    let valid = std::str::from_utf8(word).is_ok_and(|t| t.is_empty() || t.parse::<T>().is_ok());
    if valid { Ok(()) } else { Err(refusal.into()) }
}

/// A number as C's `strtoll` reads it, for the two places where Redis is that lenient: nothing is zero.
fn lenient_integer(word: &[u8]) -> Option<i64> {
    if word.is_empty() { Some(0) } else { std::str::from_utf8(word).ok()?.trim_start().parse().ok() }
}

fn parse_save(words: &[&[u8]]) -> Result<Vec<SavePoint>, Refusal> {
    const REFUSAL: &str = "Invalid save parameters";
    if !words.len().is_multiple_of(2) {
        return Err(REFUSAL.into());
    }
    let point = |pair: &[&[u8]]| {
        let seconds = lenient_integer(pair[0]).filter(|n| *n >= 1)?;
        let changes = lenient_integer(pair[1]).filter(|n| *n >= 0)?;
        Some(SavePoint { seconds: seconds.unsigned_abs(), changes: u32::try_from(changes).ok()? })
    };
    words.chunks(2).map(|pair| point(pair).ok_or(REFUSAL.into())).collect()
}

fn parse_buffer_limits(words: &[&[u8]], old: &Value) -> Result<Value, Refusal> {
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let Value::BufferLimits(mut limits) = *old else {
        unreachable!("the value of an option is of its kind");
    };
    for group in words.chunks(4) {
        let class = match group[0].to_ascii_lowercase().as_slice() {
            b"replica" => Some(1),
            name => BUFFER_CLASSES.iter().position(|class| class.as_bytes() == name),
        };
        let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let limit = (|| {
            let seconds = lenient_integer(group[3])?;
            let (hard, soft) = (bytes(group[1])?, bytes(group[2])?);
            Some(BufferLimit { hard, soft, soft_seconds: u32::try_from(seconds).ok()? })
        })();
        limits[class] = limit.ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
    }
    Ok(Value::BufferLimits(limits))
}

fn parse_oom_scores(words: &[&[u8]]) -> Result<Value, Refusal> {
    let [_, _, _] = words else {
        return Err(WRONG_NUMBER.into());
    };
    let mut scores = [0; 3];
    for (score, word) in scores.iter_mut().zip(words) {
        *score = lenient_integer(word)
            .and_then(|n| i32::try_from(n).ok())
            .filter(|n| (-2000..=2000).contains(n))
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
    }
    Ok(Value::OomScores(scores))
}

fn parse_bind(words: &[&[u8]]) -> Result<Value, Refusal> {
    if words.len() > BIND_ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    let addresses = words.iter().filter(|word| !word.is_empty());
    Ok(Value::List(addresses.map(|word| word.to_vec()).collect()))
}

fn parse_percentiles(words: &[&[u8]]) -> Result<Value, Refusal> {
    const NAME: &str = "latency-tracking-info-percentiles";
    let mut list = Vec::with_capacity(words.len());
    for word in words {
        let value: f64 = std::str::from_utf8(word)
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|value: &f64| !value.is_nan())
            .ok_or_else(|| format!("Invalid {NAME} parameters"))?;
        if !(0.0..=100.0).contains(&value) {
            return Err(format!("{NAME} parameters should sit between [0.0,100.0]").into());
        }
        list.push(value);
    }
    Ok(Value::Percentiles(list))
}

fn parse_shutdown_options(words: &[&[u8]]) -> Result<Value, Refusal> {
    let mut set = 0;
    for word in words {
        if word.eq_ignore_ascii_case(b"default") {
            continue;
        }
        let at = SHUTDOWN_WORDS.iter().position(|w| word.eq_ignore_ascii_case(w.as_bytes()));
        set |= 1 << at.ok_or_else(shutdown_refusal)?;
    }
    if words.is_empty() {
        return Err(shutdown_refusal());
    }
    if set & 0b11 == 0b11 {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::ShutdownOptions(set))
}

fn shutdown_refusal() -> Refusal {
    format!("argument(s) must be one of the following: default, {}", SHUTDOWN_WORDS.join(", ")).into()
}

fn parse_replicaof(words: &[&[u8]]) -> Result<Value, Refusal> {
    let [host, port] = words else {
        return Err(WRONG_NUMBER.into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::ReplicaOf(None));
    }
    let port = lenient_integer(port).and_then(|n| u16::try_from(n).ok()).ok_or("Invalid master port")?;
    Ok(Value::ReplicaOf(Some((host.to_vec(), port))))
}

/// The directory as an absolute path, for the server may be started from anywhere.
fn parse_directory(path: &[u8]) -> Result<Value, Refusal> {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let absolute = path.canonicalize().map_err(|error| os_text(&error))?;
    if !absolute.is_dir() {
        return Err("Not a directory".into());
    }
    Ok(Value::Text(absolute.into_os_string().into_vec()))
}

/// The text of an error of the operating system, without the number that Rust adds to it.
pub(crate) fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
