//! Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET understand them.
//!
//! `*` any run of bytes, `?` one byte, `[a-z]` one byte of a class, `[^a-z]` one byte outside it, `\x` the byte `x`.
//! Odd corners, all observed on Redis 8.2: a class that is never closed ends with the pattern; a range may run
//! backwards; `[]` is empty; a `\` at the very end stands for itself; and an empty text is matched by an empty pattern
//! or by `*` as KEYS and SCAN take it, but not by `**`. (PSUBSCRIBE differs in one case: there even `*` misses the
//! empty channel.) And a pattern with more than a thousand runs of `*`, not counting one at its end, matches nothing.
//!
//! Every element except `*` takes exactly one byte. So when a match fails, only the last `*` need be retried one
//! byte further on: an earlier one could only offer the rest of the pattern a subset of the same places. That alone
//! bounds the work by the product of both lengths. Where it takes more than a few looks at each byte, the rest of the
//! pattern is matched by [`search`], in linear time but for the most unusual patterns.

mod search;

/// Runs of `*` that may have a rest of the pattern behind them. Redis bounds its recursion by this number; here nothing
/// needs a bound, but the answer is to be the same.
const MAX_STARS: usize = 1000;

/// Whether all of `text` matches `pattern`. Case means ASCII letters only.
pub fn glob_match(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    match_within(pattern, text, ignore_case, 4 * (pattern.len() + text.len()) + 1024)
}

/// As `glob_match`, of which `steps` bytes of the pattern are tried one by one before the rest is searched for.
fn match_within(pattern: &[u8], text: &[u8], ignore_case: bool, steps: usize) -> bool {
    if text.is_empty() {
        return pattern.is_empty() || pattern == b"*";
    }
    let (mut at, mut from) = (0, 0);
    // After a star: the pattern behind it, and where in the text it is being tried.
    let mut retry: Option<(usize, usize)> = None;
    let (mut stars, mut tried) = (0, 0);
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += stars_len(&pattern[at..]);
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
                    tried += len;
                    if matched {
                        at += len;
                        from += 1;
                        continue;
                    }
                }
            }
        }
        let Some((star, last)) = retry else {
            return false;
        };
        if tried > steps {
            return search::match_behind_star(&pattern[star..], &text[last + 1..], ignore_case, stars);
        }
        retry = Some((star, last + 1));
        (at, from) = (star, last + 1);
    }
}

/// How many stars a pattern begins with.
fn stars_len(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|&&byte| byte == b'*').count()
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
    let mut found = false;
    let (negated, len) = for_each_range(class, ignore_case, |first, last| found |= (first..=last).contains(&byte));
    (found != negated, len)
}

/// Gives each range of a class, folded and running forwards; returns whether the class is negated, and its length as
/// above.
fn for_each_range(class: &[u8], ignore_case: bool, mut each: impl FnMut(u8, u8)) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    loop {
        let (first, last, len) = match class[at..] {
            [] => return (negated, at),
            [b']', ..] => return (negated, at + 1),
            [b'\\', escaped, ..] => (escaped, escaped, 2),
            [first, b'-', last, ..] => (first, last, 3),
            [single, ..] => (single, single, 1),
        };
        let (first, last) = (fold(first, ignore_case), fold(last, ignore_case));
        each(first.min(last), first.max(last));
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

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
        let text = "a".repeat(1 << 20);
        let (run, choices, class) = ("a".repeat(20_000), "a?".repeat(2000), "x".repeat(20_000));
        for (pattern, expected) in [
            ("a*".repeat(50) + "b", false),
            (format!("*{run}b"), false),
            (format!("*{run}b*"), false),
            (format!("*{run}?"), true),
            (format!("*{choices}b*"), false),
            (format!("*{choices}a*"), true),
            (format!("*[{class}]*"), false),
            (format!("*[^{class}]b"), false),
            (format!("*{choices}[{class}]*"), false),
        ] {
            assert_eq!(matches(&pattern, &text), expected, "{}... of {} bytes", &pattern[..9], pattern.len());
        }
    }

    /// What a pattern means, said as simply as possible.
    fn means(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => {
                means(rest, text, ignore_case) || (!text.is_empty() && means(pattern, &text[1..], ignore_case))
            }
            (_, []) => false,
            (_, [byte, behind @ ..]) => {
                let (matched, len) = match_one(pattern, *byte, ignore_case);
                matched && means(&pattern[len..], behind, ignore_case)
            }
        }
    }

    #[test]
    fn every_way_of_matching_gives_the_same_answers() {
        let mut rng = Rng::seed(8);
        let mut draw = |letters: &[u8], most: u64| -> Vec<u8> {
            (0..rng.below(most)).map(|_| letters[rng.below(letters.len() as u64) as usize]).collect()
        };
        let mut matched = 0;
        for round in 0..100_000 {
            let (pattern, text) = (draw(b"aabB**?[]^-\\", 13), draw(b"aaabB-]", 13));
            if text.is_empty() {
                continue;
            }
            for ignore_case in [false, true] {
                let expected = means(&pattern, &text, ignore_case);
                matched += usize::from(expected);
                // The search takes over at once, after a few steps, or never.
                for steps in [0, 3, usize::MAX] {
                    let found = match_within(&pattern, &text, ignore_case, steps);
                    let (pattern, text) = (pattern.escape_ascii(), text.escape_ascii());
                    assert_eq!(found, expected, "round {round}: {pattern} on {text}, {steps} steps");
                }
            }
        }
        assert!(matched > 5000, "only {matched} matches");
    }

    #[test]
    fn pieces_longer_than_a_word_of_bits_are_found_where_they_are() {
        let mut rng = Rng::seed(9);
        for _ in 0..300 {
            let piece: Vec<u8> = (0..60 + rng.below(140)).map(|_| b"ab?"[rng.below(3) as usize]).collect();
            let filled = |rng: &mut Rng| -> Vec<u8> {
                let letter = |&byte: &u8| if byte == b'?' { b'c' + rng.below(3) as u8 } else { byte };
                piece.iter().map(letter).collect()
            };
            let mut text: Vec<u8> = (0..rng.below(300)).map(|_| b"ab"[rng.below(2) as usize]).collect();
            let pattern = [b"*", &piece[..], b"*"].concat();
            assert_eq!(match_within(&pattern, &text, false, 0), means_with_piece(&piece, &text));
            text.extend(filled(&mut rng));
            text.extend(b"ab");
            assert!(match_within(&pattern, &text, false, 0));
        }
    }

    fn means_with_piece(piece: &[u8], text: &[u8]) -> bool {
        text.windows(piece.len())
            .any(|window| window.iter().zip(piece).all(|(byte, want)| [*byte, b'?'].contains(want)))
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
