//! Patterns of BY and GET: `weight_*` names a string, `object_*->name` a field of a hash, `#` the element itself.

use base::Blob;
use engine::{LockedKeys, View};
use value::string::{Scratch, Str};
use value::{Hash, Kind};

/// A pattern, taken apart.
pub(super) enum Pattern<'a> {
    /// The element itself.
    Own,
    /// Without a star, it names nothing.
    Nothing,
    Key {
        before: &'a [u8],
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

/// What a pattern found.
pub(super) enum Found<'f> {
    Nothing,
    Text(&'f [u8]),
    Blob(&'f Blob),
}

impl Found<'_> {
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Found::Nothing => None,
            Found::Text(text) => Some(text),
            Found::Blob(blob) => Some(blob),
        }
    }
}

impl<'a> Pattern<'a> {
    pub(super) fn new(pattern: &'a [u8]) -> Pattern<'a> {
        if pattern == b"#" {
            return Pattern::Own;
        }
        let Some(star) = pattern.iter().position(|byte| *byte == b'*') else { return Pattern::Nothing };
        let (before, after) = (&pattern[..star], &pattern[star + 1..]);
        // A field has a name; an arrow with nothing behind it belongs to the key.
        let arrow = after.windows(2).position(|pair| pair == b"->").filter(|arrow| arrow + 2 < after.len());
        match arrow {
            Some(arrow) => Pattern::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) },
            None => Pattern::Key { before, after, field: None },
        }
    }

    /// Whether it leads to other keys.
    pub(super) fn names_keys(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// Calls `read` with what the pattern finds for an element. Needs all shards.
    pub(super) fn look_up<R>(&self, keys: &mut LockedKeys<'_>, element: &[u8], read: impl FnOnce(Found<'_>) -> R) -> R {
        let (before, after, field) = match self {
            Pattern::Own => return read(Found::Text(element)),
            Pattern::Nothing => return read(Found::Nothing),
            Pattern::Key { before, after, field } => (before, after, field),
        };
        let name = [before, element, after].concat();
        let now_ms = keys.now_ms();
        let key = keys.key(&name);
        let string = match (keys.view(&key), field) {
            (Some(View::Str(string)), None) => Some(string),
            (Some(View::Object(object)), Some(field)) => Hash::of(object)
                .and_then(|hash| hash.get(field))
                .filter(|field| !field.is_past(now_ms))
                .map(|field| field.value),
            (None, _) | (Some(View::Str(_)), Some(_)) | (Some(View::Object(_)), None) => None,
        };
        match string {
            None => read(Found::Nothing),
            Some(Str::Blob(blob)) => read(Found::Blob(blob)),
            Some(string) => read(Found::Text(string.bytes(&mut Scratch::default()))),
        }
    }
}
