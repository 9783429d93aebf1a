//! Runs a script on a server, in one protocol.
//!
//! A control connection, always RESP2, empties the keyspace before each case, sets what `config:`
//! asks for and puts it back, and reads journal and events. A step that fails ends its case, since
//! what follows would only be noise; the next case starts anew.

mod effects;

use crate::client::{Client, Protocol, REPLY_TIMEOUT, ReadError};
use crate::pattern::{self, Variables, matches};
use crate::script::{Action, Case, Expect, Repeat, Script, Step};
use crate::text::Token;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long `eventually>` and the wait for a blocked client go on.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the update mode waits before it calls a command without an expectation blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(400);
/// The pause between two looks at a server that is not there yet.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Which server a script runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Russet,
    Redis,
    Valkey,
}

/// What running a script came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub passed: usize,
    pub skipped: usize,
    pub failures: Vec<Failure>,
}

/// A case that failed, and where.
#[derive(Debug)]
pub struct Failure {
    /// `path:line` of the step.
    pub place: String,
    pub case: String,
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: in \"{}\"\n{}", self.place, self.case, self.message)
    }
}

/// What the server did in a step, kept for the update mode.
#[derive(Clone, Debug)]
pub enum Seen {
    Value(Value),
    Blocked,
    Closed,
    Events(Vec<String>),
}

impl Seen {
    /// The lines in the notation of the scripts.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Seen::Value(value) => pattern::print(value),
            Seen::Blocked => vec!["(blocked)".into()],
            Seen::Closed => vec!["(closed)".into()],
            Seen::Events(rows) if rows.is_empty() => vec!["(none)".into()],
            Seen::Events(rows) => rows.clone(),
        }
    }
}

/// What was seen, by the line of the step.
pub type Recorded = BTreeMap<usize, Seen>;

/// Asks a server what it is.
pub fn detect(addr: SocketAddr) -> Result<Target, String> {
    let mut control = Client::connect(addr, Protocol::Resp2)?;
    let info = match control.call(&["INFO", "server"])? {
        Value::Bulk(text) => String::from_utf8_lossy(&text).into_owned(),
        other => return Err(format!("INFO answered {}", pattern::print_one_line(&other))),
    };
    Ok(if info.contains("russet_version:") {
        Target::Russet
    } else if info.contains("valkey_version:") {
        Target::Valkey
    } else {
        Target::Redis
    })
}

/// Runs all cases that apply to this server and protocol.
pub fn run(addr: SocketAddr, script: &Script, protocol: Protocol, target: Target) -> Outcome {
    run_all(addr, script, protocol, target, None)
}

/// Runs all cases and keeps what the server answers instead of failing on a difference.
pub fn record(addr: SocketAddr, script: &Script, protocol: Protocol, target: Target) -> (Recorded, Outcome) {
    let mut recorded = Recorded::new();
    let outcome = run_all(addr, script, protocol, target, Some(&mut recorded));
    (recorded, outcome)
}

fn run_all(
    addr: SocketAddr,
    script: &Script,
    protocol: Protocol,
    target: Target,
    mut recorded: Option<&mut Recorded>,
) -> Outcome {
    let mut outcome = Outcome::default();
    for case in &script.cases {
        if !applies(case, protocol, target) || (target == Target::Russet && !has_needed_command(addr, case)) {
            outcome.skipped += 1;
            continue;
        }
        let result = variants(case)
            .into_iter()
            .try_for_each(|configs| run_case(addr, case, protocol, target, &configs, recorded.as_deref_mut()));
        match result {
            Ok(()) => outcome.passed += 1,
            Err((line, message)) => outcome.failures.push(Failure {
                place: format!("{}:{line}", script.path.display()),
                case: case.name.clone(),
                message,
            }),
        }
    }
    outcome
}

/// On Redis everything runs but the cases for Valkey, on Valkey those only: where the two differ,
/// Redis is what we follow.
fn applies(case: &Case, protocol: Protocol, target: Target) -> bool {
    let conditions = &case.conditions;
    let side = conditions.only_russet.as_ref().map(|(russet, _)| *russet);
    side.is_none_or(|russet| russet == (target == Target::Russet))
        && conditions.protocol.is_none_or(|wanted| wanted == protocol)
        && (target == Target::Russet || conditions.requires_valkey == (target == Target::Valkey))
}

/// Whether the server has the command that the case needs. When asking fails, the case runs and tells why.
fn has_needed_command(addr: SocketAddr, case: &Case) -> bool {
    let Some(command) = &case.conditions.needs else { return true };
    let Ok(mut client) = Client::connect(addr, Protocol::Resp2) else { return true };
    let unknown = |reply: &Value| matches!(reply, Value::Array(rows) if matches!(rows.as_slice(), [Value::Null(_)]));
    !client.call(&["COMMAND", "INFO", command.as_str()]).is_ok_and(|reply| unknown(&reply))
}

/// Every combination of the values of `config:`.
fn variants(case: &Case) -> Vec<Vec<(&str, &str)>> {
    let mut all = vec![Vec::new()];
    for (name, values) in &case.conditions.configs {
        all = all
            .into_iter()
            .flat_map(|chosen: Vec<(&str, &str)>| {
                values.iter().map(move |value| {
                    let mut chosen = chosen.clone();
                    chosen.push((name, value));
                    chosen
                })
            })
            .collect();
    }
    all
}

fn run_case(
    addr: SocketAddr,
    case: &Case,
    protocol: Protocol,
    target: Target,
    configs: &[(&str, &str)],
    recorded: Option<&mut Recorded>,
) -> Result<(), (usize, String)> {
    let at_head = |message: String| (case.line, message);
    let control = Client::connect(addr, Protocol::Resp2).map_err(at_head)?;
    let mut run = CaseRun {
        addr,
        protocol,
        target,
        control,
        clients: HashMap::new(),
        vars: Variables::new(),
        subscriber: None,
        replica: None,
        replica_db: 0,
        sentinels: 0,
        may_block: false,
        recorded,
    };
    let mut restore = Vec::new();
    run.begin(case, configs, &mut restore).map_err(at_head)?;
    let mut result = Ok(());
    for step in &case.steps {
        if let Err(message) = run.step(step) {
            let variant: Vec<String> = configs.iter().map(|(n, v)| format!("{n} {v}")).collect();
            let suffix = if variant.is_empty() { String::new() } else { format!(", {}", variant.join(", ")) };
            result = Err((step.line, format!("  on {target:?}, {protocol:?}{suffix}\n{message}")));
            break;
        }
    }
    // A case that failed keeps its own message, whatever the cleaning up says.
    let ended = run.end(&restore).map_err(at_head);
    result.and(ended)
}

struct CaseRun<'r> {
    addr: SocketAddr,
    protocol: Protocol,
    target: Target,
    control: Client,
    clients: HashMap<String, Client>,
    vars: Variables,
    /// Receives the keyspace events on a reference server.
    subscriber: Option<Client>,
    /// Receives the journal of a reference server, and the database it is in.
    replica: Option<Client>,
    replica_db: i64,
    /// Messages of our own that were published so far.
    sentinels: u64,
    /// Whether a client may still be blocked at the end of the case.
    may_block: bool,
    recorded: Option<&'r mut Recorded>,
}

impl CaseRun<'_> {
    fn begin(
        &mut self,
        case: &Case,
        configs: &[(&str, &str)],
        restore: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<(), String> {
        self.control_ok(&[b"FLUSHALL"])?;
        for (name, value) in configs {
            self.set_config(name, value.as_bytes(), restore)?;
        }
        let journal = case.steps.iter().any(|step| matches!(step.action, Action::Journal(_)));
        let events = case.steps.iter().any(|step| matches!(step.action, Action::Events(_)));
        if journal {
            self.start_journal(restore)?;
        }
        if events {
            self.start_events(restore)?;
        }
        Ok(())
    }

    fn end(&mut self, restore: &[(String, Vec<u8>)]) -> Result<(), String> {
        for (_, client) in self.clients.drain() {
            client.close(REPLY_TIMEOUT);
        }
        self.subscriber = None;
        self.replica = None;
        for (name, value) in restore {
            self.control_ok(&[b"CONFIG", b"SET", name.as_bytes(), value])?;
        }
        if self.may_block {
            // The next case counts blocked clients, so those of this one have to be gone.
            let deadline = Instant::now() + PATIENCE;
            while self.blocked_clients()? > 0 && Instant::now() < deadline {
                std::thread::sleep(POLL_INTERVAL);
            }
        }
        Ok(())
    }

    fn control_ok(&mut self, args: &[&[u8]]) -> Result<(), String> {
        match self.control.call(args)? {
            Value::Simple(_) => Ok(()),
            other => {
                let command = args.join(&b' ').escape_ascii().to_string();
                Err(format!("  {command} answered {}", pattern::print_one_line(&other)))
            }
        }
    }

    fn set_config(&mut self, name: &str, value: &[u8], restore: &mut Vec<(String, Vec<u8>)>) -> Result<(), String> {
        match self.control.call(&["CONFIG", "GET", name])? {
            Value::Array(pair) if pair.len() == 2 => match &pair[1] {
                Value::Bulk(old) => restore.push((name.into(), old.clone())),
                other => return Err(format!("  CONFIG GET {name} answered {other:?}")),
            },
            other => {
                return Err(format!("  CONFIG GET {name} answered {}", pattern::print_one_line(&other)));
            }
        }
        self.control_ok(&[b"CONFIG", b"SET", name.as_bytes(), value])
    }

    fn blocked_clients(&mut self) -> Result<u64, String> {
        let Value::Bulk(info) = self.control.call(&["INFO", "clients"])? else {
            return Err("  INFO clients gave no text".into());
        };
        let info = String::from_utf8_lossy(&info).into_owned();
        info.lines()
            .find_map(|line| line.strip_prefix("blocked_clients:"))
            .and_then(|count| count.trim().parse().ok())
            .ok_or_else(|| "  INFO clients has no blocked_clients".into())
    }

    fn client(&mut self, name: &str) -> Result<&mut Client, String> {
        if !self.clients.contains_key(name) {
            let client = Client::connect(self.addr, self.protocol)?;
            self.clients.insert(name.into(), client);
        }
        Ok(self.clients.get_mut(name).expect("the client was just inserted"))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Journal(rows) => self.check_journal(step, rows),
            Action::Events(rows) => self.check_events(step, rows),
            Action::Read { connection } => self.read_and_judge(step, connection, &[]),
            Action::Raw { connection, bytes } => {
                self.client(connection)?.send_raw(bytes)?;
                self.read_and_judge(step, connection, &[])
            }
            Action::Send { connection, args, repeat } => self.send(step, connection, args, *repeat),
        }
    }

    fn send(&mut self, step: &Step, connection: &str, args: &[Token], repeat: Repeat) -> Result<(), String> {
        if let Repeat::Each(from, to) = repeat {
            for number in from..to {
                let args = self.arguments(args, Some(number));
                let reply = self.client(connection)?.call(&args)?;
                if matches!(reply, Value::Error(_)) {
                    return Err(format!("  for {number}: {}", pattern::print_one_line(&reply)));
                }
            }
        }
        let last = match repeat {
            Repeat::Each(_, to) => Some(to),
            _ => None,
        };
        let args = self.arguments(args, last);
        let blocks = matches!(step.expectation(self.protocol, self.target), Some(Expect::Blocked));
        let before = if blocks { self.blocked_clients()? } else { 0 };
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.client(connection)?.send(&args)?;
            if blocks {
                return self.wait_until_blocked(step, before);
            }
            let result = self.read_and_judge(step, connection, &args);
            if result.is_ok() || repeat != Repeat::Eventually || Instant::now() >= deadline {
                return result;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Replaces `$name` by what was captured and `{}` by the number of `each`.
    fn arguments(&self, args: &[Token], number: Option<i64>) -> Vec<Vec<u8>> {
        let replace = |token: &Token| {
            let name = token.bytes.strip_prefix(b"$").filter(|_| !token.quoted);
            let captured = name.and_then(|name| std::str::from_utf8(name).ok()).and_then(|name| self.vars.get(name));
            match (captured, number) {
                (Some(value), _) => value.clone(),
                (None, Some(number)) => match std::str::from_utf8(&token.bytes) {
                    Ok(text) => text.replace("{}", &number.to_string()).into_bytes(),
                    Err(_) => token.bytes.clone(),
                },
                (None, None) => token.bytes.clone(),
            }
        };
        args.iter().map(replace).collect()
    }

    fn wait_until_blocked(&mut self, step: &Step, before: u64) -> Result<(), String> {
        self.may_block = true;
        self.record(step, Seen::Blocked);
        let deadline = Instant::now() + PATIENCE;
        while self.blocked_clients()? <= before {
            if Instant::now() >= deadline {
                return Err("  expected: (blocked)\n  got: blocked_clients did not grow".into());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn record(&mut self, step: &Step, seen: Seen) {
        if let Some(recorded) = &mut self.recorded {
            recorded.insert(step.line, seen);
        }
    }

    fn read_and_judge(&mut self, step: &Step, connection: &str, args: &[Vec<u8>]) -> Result<(), String> {
        let expect = step.expectation(self.protocol, self.target);
        if matches!(expect, Some(Expect::Nothing)) {
            return Ok(());
        }
        let recording = self.recorded.is_some();
        if expect.is_none() && !recording {
            return Err("  no reply is written down for this server and protocol".into());
        }
        let timeout = if expect.is_none() { BLOCKED_AFTER } else { REPLY_TIMEOUT };
        let client = self.client(connection)?;
        let (seen, protocol) = match client.read(timeout) {
            Ok(value) => {
                client.note_command(args, &value);
                (Seen::Value(value), client.protocol)
            }
            Err(ReadError::Closed) => (Seen::Closed, client.protocol),
            Err(ReadError::Timeout) if expect.is_none() => {
                self.may_block = true;
                (Seen::Blocked, self.protocol)
            }
            Err(error) => return Err(format!("  {error}")),
        };
        self.record(step, seen.clone());
        let fits = match (expect, &seen) {
            (Some(Expect::Value(wanted)), Seen::Value(value)) => matches(wanted, value, protocol, &mut self.vars),
            (Some(Expect::Closed), Seen::Closed) => true,
            _ => false,
        };
        // While recording, a difference is what the update mode is there for; only a command that
        // waits for its answer with `eventually>` still has to see it.
        let waits = matches!(step.action, Action::Send { repeat: Repeat::Eventually, .. });
        if fits || (recording && !(waits && expect.is_some())) {
            return Ok(());
        }
        let written = step.branch(self.protocol, self.target);
        let written = written.map(|branch| branch.text.clone()).unwrap_or_default();
        Err(effects::difference(&written, &seen.lines()))
    }
}

#[cfg(test)]
mod tests;
