//! All commands by name, with a dense number for each that statistics use as an index.

use crate::args::Args;
use crate::error::CommandError;
use crate::spec::CommandSpec;
use hashbrown::HashMap;

/// A command as the server knows it after start.
pub struct Command {
    pub spec: &'static CommandSpec,
    /// Dense: an index into per-command tables.
    pub id: usize,
    /// In small letters; a subcommand's is "config|get".
    pub full_name: String,
    /// Whether its second word names it too.
    pub is_subcommand: bool,
    /// Subcommands by name in capitals.
    pub subcommands: Vec<usize>,
    /// Whether it has just one key, at word 1: the plan's short way.
    pub one_key: bool,
}

/// All commands.
pub struct Registry {
    commands: Vec<Command>,
    /// Open addressing over the names in capitals.
    slots: Box<[Slot]>,
    /// Names given by `rename-command`; the old ones are gone.
    names: Vec<Vec<u8>>,
    by_full_name: HashMap<String, usize>,
}

/// Longest name that the table of slots holds; only `rename-command` makes longer ones.
const NAME_LEN_MAX: usize = 32;

/// A name in capitals, padded with zeros: compared as four words, without following a pointer. No name has a zero
/// byte in it, so the padding tells the length too.
type Name = [u64; NAME_LEN_MAX / 8];

#[derive(Clone, Copy)]
struct Slot {
    name: Name,
    /// Dense id; `u16::MAX` marks an empty slot.
    id: u16,
}

const EMPTY: Slot = Slot { name: [0; NAME_LEN_MAX / 8], id: u16::MAX };

#[inline]
fn capitals(name: &[u8]) -> Option<Name> {
    if name.len() > NAME_LEN_MAX || name.contains(&0) {
        return None;
    }
    let mut padded = [0; NAME_LEN_MAX];
    padded[..name.len()].copy_from_slice(name);
    padded.make_ascii_uppercase();
    let mut words = [0; NAME_LEN_MAX / 8];
    for (word, bytes) in words.iter_mut().zip(padded.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(bytes);
        *word = u64::from_le_bytes(eight);
    }
    Some(words)
}

/// A hash for a few hundred short names, known in advance: a multiplication mixes them well enough.
#[inline]
fn name_hash(name: &Name) -> usize {
    let folded = name[0] ^ name[1].rotate_left(23) ^ name[2].rotate_left(41) ^ name[3].rotate_left(7);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

impl Registry {
    /// Takes the commands of all groups. `renames` are pairs of old name and new name (empty: removed).
    ///
    /// # Errors
    /// A name in `renames` that is no command, or a new name that is taken.
    pub fn new(groups: &[&[&'static CommandSpec]], renames: &[(Vec<u8>, Vec<u8>)]) -> Result<Registry, String> {
        let mut registry =
            Registry { commands: Vec::new(), slots: Box::default(), names: Vec::new(), by_full_name: HashMap::new() };
        let mut top = Vec::new();
        for spec in groups.iter().flat_map(|group| group.iter()) {
            top.push(registry.add(spec, None));
        }
        let mut names: Vec<(Vec<u8>, usize)> =
            top.iter().map(|&id| (registry.commands[id].spec.name.as_bytes().to_vec(), id)).collect();
        for (old, new) in renames {
            let old = old.to_ascii_uppercase();
            let at = names
                .iter()
                .position(|(name, _)| *name == old)
                .ok_or_else(|| "No such command in rename-command".to_owned())?;
            let (_, id) = names.swap_remove(at);
            let new = new.to_ascii_uppercase();
            if new.is_empty() {
                continue;
            }
            if names.iter().any(|(name, _)| *name == new) {
                return Err("Target command name already exists".to_owned());
            }
            names.push((new, id));
        }
        registry.index(names);
        Ok(registry)
    }

    fn add(&mut self, spec: &'static CommandSpec, parent: Option<&str>) -> usize {
        let name = spec.name.to_lowercase();
        let full_name = parent.map_or_else(|| name.clone(), |parent| format!("{parent}|{name}"));
        let id = self.commands.len();
        let one_key = matches!(
            spec.keys,
            [crate::spec::KeySpec {
                begin: crate::spec::Begin::Index(1),
                find: crate::spec::Find::Range { last: 0, .. },
                ..
            }]
        );
        self.by_full_name.insert(full_name.clone(), id);
        self.commands.push(Command {
            spec,
            id,
            full_name: full_name.clone(),
            is_subcommand: parent.is_some(),
            subcommands: Vec::new(),
            one_key,
        });
        for sub in spec.subcommands {
            let sub = self.add(sub, Some(&full_name));
            self.commands[id].subcommands.push(sub);
        }
        id
    }

    fn index(&mut self, names: Vec<(Vec<u8>, usize)>) {
        let size = (names.len() * 4).next_power_of_two();
        let mut slots = vec![EMPTY; size].into_boxed_slice();
        self.names = vec![Vec::new(); self.commands.len()];
        for (name, id) in names {
            if let Some(key) = capitals(&name) {
                let mut at = name_hash(&key) & (size - 1);
                while slots[at].id != u16::MAX {
                    at = (at + 1) & (size - 1);
                }
                slots[at] = Slot { name: key, id: id as u16 };
            }
            self.names[id] = name;
        }
        self.slots = slots;
    }

    /// The top-level command of this name, in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Command> {
        let Some(name) = capitals(name) else { return self.find_long(name) };
        let mask = self.slots.len() - 1;
        let mut at = name_hash(&name) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.id == u16::MAX {
                return None;
            }
            if slot.name == name {
                return Some(&self.commands[usize::from(slot.id)]);
            }
            at = (at + 1) & mask;
        }
    }

    /// Names too long for the slots: a secret name of 40 digits, as `rename-command` is often given.
    #[cold]
    fn find_long(&self, name: &[u8]) -> Option<&Command> {
        let name = name.to_ascii_uppercase();
        let id = self.names.iter().position(|known| known.len() > NAME_LEN_MAX && *known == name)?;
        Some(&self.commands[id])
    }

    /// The command that these words call: a subcommand where there are some.
    ///
    /// # Errors
    /// The reply for an unknown command or subcommand.
    #[inline]
    pub fn resolve(&self, args: &Args<'_>) -> Result<&Command, CommandError> {
        let Some(command) = self.find(args.word(0)) else {
            let rest = args.from(1).map(<[u8]>::to_vec);
            return Err(CommandError::unknown_command(args.word(0), rest));
        };
        if command.subcommands.is_empty() || args.len() < 2 {
            return Ok(command);
        }
        let wanted = args.word(1);
        command
            .subcommands
            .iter()
            .map(|&id| &self.commands[id])
            .find(|sub| base::text::eq_ignore_case(sub.spec.name.as_bytes(), wanted))
            .ok_or_else(|| CommandError::unknown_subcommand(wanted, &self.name(command)))
    }

    /// The name a top-level command is called by now, in small letters.
    pub fn name(&self, command: &Command) -> String {
        String::from_utf8_lossy(&self.names[command.id]).to_lowercase()
    }

    /// By full name in small letters ("get", "config|get").
    pub fn by_full_name(&self, name: &str) -> Option<&Command> {
        self.by_full_name.get(name).map(|&id| &self.commands[id])
    }

    pub fn by_id(&self, id: usize) -> &Command {
        &self.commands[id]
    }

    /// How many, subcommands included: ids are below this.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// All, subcommands included.
    pub fn all(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter()
    }

    /// Top-level commands that can be called.
    pub fn top(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(|command| !self.names[command.id].is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PING: CommandSpec = CommandSpec { name: "PING", ..CommandSpec::DEFAULT };
    static GET: CommandSpec = CommandSpec { name: "GET", ..CommandSpec::DEFAULT };
    static GROUP: &[&CommandSpec] = &[&PING, &GET];

    #[test]
    fn names_are_found_in_any_case() {
        let registry = Registry::new(&[GROUP], &[]).expect("no renames");
        for name in ["ping", "PING", "PiNg"] {
            assert_eq!(registry.find(name.as_bytes()).expect("known").spec.name, "PING");
        }
        for name in [&b"pin"[..], b"pingg", b"", b"ping\0", &[b'x'; 100]] {
            assert!(registry.find(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn renamed_commands_answer_to_their_new_name_only() {
        let secret = b"b840fc02d524045429941cc15f59e41cb7be6c52".to_vec();
        let renames = [(b"get".to_vec(), secret.clone()), (b"PING".to_vec(), Vec::new())];
        let registry = Registry::new(&[GROUP], &renames).expect("both exist");
        assert_eq!(registry.find(&secret).expect("its new name").spec.name, "GET");
        assert!(registry.find(b"GET").is_none());
        assert!(registry.find(b"PING").is_none());
        assert!(Registry::new(&[GROUP], &[(b"SET".to_vec(), Vec::new())]).is_err());
        assert!(Registry::new(&[GROUP], &[(b"GET".to_vec(), b"ping".to_vec())]).is_err());
    }
}
