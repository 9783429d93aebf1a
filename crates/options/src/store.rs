//! The values of a running server.
//!
//! `Options` holds one value per option of the table, and the targets of those that are read while the server runs,
//! which always have the same values. Before the server runs, `file` and `cli` set values without regard to who may
//! change them; afterwards `config_set` is the only door, and it is atomic: either every pair is set and acted upon, or
//! nothing changed.
//!
//! The lock of the values is held for moments only, so `Actor` may read options. Changes themselves take turns, for a
//! rollback must not undo the change of somebody else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::parse::{Refusal, initial, parse};
use crate::setting::Permission;
use crate::spec::{Access, Action};
use crate::table::{Found, Tunables, lookup, table};
use crate::users::is_the_default_user;
use crate::value::{SavePoint, Value};

/// Who does what new values of some options ask for.
pub trait Actor {
    /// Does what a new value asks for. On failure nothing must have changed.
    ///
    /// # Errors
    /// The reason in the words that the client is to see.
    fn act(&self, action: Action, new: &Value) -> Result<(), String>;

    /// True if the client that asks is on this machine, which matters where an option says `local`.
    fn is_local_client(&self) -> bool {
        false
    }
}

/// A command with another name, or with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedCommand {
    pub command: Vec<u8>,
    /// Empty if the command is to be removed.
    pub name: Vec<u8>,
}

/// The values of all options, shared by all threads.
#[derive(Debug)]
pub struct Options {
    values: RwLock<Vec<Value>>,
    tunables: Arc<Tunables>,
    start: RwLock<Start>,
    changing: Mutex<()>,
}

/// What the start of the server leaves behind besides values.
#[derive(Debug, Default)]
struct Start {
    config_file: Option<PathBuf>,
    renamed_commands: Vec<RenamedCommand>,
    users: Vec<Vec<Vec<u8>>>,
    /// Directives that neither Redis nor we know an effect of.
    retired: Vec<String>,
    /// The first `save` replaces the default points, later ones add to it.
    save_seen: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// All options with their defaults.
    #[must_use]
    pub fn new() -> Options {
        Options {
            values: RwLock::new(table().iter().map(|spec| initial(spec)).collect()),
            tunables: Arc::default(),
            start: RwLock::new(Start::default()),
            changing: Mutex::new(()),
        }
    }

    /// The values that are read while the server runs.
    #[must_use]
    pub fn tunables(&self) -> &Arc<Tunables> {
        &self.tunables
    }

    /// The value of an option.
    ///
    /// # Panics
    /// If there is no such option: names in code are those of the table.
    #[must_use]
    pub fn get(&self, name: &str) -> Value {
        let found = lookup(name.as_bytes());
        let found = found.unwrap_or_else(|| panic!("the table has no option {name}"));
        self.values()[found.at].clone()
    }

    /// # Panics
    /// As all typed getters: if the option is not of this kind.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Bool(value) => value,
            other => wrong_kind(name, "bool", &other),
        }
    }

    /// The value of a signed or unsigned integer, or of file permissions.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Value::Int(value) => value,
            Value::UInt(value) => i64::try_from(value).unwrap_or(i64::MAX),
            Value::Octal(value) => i64::from(value),
            other => wrong_kind(name, "int", &other),
        }
    }

    /// Bytes.
    #[must_use]
    pub fn memory(&self, name: &str) -> u64 {
        match self.get(name) {
            Value::Memory(value) => value,
            other => wrong_kind(name, "memory", &other),
        }
    }

    /// The value of any option as `CONFIG GET` shows it; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.bytes(name)).into_owned()
    }

    /// The value of any option as `CONFIG GET` shows it.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.get(name).text()
    }

    /// The word that an option of words has, as it is declared.
    #[must_use]
    pub fn word(&self, name: &str) -> &'static str {
        match self.get(name) {
            Value::Enum(_, word) => word,
            other => wrong_kind(name, "word", &other),
        }
    }

    /// The addresses of `bind`.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Value::List(items) => items.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect(),
            other => wrong_kind(name, "list", &other),
        }
    }

    /// The points of `save`.
    #[must_use]
    pub fn save_points(&self) -> Vec<SavePoint> {
        match self.get("save") {
            Value::Save(points) => points,
            other => wrong_kind("save", "save points", &other),
        }
    }

    /// The file that was read at start, if any, as an absolute path.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        self.start().config_file.clone()
    }

    /// The commands that `rename-command` gave other names, in order.
    #[must_use]
    pub fn renamed_commands(&self) -> Vec<RenamedCommand> {
        self.start().renamed_commands.clone()
    }

    /// The arguments of each `user` directive, in order.
    #[must_use]
    pub fn users(&self) -> Vec<Vec<Vec<u8>>> {
        self.start().users.clone()
    }

    /// `CONFIG GET`: the names and values that match any of the patterns, once each, in the table's order.
    #[must_use]
    pub fn config_get(&self, patterns: &[&[u8]]) -> Vec<(&'static str, Vec<u8>)> {
        let values = self.values();
        let mut found = Vec::new();
        for (spec, value) in table().iter().zip(values.iter()) {
            for name in std::iter::once(&spec.name).chain(spec.aliases) {
                let matches = |pattern: &&[u8]| {
                    if base::glob::literal(pattern) || spec.hidden {
                        base::text::eq_ignore_case(pattern, name.as_bytes())
                    } else {
                        base::glob::glob_match(pattern, name.as_bytes(), true)
                    }
                };
                if patterns.iter().any(matches) {
                    found.push((*name, value.text()));
                }
            }
        }
        found
    }

    /// `CONFIG SET`: sets all pairs, or none. Returns lines for the log about new values that have no effect.
    ///
    /// # Errors
    /// Redis' error text, without the word `ERR`.
    pub fn config_set(&self, pairs: &[(&[u8], &[u8])], actor: &dyn Actor) -> Result<Vec<String>, String> {
        let _turn = self.turn();
        let found = self.settable(pairs, actor)?;
        let mut changes: Vec<(Found, Value, Value)> = Vec::with_capacity(pairs.len());
        for (found, (_, word)) in found.into_iter().zip(pairs) {
            // A name and its alias may both be given; the second then starts from what the first set.
            let earlier = changes.iter().rev().find(|(other, ..)| other.at == found.at);
            let old = earlier.map_or_else(|| self.values()[found.at].clone(), |(_, _, new)| new.clone());
            let new = parse(found.spec, &[word], &old).map_err(|why| failure(found.name, &why))?;
            if new != old {
                if let Some(why) = found.spec.refusal(&new) {
                    return Err(failure(found.name, &why));
                }
                changes.push((found, old, new));
            }
        }
        for (found, _, new) in &changes {
            self.put(found.at, new.clone());
        }
        for (at, (found, _, new)) in changes.iter().enumerate() {
            if let Some(action) = found.spec.action
                && let Err(why) = actor.act(action, new)
            {
                self.roll_back(&changes, at, actor);
                return Err(failure(found.name, &why));
            }
        }
        // Only now: readers never see a value that is taken back.
        for (found, _, new) in &changes {
            found.spec.publish(&self.tunables, new);
        }
        Ok(changes.iter().filter_map(|(found, _, new)| found.spec.warning(new)).collect())
    }

    /// Finds the options of all pairs, and checks that they may be set.
    fn settable(&self, pairs: &[(&[u8], &[u8])], actor: &dyn Actor) -> Result<Vec<Found>, String> {
        let mut list: Vec<Found> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            let found = lookup(name).ok_or_else(|| {
                let name = String::from_utf8_lossy(name);
                format!("Unknown option or number of arguments for CONFIG SET - '{name}'")
            })?;
            match found.spec.access {
                Access::Immutable => return Err(failure(found.name, "can't set immutable config")),
                Access::ImmutableHere if !self.is_now(&found, value) => {
                    return Err(failure(found.name, "can't set immutable config"));
                }
                Access::Protected if !self.protected_allowed(actor) => {
                    return Err(failure(found.name, "can't set protected config"));
                }
                Access::Mutable | Access::ImmutableHere | Access::Protected => {}
            }
            if list.iter().any(|other| other.name == found.name) {
                return Err(failure(found.name, "duplicate parameter"));
            }
            list.push(found);
        }
        Ok(list)
    }

    /// Whether this text means the value that the option has.
    fn is_now(&self, found: &Found, text: &[u8]) -> bool {
        let now = self.values()[found.at].clone();
        parse(found.spec, &[text], &now).is_ok_and(|value| value == now)
    }

    fn protected_allowed(&self, actor: &dyn Actor) -> bool {
        match self.tunables.general.enable_protected_configs.get() {
            Permission::Yes => true,
            Permission::Local => actor.is_local_client(),
            Permission::No => false,
        }
    }

    /// Restores all values, and undoes the actions of those before `failed`. A failure to go back leaves nothing better
    /// to do than to go on.
    fn roll_back(&self, changes: &[(Found, Value, Value)], failed: usize, actor: &dyn Actor) {
        for (found, old, _) in changes.iter().rev() {
            self.put(found.at, old.clone());
        }
        for (found, old, _) in changes[..failed].iter().rev() {
            if let Some(action) = found.spec.action {
                let _ = actor.act(action, old);
            }
        }
    }

    /// Acts on all values, at the start of the server.
    ///
    /// # Errors
    /// The name of the first option that is refused, and why.
    pub fn act_all(&self, actor: &dyn Actor) -> Result<(), (&'static str, String)> {
        for (at, spec) in table().iter().enumerate() {
            if let Some(action) = spec.action {
                let value = self.values()[at].clone();
                actor.act(action, &value).map_err(|why| (spec.name, why))?;
            }
        }
        Ok(())
    }

    /// What is to be said at start: lines for the log about options that are set and have no effect.
    ///
    /// # Errors
    /// An option asks for something that others rely on, and that is missing: why the server does not start, in a line.
    pub fn check(&self) -> Result<Vec<String>, String> {
        let mut warnings = self.start().retired.clone();
        for (spec, value) in table().iter().zip(self.values().iter()) {
            if let Some(why) = spec.refusal(value) {
                return Err(format!("Refusing to start with option {}: {why}", spec.name));
            }
            warnings.extend(spec.warning(value));
        }
        let password = self.bytes("requirepass");
        if let Some(user) = self.users().iter().find(|words| !is_the_default_user(words, &password)) {
            let name = user.first().map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
            return Err(format!("Refusing to start with user {name}: it cannot be kept yet; missing: ACL users"));
        }
        Ok(warnings)
    }

    /// Sets a value that the server itself determined, such as the port that the kernel chose.
    ///
    /// # Errors
    /// The reason why the value is refused.
    ///
    /// # Panics
    /// If there is no such option.
    pub fn set_from_server(&self, name: &str, text: &[u8]) -> Result<(), String> {
        let found = lookup(name.as_bytes());
        let found = found.unwrap_or_else(|| panic!("the table has no option {name}"));
        self.set_at_start(found, &[text]).map_err(|why| why.into_owned())
    }

    /// Sets a value from the file or the command line.
    pub(crate) fn set_at_start(&self, found: Found, words: &[&[u8]]) -> Result<(), Refusal> {
        let _turn = self.turn();
        let words: &[&[u8]] = if words.is_empty() && found.spec.kind.takes_many() { &[b""] } else { words };
        let old = self.values()[found.at].clone();
        let mut new = parse(found.spec, words, &old)?;
        if let (Value::Save(old), Value::Save(points)) = (&old, &mut new) {
            let seen = std::mem::replace(&mut self.start_mut().save_seen, true);
            if seen && !points.is_empty() {
                *points = [old.as_slice(), points].concat();
            }
        }
        found.spec.publish(&self.tunables, &new);
        self.put(found.at, new);
        Ok(())
    }

    pub(crate) fn retired_directive(&self, name: &str) {
        self.start_mut().retired.push(format!("Directive {name} has no effect any more"));
    }

    pub(crate) fn rename_command(&self, command: &[u8], name: &[u8]) {
        let renamed = RenamedCommand { command: command.to_vec(), name: name.to_vec() };
        self.start_mut().renamed_commands.push(renamed);
    }

    pub(crate) fn add_user(&self, words: Vec<Vec<u8>>) {
        self.start_mut().users.push(words);
    }

    pub(crate) fn set_config_file(&self, path: &Path) {
        self.start_mut().config_file = Some(path.to_owned());
    }

    fn put(&self, at: usize, value: Value) {
        debug_assert!(value.fits(&table()[at].kind), "{} is of its kind", table()[at].name);
        self.values_mut()[at] = value;
    }

    // No lock is held while foreign code runs, so a poisoned one still guards a whole value.

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn values(&self) -> RwLockReadGuard<'_, Vec<Value>> {
        self.values.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn values_mut(&self) -> RwLockWriteGuard<'_, Vec<Value>> {
        self.values.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> RwLockReadGuard<'_, Start> {
        self.start.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_mut(&self) -> RwLockWriteGuard<'_, Start> {
        self.start.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure(name: &str, why: &str) -> String {
    format!("CONFIG SET failed (possibly related to argument '{name}') - {why}")
}

fn wrong_kind(name: &str, asked: &str, value: &Value) -> ! {
    panic!("option {name} is asked for as {asked}, but is {value:?}")
}
