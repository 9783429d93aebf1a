//! Which crate may depend on which: the picture of ARCHITECTURE.md, checked.
//!
//! Everything that is not allowed here is forbidden, so a new crate needs a line. Dependencies of
//! tests are free, but for the server: nothing is tested through it but the spec scripts.

use serde_json::Value;

/// A crate, and the crates of ours it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("russet-base", &[]),
    ("russet-structures", &["base"]),
    ("russet-resp", &["base"]),
    ("russet-value", &["base", "structures"]),
    ("russet-engine", &["base", "structures", "value"]),
    ("russet-options", &["base"]),
    ("russet-command", &["base", "structures", "resp", "value", "engine", "options"]),
    ("russet-commands", &["base", "structures", "resp", "value", "persist", "engine", "options", "command"]),
    ("russet-dispatch", &["base", "structures", "resp", "value", "engine", "options", "command"]),
    ("russet-script", &["base", "structures", "resp", "value", "engine", "options", "command", "dispatch", "lua"]),
    ("russet-lua", &["base"]),
    ("russet-persist", &["base", "structures", "value"]),
    ("russet-replicate", &["base", "resp"]),
    ("russet-net", &["base", "resp"]),
    (
        "russet-server",
        &[
            "base",
            "structures",
            "resp",
            "value",
            "engine",
            "options",
            "command",
            "dispatch",
            "commands",
            "script",
            "persist",
            "replicate",
            "net",
        ],
    ),
    ("russet-linearize", &["base", "structures", "resp", "engine", "command", "dispatch", "commands"]),
    // Its whole-server target needs a whole server.
    ("russet-fuzz", &["base", "structures", "resp", "value", "persist", "options", "command", "dispatch", "server"]),
    ("russet-spec", &[]),
    ("xtask", &["spec"]),
];

/// Who may test through a running server.
const MAY_TEST_SERVER: &[&str] = &["russet-server", "russet-spec"];

pub fn check(packages: &[Value]) -> Vec<String> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![format!("{name}: a new crate needs a line in xtask/src/tidy/directions.rs")];
    };
    let mut findings = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let Some(target) = dependency["name"].as_str().and_then(|full| full.strip_prefix("russet-")) else {
            continue;
        };
        let dev = dependency["kind"].as_str() == Some("dev");
        let fine = if dev { target != "server" || MAY_TEST_SERVER.contains(&name) } else { allowed.contains(&target) };
        if !fine {
            findings.push(format!("{name} must not depend on russet-{target} (see ARCHITECTURE.md, directions)"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependency: &str, kind: Option<&str>) -> Value {
        json!({"name": name, "dependencies": [{"name": dependency, "kind": kind}]})
    }

    #[test]
    fn only_the_allowed_directions_pass() {
        for (name, dependency, kind, findings) in [
            ("russet-engine", "russet-value", None, 0),
            ("russet-engine", "russet-command", None, 1),
            ("russet-script", "russet-commands", None, 1),
            ("russet-net", "mio", None, 0),
            ("russet-net", "russet-resp", Some("build"), 0),
            ("russet-spec", "russet-server", Some("dev"), 0),
            ("russet-spec", "russet-server", None, 1),
            ("russet-engine", "russet-server", Some("dev"), 1),
            ("russet-unheard-of", "mio", None, 1),
        ] {
            let found = check(&[package(name, dependency, kind)]);
            assert_eq!(found.len(), findings, "{name} -> {dependency} ({kind:?}): {found:?}");
        }
    }
}
