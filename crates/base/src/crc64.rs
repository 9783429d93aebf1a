//! The CRC64 of RDB files, DUMP payloads and DIGEST-like checks: the Jones polynomial, reflected, from zero.
//!
//! Eight tables let eight bytes be taken in at once ("slice by 8"), about ten times the speed of one at a time; a
//! dependency that is faster still would bring five more packages along.

/// The Jones polynomial, bits reversed.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// `TABLES[n][byte]` is what a byte contributes with `n` more bytes after it.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut slice = 1;
    while slice < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        slice += 1;
    }
    tables
}

/// Continues a checksum over more bytes; start with zero.
pub fn crc64(crc: u64, bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut crc = crc;
    for &chunk in chunks {
        let mixed = (crc ^ u64::from_le_bytes(chunk)).to_le_bytes();
        crc = (0..8).fold(0, |sum, at| sum ^ TABLES[7 - at][usize::from(mixed[at])]);
    }
    rest.iter().fold(crc, |crc, &byte| crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_redis() {
        assert_eq!(crc64(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(0, b""), 0);
    }

    #[test]
    fn pieces_give_the_same_sum_as_the_whole() {
        let bytes: Vec<u8> = (0..1_000u32).map(|n| (n * 7 + n / 11) as u8).collect();
        let whole = crc64(0, &bytes);
        for cut in [0, 1, 7, 8, 9, 500, 999, 1_000] {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(crc64(crc64(0, left), right), whole);
        }
    }
}
