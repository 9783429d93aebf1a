//! The classes of keyspace events: a bit each, and a letter of `notify-keyspace-events`.

/// A class of events, or a set of classes: a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// What Redis prints even where it prints `A`.
    const BESIDE_ALL: Class = Class(Class::KEYSPACE.0 | Class::KEYEVENT.0 | Class::KEY_MISS.0);

    /// The letter of each class, in the order in which Redis prints them.
    const LETTERS: [(u8, Class); 16] = [
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
        (b'm', Class::KEY_MISS),
    ];

    /// Whether all of these classes are in the set.
    pub fn has(self, classes: Class) -> bool {
        self.0 & classes.0 == classes.0
    }

    /// Reads letters; `None` if one of them is unknown.
    pub fn parse(letters: &[u8]) -> Option<Class> {
        letters.iter().try_fold(Class(0), |set, letter| match letter {
            b'A' => Some(Class(set.0 | Class::ALL.0)),
            other => {
                let (_, class) = Class::LETTERS.iter().find(|(known, _)| known == other)?;
                Some(Class(set.0 | class.0))
            }
        })
    }

    /// The letters, in Redis' order and with its quirk: where `A` is printed, `n`, `o` and `c` are not.
    pub fn letters(self) -> String {
        let all = self.has(Class::ALL);
        let mut text = String::from(if all { "A" } else { "" });
        for (letter, class) in Class::LETTERS {
            if self.has(class) && (!all || Class::BESIDE_ALL.has(class)) {
                text.push(char::from(letter));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_print_as_in_redis() {
        for (given, printed) in [
            ("", ""),
            ("KEA", "AKE"),
            ("gK", "gK"),
            ("KEg$lszhxetdmnA", "AKEm"),
            ("KEg$lszhxetd", "AKE"),
            ("KEg$lszhxet", "g$lshzxetKE"),
            ("onEcdKm", "dnocKEm"),
            ("Kmn", "nKm"),
            ("Aoc", "A"),
        ] {
            let classes = Class::parse(given.as_bytes()).expect("known letters");
            assert_eq!(classes.letters(), printed, "{given}");
        }
        assert_eq!(Class::parse(b"KQ"), None);
    }
}
