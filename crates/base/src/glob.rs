//! Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET understand them.
//!
//! `*` any run of bytes, `?` one byte, `[a-z]` one byte of a class, `[^a-z]` one byte outside it, `\x` the byte `x`.
//! Odd corners, all observed on Redis 8.2: a class that is never closed ends with the pattern; a range may run
//! backwards; `[]` is empty; a `\` at the very end stands for itself; and an empty text is matched by an empty pattern
//! or by `*` as KEYS and SCAN take it, but not by `**`. (PSUBSCRIBE differs in one case: there even `*` misses the empty
//! channel.) And a pattern with more than a thousand runs of `*`, not counting one at its end, matches nothing.
//!
//! Every element except `*` takes exactly one byte. So when a match fails, only the last `*` need be retried one
//! byte further on: an earlier one could only offer the rest of the pattern a subset of the same places. That bounds
//! the work by the product of both lengths, on any pattern.

/// Runs of `*` that may have a rest of the pattern behind them. Redis bounds its recursion by this number; here nothing
/// needs a bound, but the answer is to be the same.
const MAX_STARS: usize = 1000;

/// Whether all of `text` matches `pattern`. Case means ASCII letters only.
pub fn glob_match(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty() || pattern == b"*";
    }
    let (mut at, mut from) = (0, 0);
    // After a star: the pattern behind it, and where in the text it is being tried.
    let mut retry: Option<(usize, usize)> = None;
    let mut stars = 0;
    loop {
        if pattern.get(at) == Some(&b'*') {
            while pattern.get(at) == Some(&b'*') {
                at += 1;
            }
            if at == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > MAX_STARS {
                return false;
            }
            retry = Some((at, from));
            continue;
        }
        match text.get(from) {
            None => return at == pattern.len(),
            Some(&byte) => {
                if at < pattern.len() {
                    let (matched, len) = match_one(&pattern[at..], byte, ignore_case);
                    if matched {
                        at += len;
                        from += 1;
                        continue;
                    }
                }
            }
        }
        let Some((star, tried)) = retry else {
            return false;
        };
        retry = Some((star, tried + 1));
        (at, from) = (star, tried + 1);
    }
}

/// Whether a pattern has no special byte, so that it matches itself alone.
pub fn literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

fn fold(byte: u8, ignore_case: bool) -> u8 {
    if ignore_case { byte.to_ascii_lowercase() } else { byte }
}

/// Tries the first element of a pattern, not a star, on one byte; also tells how long that element is.
fn match_one(pattern: &[u8], byte: u8, ignore_case: bool) -> (bool, usize) {
    match pattern {
        [b'?', ..] => (true, 1),
        [b'[', class @ ..] => {
            let (matched, len) = match_class(class, fold(byte, ignore_case), ignore_case);
            (matched, len + 1)
        }
        [b'\\', escaped, ..] => (fold(*escaped, ignore_case) == fold(byte, ignore_case), 2),
        _ => (fold(pattern[0], ignore_case) == fold(byte, ignore_case), 1),
    }
}

/// Tries a class, given behind its `[`, on a folded byte; the length includes the `]` if there is one.
fn match_class(class: &[u8], byte: u8, ignore_case: bool) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match &class[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', escaped, ..] => {
                found |= fold(*escaped, ignore_case) == byte;
                at += 2;
            }
            [first, b'-', last, ..] => {
                let (first, last) = (fold(*first, ignore_case), fold(*last, ignore_case));
                found |= (first.min(last)..=first.max(last)).contains(&byte);
                at += 3;
            }
            [single, ..] => {
                found |= fold(*single, ignore_case) == byte;
                at += 1;
            }
        }
    }
    (found != negated, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        glob_match(pattern.as_bytes(), text.as_bytes(), false)
    }

    #[test]
    fn patterns_match_as_keys_does() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h\\?llo", "h?llo", true),
            ("h\\?llo", "hello", false),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(glob_match(b"HeL*", b"hello", true));
    }

    #[test]
    fn odd_corners_are_those_of_redis() {
        for (pattern, text, expected) in [
            ("[a-", "-", true),
            ("[ab", "b", true),
            ("[", "[", false),
            ("[]", "]", false),
            ("[]a]", "a]", false),
            ("[^]", "x", true),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
            ("a**", "a", true),
            ("**", "", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(glob_match(b"M[c-A]xmemory", b"maxmemory", true));
    }

    #[test]
    fn hostile_patterns_end_quickly() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(&pattern, &"a".repeat(2000)));
    }

    #[test]
    fn more_than_a_thousand_stars_match_nothing() {
        let text = "a".repeat(3000);
        for (pattern, expected) in [
            ("*?".repeat(1000), true),
            ("*?".repeat(1001), false),
            ("**a".repeat(1000) + "**", true),
            ("a*".repeat(1001), true),
            ("a*".repeat(1002), false),
        ] {
            assert_eq!(matches(&pattern, &text), expected, "{} bytes", pattern.len());
        }
    }

    #[test]
    fn literal_sees_every_special_character() {
        assert!(literal(b"user:1"));
        for pattern in ["a*", "a?", "[a]", "a\\b"] {
            assert!(!literal(pattern.as_bytes()), "{pattern}");
        }
    }
}
