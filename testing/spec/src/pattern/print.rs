//! Writes a value in the notation that [`super::parse`] reads.

use super::parse::is_bare;
use crate::text::quote;
use crate::value::{Null, Value};

/// The lines of a value.
pub fn print(value: &Value) -> Vec<String> {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.split('\n').map(String::from).collect()
}

/// The first line, for messages that have room for no more.
pub fn print_one_line(value: &Value) -> String {
    let lines = print(value);
    if lines.len() == 1 { lines[0].clone() } else { format!("{} ...", lines[0]) }
}

fn write(value: &Value, column: usize, out: &mut String) {
    match value {
        Value::Simple(text) if is_bare(text) => out.push_str(&String::from_utf8_lossy(text)),
        Value::Simple(text) => out.push_str(&format!("(status) {}", quote(text))),
        Value::Error(text) => out.push_str(&format!("(error) {}", String::from_utf8_lossy(text))),
        Value::Integer(number) => out.push_str(&format!("(integer) {number}")),
        Value::Bulk(text) => out.push_str(&quote(text)),
        Value::Null(Null::Array) => out.push_str("(nil array)"),
        Value::Null(Null::Bulk | Null::Resp3) => out.push_str("(nil)"),
        Value::Double(text) => out.push_str(&format!("(double) {}", String::from_utf8_lossy(text))),
        Value::Boolean(flag) => out.push_str(&format!("({flag})")),
        Value::Verbatim(text) => out.push_str(&format!("(verbatim) {}", quote(text))),
        Value::BigNumber(text) => {
            out.push_str(&format!("(bignum) {}", String::from_utf8_lossy(text)));
        }
        Value::Array(items) => write_items(items, ')', "array", column, out),
        Value::Set(items) => write_items(items, '~', "set", column, out),
        Value::Push(items) => write_items(items, '>', "push", column, out),
        Value::Map(pairs) => write_map(pairs, column, out),
    }
}

fn write_items(items: &[Value], sign: char, name: &str, column: usize, out: &mut String) {
    if items.is_empty() {
        out.push_str(&format!("(empty {name})"));
    }
    let width = items.len().to_string().len();
    for (index, item) in items.iter().enumerate() {
        start_line(index, column, out);
        out.push_str(&format!("{:>width$}{sign} ", index + 1));
        write(item, column + width + 2, out);
    }
}

fn write_map(pairs: &[(Value, Value)], column: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty map)");
    }
    let width = pairs.len().to_string().len();
    for (index, (key, value)) in pairs.iter().enumerate() {
        start_line(index, column, out);
        let mut start = format!("{:>width$}# ", index + 1);
        write(key, 0, &mut start);
        start.push_str(" => ");
        out.push_str(&start);
        write(value, column + start.len(), out);
    }
}

fn start_line(index: usize, column: usize, out: &mut String) {
    if index > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', column));
    }
}
