//! A spec script, parsed: cases of steps, each with what is expected.
//!
//! Parsing keeps line numbers and the range of lines of every expectation, because the failure
//! output points at them and the update mode ([`crate::bless`]) replaces them.

use crate::client::Protocol;
use crate::pattern::{self, Pattern};
use crate::run::Target;
use crate::text::{Token, split_args};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file of cases.
#[derive(Debug)]
pub struct Script {
    pub path: PathBuf,
    pub lines: Vec<String>,
    pub cases: Vec<Case>,
}

/// One case: it begins with an empty keyspace and new connections.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// Counted from 1, as editors do.
    pub line: usize,
    pub conditions: Conditions,
    pub steps: Vec<Step>,
}

/// Where a case applies, from the directives of the file and of the case.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// `only:` russet (`true`) or the reference, with the reason for the difference.
    pub only_russet: Option<(bool, String)>,
    pub requires_valkey: bool,
    /// `needs: NAME`: skipped on Russet until it has this command; a reference always has it.
    pub needs: Option<String>,
    pub protocol: Option<Protocol>,
    /// `config: name value | value`: the case runs once for each combination.
    pub configs: Vec<(String, Vec<String>)>,
}

/// One thing the script does.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    pub action: Action,
    pub branches: Vec<Branch>,
    /// The lines of the expectation, counted from 0.
    pub block: Range<usize>,
}

#[derive(Debug)]
pub enum Action {
    Send {
        connection: String,
        args: Vec<Token>,
        repeat: Repeat,
    },
    /// Bytes as they are, for the protocol itself.
    Raw {
        connection: String,
        bytes: Vec<u8>,
    },
    /// Waits for the next reply or push message on a connection.
    Read {
        connection: String,
    },
    /// The effects logged since the last look, one command a line.
    Journal(Vec<String>),
    /// The keyspace events since the last look, `event key` a line.
    Events(Vec<String>),
}

/// How often a command is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// Until the reply is the expected one, for what happens in its own time.
    Eventually,
    /// For each number, which replaces `{}` in the arguments; the last reply counts.
    Each(i64, i64),
}

/// An expectation and where it holds.
#[derive(Debug)]
pub struct Branch {
    pub protocol: Option<Protocol>,
    /// `russet:` (`true`) or `reference:`.
    pub russet: Option<bool>,
    pub expect: Expect,
    /// The expectation as it is written, for messages.
    pub text: Vec<String>,
}

#[derive(Debug)]
pub enum Expect {
    Value(Pattern),
    /// No reply yet: the client blocks, and the server says so in INFO.
    Blocked,
    /// No reply at all.
    Nothing,
    /// The server closes the connection.
    Closed,
}

impl Script {
    /// Reads and parses a file.
    pub fn load(path: &Path) -> Result<Script, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Script::parse(path, &text)
    }

    /// Parses the text of a script; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Script, String> {
        let lines: Vec<String> = text.lines().map(String::from).collect();
        let mut parser = Parser { lines: &lines, at: 0, head: Conditions::default(), cases: Vec::new() };
        parser.file().map_err(|error| format!("{}:{}: {error}", path.display(), parser.at + 1))?;
        let cases = parser.cases;
        Ok(Script { path: path.to_path_buf(), lines, cases })
    }
}

impl Step {
    /// The expectation for this server and protocol: the last branch whose head fits, so that a
    /// special branch may follow a general one.
    pub fn branch(&self, protocol: Protocol, target: Target) -> Option<&Branch> {
        self.branches
            .iter()
            .filter(|branch| branch.protocol.is_none_or(|p| p == protocol))
            .rfind(|branch| branch.russet.is_none_or(|r| r == (target == Target::Russet)))
    }

    /// What [`Step::branch`] expects.
    pub fn expectation(&self, protocol: Protocol, target: Target) -> Option<&Expect> {
        self.branch(protocol, target).map(|branch| &branch.expect)
    }
}

struct Parser<'a> {
    lines: &'a [String],
    at: usize,
    head: Conditions,
    cases: Vec<Case>,
}

impl Parser<'_> {
    fn file(&mut self) -> Result<(), String> {
        while let Some(line) = self.lines.get(self.at) {
            let text = line.trim_end();
            if text.is_empty() || is_comment(text) {
                self.at += 1;
            } else if let Some(name) = text.strip_prefix("# ") {
                self.cases.push(Case {
                    name: name.into(),
                    line: self.at + 1,
                    conditions: self.head.clone(),
                    steps: Vec::new(),
                });
                self.at += 1;
            } else if let Some((connection, rest)) = prompt(text) {
                let action = action(connection, rest)?;
                self.step(action)?;
            } else if text == "journal:" || text == "events:" {
                self.block(text == "journal:")?;
            } else {
                self.directive(text)?;
                self.at += 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, step: Step) -> Result<(), String> {
        self.cases.last_mut().ok_or("a case begins with `# name`")?.steps.push(step);
        Ok(())
    }

    fn directive(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once(':').ok_or_else(|| format!("not understood: {text}"))?;
        let value = value.trim();
        let conditions = match self.cases.last_mut() {
            None => &mut self.head,
            Some(case) if case.steps.is_empty() => &mut case.conditions,
            Some(_) => return Err(format!("{name}: has to stand before the first command")),
        };
        match (name, value) {
            ("only", _) => {
                let (side, reason) = value.split_once(' ').ok_or("only: needs a reason")?;
                let russet = match side {
                    "russet" => true,
                    "reference" => false,
                    _ => return Err("only: russet or reference".into()),
                };
                conditions.only_russet = Some((russet, reason.into()));
            }
            ("needs", _) if !value.is_empty() => conditions.needs = Some(value.into()),
            ("requires", "valkey") => conditions.requires_valkey = true,
            ("protocol", "2") => conditions.protocol = Some(Protocol::Resp2),
            ("protocol", "3") => conditions.protocol = Some(Protocol::Resp3),
            ("config", _) => {
                let (option, values) = value.split_once(' ').ok_or("config: name value")?;
                let values = values.split('|').map(|v| v.trim().to_string()).collect();
                conditions.configs.push((option.into(), values));
            }
            _ => return Err(format!("not understood: {text}")),
        }
        Ok(())
    }

    fn block(&mut self, journal: bool) -> Result<(), String> {
        let line = self.at + 1;
        let block = self.take_block();
        let rows = self.lines[block.clone()].iter().map(|l| l.trim().to_string());
        let rows: Vec<String> = rows.filter(|row| row != "(none)").collect();
        let action = if journal { Action::Journal(rows) } else { Action::Events(rows) };
        self.add(Step { line, action, branches: Vec::new(), block })
    }

    fn step(&mut self, action: Action) -> Result<(), String> {
        let line = self.at + 1;
        let block = self.take_block();
        let mut branches = Vec::new();
        let mut start = block.start;
        let mut head = (None, None);
        let mut add = |head: (_, _), from: usize, to: usize| -> Result<(), String> {
            if from < to {
                let lines: Vec<&str> = self.lines[from..to].iter().map(String::as_str).collect();
                let expect = expectation(&lines)?;
                let text = self.lines[from..to].to_vec();
                branches.push(Branch { protocol: head.0, russet: head.1, expect, text });
            }
            Ok(())
        };
        for at in block.clone() {
            if let Some(next) = branch_head(&self.lines[at]) {
                add(head, start, at)?;
                head = next;
                start = at + 1;
            }
        }
        add(head, start, block.end)?;
        self.add(Step { line, action, branches, block })
    }

    /// Steps over the line at hand and the lines that belong to it.
    fn take_block(&mut self) -> Range<usize> {
        self.at += 1;
        let start = self.at;
        while let Some(line) = self.lines.get(self.at) {
            let text = line.trim_end();
            let ends = text.is_empty()
                || is_comment(text)
                || text.starts_with("# ")
                || text == "journal:"
                || text == "events:"
                || prompt(text).is_some();
            if ends {
                break;
            }
            self.at += 1;
        }
        start..self.at
    }
}

fn is_comment(text: &str) -> bool {
    text == "//" || text.starts_with("// ")
}

/// Splits `[name]` off a line if what follows looks like a prompt.
fn prompt(text: &str) -> Option<(&str, &str)> {
    let (connection, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            (name, rest.trim_start())
        }
        None => ("c1", text),
    };
    let is_prompt = rest == "<"
        || [">", "> ", "eventually> ", "raw> "].iter().any(|p| rest.starts_with(p))
        || (rest.starts_with("each ") && rest.contains("> "));
    is_prompt.then_some((connection, rest))
}

fn action(connection: &str, rest: &str) -> Result<Action, String> {
    let connection = connection.to_string();
    if rest == "<" {
        return Ok(Action::Read { connection });
    }
    let (mode, command) = rest.split_once('>').ok_or("a prompt ends with >")?;
    let args = split_args(command)?;
    if args.is_empty() {
        return Err("a command is missing".into());
    }
    if mode == "raw" {
        let bytes = args.into_iter().flat_map(|token| token.bytes).collect();
        return Ok(Action::Raw { connection, bytes });
    }
    let repeat = match mode.strip_prefix("each ") {
        _ if mode.is_empty() => Repeat::Once,
        _ if mode == "eventually" => Repeat::Eventually,
        Some(range) => {
            let (from, to) = range.split_once("..").ok_or("each FROM..TO>")?;
            let number = |text: &str| text.parse::<i64>().map_err(|e| format!("{text}: {e}"));
            Repeat::Each(number(from)?, number(to)?)
        }
        None => return Err(format!("not a prompt: {mode}>")),
    };
    Ok(Action::Send { connection, args, repeat })
}

/// Reads the head of a branch, such as `resp2:` or `russet resp3: the reason`.
fn branch_head(line: &str) -> Option<(Option<Protocol>, Option<bool>)> {
    let (words, _reason) = line.split_once(':')?;
    let mut head = (None, None);
    for word in words.split(' ') {
        match word {
            "resp2" => head.0 = Some(Protocol::Resp2),
            "resp3" => head.0 = Some(Protocol::Resp3),
            "russet" => head.1 = Some(true),
            "reference" => head.1 = Some(false),
            _ => return None,
        }
    }
    Some(head)
}

fn expectation(lines: &[&str]) -> Result<Expect, String> {
    Ok(match lines {
        ["(blocked)"] => Expect::Blocked,
        ["(nothing)"] => Expect::Nothing,
        ["(closed)"] => Expect::Closed,
        lines => Expect::Value(pattern::parse(lines)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Script, String> {
        Script::parse(Path::new("test.spec"), text)
    }

    #[test]
    fn a_script_is_cases_of_steps_with_their_lines() {
        let script = parse(
            "// Head.\nrequires: valkey\n\n# first\nprotocol: 3\nconfig: x 1 | 2\n> GET k\n(nil)\n\
             [c2]> HGETALL h\nresp2:\n(empty array)\nresp3:\n(empty map)\n\n# second\n[c2]<\n(closed)\n",
        )
        .unwrap();
        let [first, second] = &script.cases[..] else { panic!("{script:?}") };
        assert_eq!((first.name.as_str(), first.line, first.steps.len()), ("first", 4, 2));
        assert!(first.conditions.requires_valkey && second.conditions.requires_valkey);
        assert_eq!(first.conditions.protocol, Some(Protocol::Resp3));
        assert_eq!(first.conditions.configs, [("x".into(), vec!["1".into(), "2".into()])]);
        assert_eq!(first.steps[1].branches.len(), 2);
        assert_eq!(first.steps[1].block, 9..13);
        assert!(matches!(second.steps[0].action, Action::Read { .. }));
        assert!(matches!(second.steps[0].branches[0].expect, Expect::Closed));
    }

    #[test]
    fn the_last_branch_that_fits_counts() {
        let script = parse("# c\n> INFO\nany\nrusset: our own name\nOK\n").unwrap();
        let step = &script.cases[0].steps[0];
        let on = |target| step.expectation(Protocol::Resp2, target).unwrap();
        assert!(matches!(on(Target::Redis), Expect::Value(Pattern::Any(None))));
        assert!(matches!(on(Target::Russet), Expect::Value(Pattern::Simple(_))));
    }

    #[test]
    fn the_rows_of_journal_and_events_are_kept() {
        let script = parse("# c\n> SET k v\nOK\njournal:\nSET k v\nevents:\n(none)\n").unwrap();
        let steps = &script.cases[0].steps;
        assert!(matches!(&steps[1].action, Action::Journal(rows) if rows == &["SET k v"]));
        assert!(matches!(&steps[2].action, Action::Events(rows) if rows.is_empty()));
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        for (text, line) in [
            ("> GET k\n", 2),
            ("# c\n> GET k\nOK OK?\n", 4),
            ("# c\nonly: russet\n", 2),
            ("# c\n> GET k\n(nil)\nrequires: valkey\n", 4),
            ("# c\nwhat is this\n", 2),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("test.spec:"), "{error}");
            let reported: usize = error.split(':').nth(1).unwrap().parse().unwrap();
            assert!(reported.abs_diff(line) <= 1, "{error}, not near line {line}");
        }
    }
}
