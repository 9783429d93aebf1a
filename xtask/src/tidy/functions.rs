//! Functions of more than 70 lines, as a ratchet: the ones there are stand in a list with their
//! sizes, which may only shrink; a new one is refused.

use super::Source;
use crate::workspace;
use std::collections::BTreeMap;

const LINES_MAX: usize = 70;
const LIST: &str = "xtask/src/tidy/long_functions.txt";
const LIST_HEAD: &str = "# Functions of more than 70 lines, with their lines. Sizes only shrink: `cargo xtask tidy --ratchet`\n\
                         # lowers what has become shorter and never adds a line.\n";

/// A function and where it begins.
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

pub fn check(sources: &[Source], ratchet: bool) -> Result<Vec<String>, String> {
    let path = workspace::root().join(LIST);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{LIST}: {error}"))?;
    let mut allowed = parse_list(&text)?;
    let findings = compare(sources, &mut allowed, ratchet);
    if ratchet {
        let rows: String = allowed.iter().map(|(name, lines)| format!("{name} {lines}\n")).collect();
        std::fs::write(&path, format!("{LIST_HEAD}{rows}")).map_err(|e| format!("{LIST}: {e}"))?;
    }
    Ok(findings)
}

fn parse_list(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| {
        let (name, lines) = row.split_once(' ').ok_or_else(|| format!("{LIST}: {row}"))?;
        Ok((name.to_string(), lines.parse().map_err(|_| format!("{LIST}: {row}"))?))
    })
    .collect()
}

/// Compares the functions with the list. With `ratchet` the list is lowered instead of a finding.
fn compare(sources: &[Source], allowed: &mut BTreeMap<String, usize>, ratchet: bool) -> Vec<String> {
    let mut findings = Vec::new();
    let mut long = BTreeMap::new();
    for source in sources {
        for function in functions(&source.code) {
            let Function { name, line, lines } = function;
            if lines <= LINES_MAX {
                continue;
            }
            let key = format!("{}::{name}", source.path);
            let limit = allowed.get(&key).copied().unwrap_or(LINES_MAX);
            if lines > limit {
                let place = format!("{}:{line}", source.path);
                findings.push(format!("{place}: fn {name} has {lines} lines, the limit is {limit}"));
            }
            // Two functions of one name in a file share a row, with the longer one's size.
            let longest = long.entry(key).or_insert(0);
            *longest = lines.max(*longest);
        }
    }
    if ratchet {
        allowed.retain(|key, _| long.contains_key(key));
        for (key, limit) in allowed.iter_mut() {
            *limit = (*limit).min(long[key]);
        }
        return findings;
    }
    for (key, limit) in allowed.iter() {
        let lines = long.get(key).copied().unwrap_or(0);
        if lines < *limit {
            findings.push(format!("{LIST}: {key} is shorter now, run `cargo xtask tidy --ratchet`"));
        }
    }
    findings
}

/// All functions with a body, found by their braces in masked code.
fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // `fn (` is a type, and a declaration ends with a semicolon before any body.
        let Some(open) = body_start(bytes, at) else { continue };
        if name.is_empty() {
            continue;
        }
        let end = matching_brace(bytes, open);
        let lines = code[at..end].matches('\n').count() + 1;
        found.push(Function { name, line: code[..at].matches('\n').count() + 1, lines });
    }
    found
}

fn body_start(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(at),
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

fn matching_brace(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(lines: usize) -> Source {
        let body = "    x();\n".repeat(lines - 2);
        Source::new("a.rs", &format!("//! A\nfn short() {{}}\nfn long(a: [u8; 2]) {{\n{body}}}\n"))
    }

    fn list(lines: usize) -> BTreeMap<String, usize> {
        BTreeMap::from([("a.rs::long".to_string(), lines)])
    }

    #[test]
    fn a_function_is_measured_from_its_head_to_its_brace() {
        let found = functions(&source(71).code);
        let sizes: Vec<(&str, usize, usize)> = found.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(sizes, [("short", 2, 1), ("long", 3, 71)]);
        assert!(functions("trait T { fn a(&self); }\ntype F = fn (u8);\n").is_empty());
    }

    #[test]
    fn a_new_long_function_is_refused_and_a_listed_one_may_only_shrink() {
        assert_eq!(compare(&[source(70)], &mut BTreeMap::new(), false).len(), 0);
        assert_eq!(compare(&[source(71)], &mut BTreeMap::new(), false).len(), 1);
        assert_eq!(compare(&[source(80)], &mut list(80), false).len(), 0);
        assert_eq!(compare(&[source(81)], &mut list(80), false).len(), 1);
        assert_eq!(compare(&[source(79)], &mut list(80), false).len(), 1);
        assert_eq!(compare(&[], &mut list(80), false).len(), 1);
    }

    #[test]
    fn the_ratchet_lowers_and_never_raises_or_adds() {
        let mut allowed = list(80);
        assert_eq!(compare(&[source(75)], &mut allowed, true).len(), 0);
        assert_eq!(allowed, list(75));
        assert_eq!(compare(&[source(76)], &mut allowed, true).len(), 1);
        assert_eq!(allowed, list(75));
        compare(&[source(60)], &mut allowed, true);
        assert!(allowed.is_empty());
    }
}
