//! Marks of rare branches (`crates/base/src/marks.rs`): each stands in one place of the code, and exactly one test is
//! there for it.

use super::Source;
use std::collections::BTreeMap;

/// Where marks are made, and tested with names that mean nothing.
const MAKER: &str = "crates/base/src/marks.rs";

pub fn check(sources: &[Source]) -> Vec<String> {
    let sources: Vec<&Source> = sources.iter().filter(|source| source.path != MAKER).collect();
    let marked = places(&sources, "mark!(");
    let expected = places(&sources, "marks::expect(");
    let mut findings = Vec::new();
    for (name, places) in &marked {
        if let [_, again, ..] = places.as_slice() {
            findings.push(format!("{again}: the mark \"{name}\" stands elsewhere, too"));
        }
        match expected.get(name).map(Vec::as_slice) {
            Some([_]) => {}
            Some([_, again, ..]) => findings.push(format!("{again}: another test is there for the mark \"{name}\"")),
            _ => findings.push(format!("{}: no test is there for the mark \"{name}\"", places[0])),
        }
    }
    let unknown = expected.iter().filter(|(name, _)| !marked.contains_key(*name));
    findings.extend(unknown.map(|(name, places)| format!("{}: there is no mark \"{name}\"", places[0])));
    findings
}

/// Where something is called with a name, by that name.
fn places(sources: &[&Source], call: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (at, _) in source.code.match_indices(call) {
            let argument = source.text[at + call.len()..].trim_start();
            if let Some((name, _)) = argument.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                let place = format!("{}:{}", source.path, source.line_of(at));
                found.entry(name.to_owned()).or_default().push(place);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, tests: &str) -> Vec<String> {
        check(&[Source::new("a.rs", code), Source::new("tests.rs", tests)])
    }

    #[test]
    fn each_mark_has_one_place_and_one_test() {
        let mark = "\nbase::mark!(\"rare\");\n";
        let test = "let _mark = base::marks::expect(\"rare\");\n// marks::expect(\"rare\")\n";
        assert_eq!(findings(mark, test), Vec::<String>::new());
        assert_eq!(findings(mark, ""), ["a.rs:2: no test is there for the mark \"rare\""]);
        assert_eq!(findings("", test), ["tests.rs:1: there is no mark \"rare\""]);
        let twice = format!("{mark}{mark}");
        assert_eq!(findings(&twice, test), ["a.rs:4: the mark \"rare\" stands elsewhere, too"]);
        let tests = format!("{test}{test}");
        assert_eq!(findings(mark, &tests), ["tests.rs:3: another test is there for the mark \"rare\""]);
    }
}
