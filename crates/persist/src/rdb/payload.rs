//! The payload of DUMP: a value, the version of the format in 2 bytes, and the CRC64 of all that in 8; little endian.

use super::{Dialect, VERSION};
use base::crc64::crc64;

/// Bytes behind the value.
const FOOTER: usize = 10;
const CHECKSUM: usize = 8;

/// The version is not known, or the checksum is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFooter;

/// Puts the footer behind a value.
pub fn seal(payload: &mut Vec<u8>) {
    payload.extend_from_slice(&VERSION.to_le_bytes());
    let checksum = crc64(0, payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
}

/// The value of a payload whose footer is right, and who wrote it.
pub fn open(payload: &[u8]) -> Result<(&[u8], Dialect), BadFooter> {
    let (checked, checksum) = payload.split_last_chunk::<CHECKSUM>().ok_or(BadFooter)?;
    if crc64(0, checked) == u64::from_le_bytes(*checksum) { open_unchecked(payload) } else { Err(BadFooter) }
}

/// The same of a payload whose checksum may be any.
pub fn open_unchecked(payload: &[u8]) -> Result<(&[u8], Dialect), BadFooter> {
    let (value, footer) = payload.split_last_chunk::<FOOTER>().ok_or(BadFooter)?;
    let dialect = Dialect::of_version(u16::from_le_bytes([footer[0], footer[1]])).ok_or(BadFooter)?;
    Ok((value, dialect))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Redis 8.2.3 and Valkey 9.1 answer to DUMP of the string "a".
    #[test]
    fn the_footer_is_that_of_redis_and_tells_who_wrote_it() {
        let redis = b"\x00\x01a\x0c\x00\x74\x88\xdb\x5b\x75\x1c\xe3\xfd";
        let valkey = b"\x00\x01a\x50\x00\x70\xd4\x26\x0a\x11\x64\x1a\x40";
        let mut sealed = b"\x00\x01a".to_vec();
        seal(&mut sealed);
        assert_eq!(sealed, redis);
        assert_eq!(open(redis), Ok((&b"\x00\x01a"[..], Dialect::Redis)));
        assert_eq!(open(valkey), Ok((&b"\x00\x01a"[..], Dialect::Valkey)));
        for at in 0..redis.len() {
            let mut damaged = redis.to_vec();
            damaged[at] ^= 1;
            assert_eq!(open(&damaged), Err(BadFooter));
            let is_of_the_version = (redis.len() - FOOTER..redis.len() - CHECKSUM).contains(&at);
            assert!(is_of_the_version || open_unchecked(&damaged).is_ok());
            assert_eq!(open(&redis[..at]), Err(BadFooter));
        }
    }

    #[test]
    fn versions_that_are_not_known_are_refused() {
        for (version, known) in [(0, true), (1, true), (12, true), (13, false), (79, false), (80, true), (81, false)] {
            let mut payload = b"\x00\x01a".to_vec();
            payload.extend_from_slice(&u16::to_le_bytes(version));
            let checksum = crc64(0, &payload);
            payload.extend_from_slice(&checksum.to_le_bytes());
            assert_eq!(open(&payload).is_ok(), known, "{version}");
        }
    }
}
