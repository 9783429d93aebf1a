//! Replies as a person reads them, in the manner of `redis-cli` on a terminal.
//!
//! ```text
//! 1) "a"
//! 2) 1) (integer) 1
//!    2) (nil)
//! ```

use std::fmt::{self, Display, Write};

use super::Value;

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self, 0)
    }
}

/// Writes a value that begins in column `indent`, which its other lines must come back to.
fn write_value(f: &mut fmt::Formatter<'_>, value: &Value, indent: usize) -> fmt::Result {
    match value {
        Value::Simple(text) | Value::BigNumber(text) => {
            write!(f, "{}", String::from_utf8_lossy(text))
        }
        Value::Verbatim(_, text) => write!(f, "{}", String::from_utf8_lossy(text)),
        Value::Error(text) | Value::BlobError(text) => {
            write!(f, "(error) {}", String::from_utf8_lossy(text))
        }
        Value::Integer(number) => write!(f, "(integer) {number}"),
        Value::Double(number) => {
            let mut text = Vec::new();
            base::num::write_f64(&mut text, *number);
            write!(f, "(double) {}", String::from_utf8_lossy(&text))
        }
        Value::Bool(true) => f.write_str("(true)"),
        Value::Bool(false) => f.write_str("(false)"),
        Value::Bulk(text) => {
            let mut quoted = Vec::new();
            base::text::write_repr(&mut quoted, text);
            write!(f, "{}", String::from_utf8_lossy(&quoted))
        }
        Value::NullBulk | Value::NullArray | Value::Null => f.write_str("(nil)"),
        Value::Array(values) | Value::Push(values) => write_values(f, values, ')', indent, "(empty array)"),
        Value::Set(values) => write_values(f, values, '~', indent, "(empty set)"),
        Value::Map(pairs) => write_pairs(f, pairs, '#', indent),
        Value::Attributed(pairs, value) => {
            write_pairs(f, pairs, '|', indent)?;
            write!(f, "\n{:indent$}", "")?;
            write_value(f, value, indent)
        }
    }
}

fn write_values(f: &mut fmt::Formatter<'_>, values: &[Value], sign: char, indent: usize, empty: &str) -> fmt::Result {
    if values.is_empty() {
        return f.write_str(empty);
    }
    let width = values.len().to_string().len();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            write!(f, "\n{:indent$}", "")?;
        }
        write!(f, "{:width$}{sign} ", i + 1)?;
        write_value(f, value, indent + width + 2)?;
    }
    Ok(())
}

fn write_pairs(f: &mut fmt::Formatter<'_>, pairs: &[(Value, Value)], sign: char, indent: usize) -> fmt::Result {
    if pairs.is_empty() {
        return f.write_str("(empty hash)");
    }
    let width = pairs.len().to_string().len();
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            write!(f, "\n{:indent$}", "")?;
        }
        // The key is written apart first: its last line says in which column the value begins.
        let mut head = String::new();
        write!(head, "{:width$}{sign} {key} => ", i + 1)?;
        f.write_str(&head)?;
        write_value(f, value, indent + head.len())?;
    }
    Ok(())
}
