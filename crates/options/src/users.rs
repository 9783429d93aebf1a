//! `user` directives. There are no users yet but `default`, so a file that makes others cannot be kept.
//!
//! One line may stay: `user default`, as far as it says what `requirepass` says, too. Redis writes it into every file
//! that it rewrites.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Whether the words of a `user` directive describe the user that there is: `default`, who may do everything, with this
/// password, or without one if it is empty.
pub(crate) fn is_the_default_user(words: &[Vec<u8>], password: &[u8]) -> bool {
    let Some((name, rules)) = words.split_first() else { return false };
    let mut hash = String::from("#");
    for byte in Sha256::digest(password) {
        write!(hash, "{byte:02x}").expect("a string takes whatever is written to it");
    }
    let (mut on, mut pass, mut keys, mut channels, mut commands) = (false, false, false, false, false);
    for rule in rules {
        match rule.to_ascii_lowercase().as_slice() {
            b"on" => on = true,
            b"nopass" if password.is_empty() => pass = true,
            rule if !password.is_empty() && rule == hash.as_bytes() => pass = true,
            b"~*" | b"allkeys" => keys = true,
            b"&*" | b"allchannels" => channels = true,
            b"+@all" | b"allcommands" => commands = true,
            b"sanitize-payload" => {}
            _ => return false,
        }
    }
    name == b"default" && on && pass && keys && channels && commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_it(line: &str, password: &str) -> bool {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        is_the_default_user(&words, password.as_bytes())
    }

    #[test]
    fn only_the_user_that_there_is_may_be_described() {
        // As Redis 8.2.3 wrote them.
        let with_password = "default on sanitize-payload \
                             #93915a0a4bf8f634cb1856494dd4304472ad46b9827f541f76b6761c49cc55b0 ~* &* +@all";
        assert!(is_it("default on nopass sanitize-payload ~* &* +@all", ""));
        assert!(is_it(with_password, "pw2"));
        for (line, password) in [
            (with_password, "pw3"),
            (with_password, ""),
            ("default on nopass ~* &* +@all", "pw"),
            ("default on ~* &* +@all", ""),
            ("default off nopass ~* &* +@all", ""),
            ("default on nopass ~a* &* +@all", ""),
            ("default on nopass ~* &* +@all -flushall", ""),
            ("bob on nopass ~* &* +@all", ""),
            ("bob", ""),
            ("default", ""),
        ] {
            assert!(!is_it(line, password), "{line}");
        }
    }
}
