//! Keyspace events: their names and their classes.

pub use base::event_class::Class;

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
    pub const fn stream(name: &'static str) -> Event {
        Event { class: Class::STREAM, name }
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
