//! Compiles `src/raw/errors.c`: the C frames that Lua errors leave from, so that none of Rust's has to be left that
//! way.

fn main() {
    println!("cargo:rerun-if-changed=src/raw/errors.c");
    cc::Build::new().file("src/raw/errors.c").std("c99").warnings_into_errors(false).compile("russet_lua");
}
