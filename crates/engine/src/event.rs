//! Keyspace events: their names and the classes that `notify-keyspace-events` switches on.

/// The class of an event: one bit, one letter of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(pub u32);

impl Class {
    pub const KEYSPACE: Class = Class(1 << 0);
    pub const KEYEVENT: Class = Class(1 << 1);
    pub const GENERIC: Class = Class(1 << 2);
    pub const STRING: Class = Class(1 << 3);
    pub const LIST: Class = Class(1 << 4);
    pub const SET: Class = Class(1 << 5);
    pub const HASH: Class = Class(1 << 6);
    pub const ZSET: Class = Class(1 << 7);
    pub const EXPIRED: Class = Class(1 << 8);
    pub const EVICTED: Class = Class(1 << 9);
    pub const STREAM: Class = Class(1 << 10);
    pub const KEY_MISS: Class = Class(1 << 11);
    pub const MODULE: Class = Class(1 << 13);
    pub const NEW: Class = Class(1 << 14);
    pub const OVERWRITTEN: Class = Class(1 << 15);
    pub const TYPE_CHANGED: Class = Class(1 << 16);

    /// The classes that the letter `A` stands for.
    pub const ALL: Class = Class(
        Class::GENERIC.0
            | Class::STRING.0
            | Class::LIST.0
            | Class::SET.0
            | Class::HASH.0
            | Class::ZSET.0
            | Class::EXPIRED.0
            | Class::EVICTED.0
            | Class::STREAM.0
            | Class::MODULE.0,
    );

    /// Letter of each class, in the order in which CONFIG GET prints them.
    const LETTERS: [(u8, Class); 15] = [
        (b'g', Class::GENERIC),
        (b'$', Class::STRING),
        (b'l', Class::LIST),
        (b's', Class::SET),
        (b'h', Class::HASH),
        (b'z', Class::ZSET),
        (b'x', Class::EXPIRED),
        (b'e', Class::EVICTED),
        (b't', Class::STREAM),
        (b'd', Class::MODULE),
        (b'n', Class::NEW),
        (b'o', Class::OVERWRITTEN),
        (b'c', Class::TYPE_CHANGED),
        (b'K', Class::KEYSPACE),
        (b'E', Class::KEYEVENT),
    ];

    /// Reads the value of `notify-keyspace-events`; `None` when a letter is unknown.
    pub fn parse(letters: &[u8]) -> Option<u32> {
        letters.iter().try_fold(0, |flags, letter| match letter {
            b'A' => Some(flags | Class::ALL.0),
            b'm' => Some(flags | Class::KEY_MISS.0),
            other => {
                let (_, class) = Class::LETTERS.iter().find(|(known, _)| known == other)?;
                Some(flags | class.0)
            }
        })
    }

    /// Prints flags as CONFIG GET does: `A` for all the usual classes, then the rest.
    pub fn print(flags: u32) -> String {
        let mut text = String::new();
        let all = flags & Class::ALL.0 == Class::ALL.0;
        if all {
            text.push('A');
        }
        for (letter, class) in Class::LETTERS {
            if flags & class.0 != 0 && !(all && Class::ALL.0 & class.0 != 0) {
                text.push(char::from(letter));
            }
        }
        if flags & Class::KEY_MISS.0 != 0 {
            text.push('m');
        }
        text
    }
}

/// An event: what happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub class: Class,
    pub name: &'static str,
}

impl Event {
    pub const fn generic(name: &'static str) -> Event {
        Event { class: Class::GENERIC, name }
    }
    pub const fn string(name: &'static str) -> Event {
        Event { class: Class::STRING, name }
    }
    pub const fn list(name: &'static str) -> Event {
        Event { class: Class::LIST, name }
    }
    pub const fn set(name: &'static str) -> Event {
        Event { class: Class::SET, name }
    }
    pub const fn hash(name: &'static str) -> Event {
        Event { class: Class::HASH, name }
    }
    pub const fn zset(name: &'static str) -> Event {
        Event { class: Class::ZSET, name }
    }
    /// A change that nobody is told of, though it counts, is logged and ends transactions that watch the key.
    pub const NONE: Event = Event { class: Class(0), name: "" };
    pub const DEL: Event = Event::generic("del");
    pub const EXPIRE: Event = Event::generic("expire");
    pub const EXPIRED: Event = Event { class: Class::EXPIRED, name: "expired" };
    pub const KEY_MISS: Event = Event { class: Class::KEY_MISS, name: "keymiss" };
    pub const NEW: Event = Event { class: Class::NEW, name: "new" };
    pub const OVERWRITTEN: Event = Event { class: Class::OVERWRITTEN, name: "overwritten" };
    pub const TYPE_CHANGED: Event = Event { class: Class::TYPE_CHANGED, name: "type_changed" };
    pub const SET: Event = Event::string("set");
    pub const HASH_EXPIRED: Event = Event::hash("hexpired");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_survive_a_round_trip() {
        for letters in ["AKE", "g$lshzxetd", "Km", "AKEm", "Kx", "noKE", ""] {
            let flags = Class::parse(letters.as_bytes()).expect("known letters");
            assert_eq!(Class::parse(Class::print(flags).as_bytes()), Some(flags));
        }
        assert_eq!(Class::parse(b"q"), None);
    }
}
