//! The configuration file: any text is taken or refused, and what was taken survives being printed and read again.

use crate::{pick, soup};
use base::rng::Rng;
use options::{Options, file::load_text, table};

const PIECES: &[&[u8]] = &[
    b" ",
    b"\n",
    b"\"",
    b"'",
    b"\\",
    b"#",
    b"yes",
    b"no",
    b"-1",
    b"0",
    b"1gb",
    b"100mb",
    b"10k",
    b"%",
    b"normal",
    b"replica",
    b"everysec",
    b"\"\"",
    b"\"a\\x00b\"",
    b"KEA",
    b"3600 1 300 100",
    b"127.0.0.1",
    b"-::*",
    b"allkeys-lru",
    b"notice",
    b"save ",
    b"\r\n",
    b"\xff",
];

fn text(rng: &mut Rng) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..1 + rng.below(4) {
        if rng.below(8) > 0 {
            let specs = table();
            text.extend_from_slice(specs[rng.below(specs.len() as u64) as usize].name.as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(&if rng.below(2) == 0 { pick(rng, PIECES).to_vec() } else { soup(rng, PIECES, 6) });
        text.push(b'\n');
    }
    text
}

/// All options as lines of a file.
fn printed(options: &Options) -> Vec<(&'static str, Vec<u8>)> {
    options.config_get(&[b"*"])
}

pub fn round(rng: &mut Rng) {
    // Files that other files name are none of this target's business.
    let text = text(rng);
    let names_file = |word: &[u8]| text.to_ascii_lowercase().windows(word.len()).any(|window| window == word);
    if names_file(b"include") || names_file(b"loadmodule") {
        return;
    }
    let options = Options::new();
    let before = printed(&options);
    let result = load_text(&options, &text);
    let after = printed(&options);
    assert_eq!(before.len(), after.len());
    if result.is_err() {
        return;
    }
    let again = Options::new();
    assert!(load_text(&again, &text).is_ok(), "taken once, refused the second time");
    assert_eq!(printed(&again), after, "{}", text.escape_ascii());
}
