//! Tests across the files of this module: a plain model, and vectors captured from Redis 8.2.3.

use super::*;

const SPARSE_MAX: usize = 3000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32) % limit
    }
}

/// FNV-1a, to keep captured values short.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn filled(name: &str, elements: usize) -> Vec<u8> {
    let mut value = create_sparse();
    for element in 0..elements {
        add(&mut value, format!("{name}:{element}").as_bytes(), SPARSE_MAX).unwrap();
    }
    value
}

fn with_opcodes(opcodes: &[u8]) -> Vec<u8> {
    let mut value = create_sparse();
    value.truncate(HEADER_SIZE);
    invalidate_cache(&mut value);
    value.extend_from_slice(opcodes);
    value
}

/// PFADD v a b c d; PFCOUNT v; PFADD v a; GET v.
#[test]
fn a_small_value_has_redis_bytes() {
    let mut value = create_sparse();
    assert_eq!(value, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    for element in [b"a", b"b", b"c", b"d"] {
        assert_eq!(add(&mut value, element, SPARSE_MAX), Ok(true));
    }
    let opcodes = b"\x5c\x7b\x80\x44\x76\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a";
    assert_eq!(&value[HEADER_SIZE..], opcodes);
    assert_eq!(value[8..16], [0, 0, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!(count(&mut value), Ok(Count { cardinality: 4, refreshed: true }));
    assert_eq!(count(&mut value), Ok(Count { cardinality: 4, refreshed: false }));
    assert_eq!(value[8..16], [4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(add(&mut value, b"a", SPARSE_MAX), Ok(false));
    assert_eq!(cached(&value), Some(4));
    let text = "Z:7292 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603";
    assert_eq!(decode(&value).as_deref(), Some(text));
}

/// After so many PFADD v element:N, one each: encoding, PFCOUNT, and the bytes after the header.
#[test]
fn a_growing_value_has_redis_bytes_and_counts() {
    let captured: [(usize, Encoding, u64, u64); 9] = [
        (1, Encoding::Sparse, 1, 0x8267_3b49_1f12_448d),
        (10, Encoding::Sparse, 10, 0x99f3_7a39_ac52_364b),
        (100, Encoding::Sparse, 99, 0x5e1f_a99a_223e_fc4a),
        (500, Encoding::Sparse, 502, 0xd59c_d141_bb6a_9a16),
        (1000, Encoding::Sparse, 997, 0xb415_20da_f438_aeef),
        (1600, Encoding::Sparse, 1604, 0xbe97_426c_67b0_9906),
        (2000, Encoding::Dense, 2004, 0x9cc6_6418_68e7_8962),
        (20_000, Encoding::Dense, 19_986, 0x7b53_0afb_0cb8_58f0),
        (100_000, Encoding::Dense, 100_039, 0x12de_b2ba_6a83_edee),
    ];
    let mut value = create_sparse();
    let mut added = 0;
    for (elements, kind, cardinality, bytes) in captured {
        while added < elements {
            add(&mut value, format!("element:{added}").as_bytes(), SPARSE_MAX).unwrap();
            added += 1;
        }
        assert_eq!(encoding(&value), kind, "{elements}");
        assert_eq!(fingerprint(&value[HEADER_SIZE..]), bytes, "{elements}");
        assert_eq!(count(&mut value).unwrap().cardinality, cardinality, "{elements}");
    }
}

/// PFMERGE z x y, with 300 and 200 elements.
#[test]
fn a_sparse_union_has_redis_bytes() {
    let (x, y) = (filled("x", 300), filled("y", 200));
    let mut union = Registers::new();
    union.merge_from(&x).unwrap();
    union.merge_from(&y).unwrap();
    assert_eq!(count_registers(&union), 500);
    let mut merged = create_sparse();
    merge_into(&mut merged, &union, false, SPARSE_MAX).unwrap();
    assert_eq!((merged.len(), fingerprint(&merged)), (1050, 0x154d_afd9_139c_6198));
    merge_into(&mut merged, &union, true, SPARSE_MAX).unwrap();
    assert_eq!(encoding(&merged), Encoding::Dense);
    assert_eq!(registers(&merged).unwrap().as_slice(), union.as_slice());
}

/// What the registers are must not depend on the encoding, nor on where a search began.
#[test]
fn both_encodings_agree_with_a_plain_array() {
    let mut random = Random(1);
    for round in 0..12 {
        let mut model = [0u8; REGISTERS];
        let mut sparse = create_sparse();
        let mut dense = create_sparse();
        to_dense(&mut dense).unwrap();
        // Few registers and few ranks make runs that are split and joined.
        let (width, ranks) = if round % 2 == 0 { (40, 3) } else { (REGISTERS as u64, 32) };
        let base = random.below(REGISTERS as u64 - width + 1) as usize;
        for _ in 0..800 {
            let index = base + random.below(width) as usize;
            let rank = 1 + random.below(ranks) as u8;
            let expected = model[index] < rank;
            model[index] = model[index].max(rank);
            let mut start = sparse::Cursor::START;
            assert_eq!(set_register(&mut sparse, &mut start, index, rank, usize::MAX), Ok(expected));
            assert_eq!(raise_dense(&mut dense, index, rank), expected);
            assert_eq!(dense::get(dense_registers(&dense), index), model[index]);
        }
        assert_eq!(registers(&sparse).unwrap().as_slice(), &model);
        assert_eq!(registers(&dense).unwrap().as_slice(), &model);
        assert_eq!(histogram(&sparse), histogram(&dense));
        assert_eq!(encoding(&sparse), Encoding::Sparse);

        let cardinality = count(&mut sparse).unwrap().cardinality;
        assert_eq!(to_dense(&mut sparse), Ok(true));
        assert_eq!(cached(&sparse), Some(cardinality), "the conversion keeps the cache");
        assert_eq!(sparse[HEADER_SIZE..], dense[HEADER_SIZE..]);
        assert_eq!(count(&mut dense).unwrap().cardinality, cardinality);
    }
}

/// Merging walks on from a cursor; the bytes must be those of searching from the start each time.
#[test]
fn a_cursor_changes_nothing_but_the_time() {
    let mut random = Random(2);
    for _ in 0..40 {
        let mut union = Registers::new();
        let mut dest = create_sparse();
        let area = 100 + random.below(3000);
        for _ in 0..300 {
            union.raise_run(random.below(area) as usize, 1, 1 + random.below(3) as u8);
            let (index, rank) = (random.below(area) as usize, 1 + random.below(3) as u8);
            union.raise_run(index, 1, rank);
            set_register(&mut dest, &mut { sparse::Cursor::START }, index, rank, usize::MAX).unwrap();
        }
        let mut slow = dest.clone();
        for (index, &rank) in union.as_slice().iter().enumerate().filter(|(_, rank)| **rank != 0) {
            set_register(&mut slow, &mut { sparse::Cursor::START }, index, rank, usize::MAX).unwrap();
        }
        merge_into(&mut dest, &union, false, usize::MAX).unwrap();
        invalidate_cache(&mut slow);
        assert_eq!(decode(&dest), decode(&slow));
        assert_eq!(dest, slow);
    }
}

#[test]
fn a_value_becomes_dense_when_it_outgrows_its_limit_or_a_rank_does() {
    let mut value = filled("x", 100);
    let len = value.len();
    let grown = (100..).find(|n| {
        add(&mut value, format!("x:{n}").as_bytes(), len).unwrap();
        encoding(&value) == Encoding::Dense
    });
    assert!(grown.is_some());
    let mut value = create_sparse();
    let mut cursor = sparse::Cursor::START;
    assert_eq!(set_register(&mut value, &mut cursor, 5, 32, SPARSE_MAX), Ok(true));
    assert_eq!(encoding(&value), Encoding::Sparse);
    assert_eq!(set_register(&mut value, &mut cursor, 5, 33, SPARSE_MAX), Ok(true));
    assert_eq!(encoding(&value), Encoding::Dense);
    assert_eq!(registers(&value).unwrap().as_slice()[..7], [0, 0, 0, 0, 0, 33, 0]);
}

#[test]
fn a_string_that_is_no_hyperloglog_is_told_from_a_corrupted_one() {
    assert_eq!(validate(b""), Err(NotHll));
    assert_eq!(validate(b"HYLL\x01\0\0\0\0\0\0\0\0\0\0"), Err(NotHll));
    assert_eq!(validate(b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\x80"), Err(NotHll));
    assert_eq!(validate(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\x80"), Err(NotHll));
    assert_eq!(validate(b"HYLL\x00\0\0\0\0\0\0\0\0\0\0\x80"), Err(NotHll), "dense, but too short");
    assert_eq!(validate(&create_sparse()), Ok(Encoding::Sparse));
    // Answers of PFCOUNT: the opcodes must describe 16384 registers, no more and no fewer.
    let sound = |opcodes: &[u8]| count(&mut with_opcodes(opcodes)).map(|count| count.cardinality);
    assert_eq!(sound(b""), Err(Corrupted));
    assert_eq!(sound(b"\x7f\xff"), Ok(0));
    assert_eq!(sound(b"\x7f\xfe"), Err(Corrupted));
    assert_eq!(sound(b"\x7f\xff\x00"), Err(Corrupted));
    assert_eq!(sound(b"\x7f"), Err(Corrupted));
    assert_eq!(sound(b"\x7f\xfe\x00"), Ok(0));
    assert_eq!(sound(b"\x7f\xfe\x80"), Ok(1));
    assert_eq!(sound(b"\x7f\xfe\x81"), Err(Corrupted));
    assert_eq!(sound(b"\x80\x7f\xff"), Err(Corrupted));
}

/// Anything may follow a sparse header; nothing of it may panic or change a value that is refused.
#[test]
fn garbage_is_refused_without_harm() {
    let mut random = Random(3);
    for round in 0..3000 {
        let opcodes: Vec<u8> = (0..random.below(60)).map(|_| random.next() as u8 & [0xff, 0x7f][round % 2]).collect();
        let mut value = with_opcodes(&opcodes);
        let before = value.clone();
        let mut union = Registers::new();
        let merged = union.merge_from(&value);
        assert_eq!(histogram(&value).map(|_| ()), merged);
        assert!(decode(&value).is_some());
        if to_dense(&mut value.clone()).is_err() {
            assert_eq!(merged, Err(Corrupted));
        }
        if add(&mut value, &random.next().to_le_bytes(), SPARSE_MAX).is_err() {
            assert_eq!(value, before);
        }
        let _ = merge_into(&mut value, &union, false, SPARSE_MAX);
    }
}

#[test]
fn adding_to_a_dense_value_marks_its_cache_as_stale() {
    let mut value = filled("x", 5000);
    assert_eq!(encoding(&value), Encoding::Dense);
    count(&mut value).unwrap();
    assert!(!add_dense(&mut value, b"x:1"));
    assert!(cached(&value).is_some());
    assert!((5000..).map(|n| format!("x:{n}")).any(|element| add_dense(&mut value, element.as_bytes())));
    assert_eq!(cached(&value), None);
}

#[test]
fn the_self_test_passes() {
    assert_eq!(self_test(), Ok(()));
}
