//! The drawing of LATENCY GRAPH: a column for each slow second, with its age below.
//!
//! Four rows of three steps each (`_`, `o`, `#`, with `|` below them) show where a sample lies between the least and
//! the most of all samples. At most eighty columns stand side by side; the rest follows below.

use command::stats::latency::{Sample, Series};

const ROWS: usize = 4;
const STEPS: &[u8; 3] = b"_o#";
const COLUMNS: usize = 80;

/// How long ago, in the largest unit that is not zero.
fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Which of the steps a sample reaches.
fn step_of(ms: u32, low: u32, high: u32) -> usize {
    let steps = ROWS * STEPS.len();
    if high == low {
        return 0;
    }
    ((ms - low) as usize * steps / (high - low) as usize).min(steps - 1)
}

/// The sign of a column in a row, counted from the bottom.
fn sign(step: usize, row: usize) -> char {
    match step.checked_sub(row * STEPS.len()) {
        None => ' ',
        Some(left) => STEPS.get(left).map_or('|', |&sign| char::from(sign)),
    }
}

pub fn draw(event: &str, series: &Series, now: i64) -> String {
    let samples: Vec<Sample> = series.samples.iter().copied().collect();
    let high = samples.iter().map(|sample| sample.ms).max().unwrap_or(0);
    let low = samples.iter().map(|sample| sample.ms).min().unwrap_or(0);
    let mut text = format!("{event} - high {high} ms, low {low} ms (all time high {} ms)\n", series.max_ms);
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    for (number, columns) in samples.chunks(COLUMNS).enumerate() {
        if number > 0 {
            text.push('\n');
        }
        for row in (0..ROWS).rev() {
            text.extend(columns.iter().map(|sample| sign(step_of(sample.ms, low, high), row)));
            text.push('\n');
        }
        text.push_str(&" ".repeat(columns.len()));
        text.push('\n');
        let ages: Vec<Vec<char>> = columns.iter().map(|sample| age(now - sample.time).chars().collect()).collect();
        for line in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
            text.extend(ages.iter().map(|age| age.get(line).copied().unwrap_or(' ')));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[u32]) -> Series {
        let samples = samples.iter().enumerate().map(|(at, &ms)| Sample { time: at as i64, ms }).collect();
        Series { samples, max_ms: 50 }
    }

    /// As Redis 8.2.3 drew it.
    #[test]
    fn ten_rising_samples() {
        let drawn = draw("command", &series(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), 10);
        let expected = [
            "command - high 11 ms, low 2 ms (all time high 50 ms)",
            &"-".repeat(80),
            "       _o#",
            "     _#|||",
            "   o#|||||",
            "_o#|||||||",
            "          ",
            "1987654321",
            "0sssssssss",
            "s         ",
            "",
        ];
        assert_eq!(drawn, expected.join("\n"));
    }

    #[test]
    fn equal_samples_lie_at_the_bottom_and_long_series_are_broken() {
        assert!(draw("e", &series(&[7]), 90).ends_with("\n \n \n \n_\n \n1\nm\n"));
        let long = draw("e", &series(&[1; 81]), 90);
        assert!(long.ends_with("\n\n \n \n \n_\n \n1\n0\ns\n"), "{long}");
    }
}
