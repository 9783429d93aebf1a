//! Tests of outputs against a plain vector: order, marks, late headers, partial sends, and what memory they hold.

use super::*;
use crate::rng::Rng;
use std::sync::Arc;

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

/// What must hold between any two calls.
fn check(output: &Output) {
    assert!(output.slices().all(|slice| !slice.is_empty()));
    let Some(more) = &output.more else { return };
    let sealed: usize = more.blocks.iter().map(Vec::len).sum();
    assert_eq!(more.blocks_at + sealed, more.tail_at);
    assert!(more.blocks.iter().all(|block| !block.is_empty() && block.capacity() <= BLOCK_MAX));
    assert!(more.sent <= more.tail_at + output.tail.len());
    assert!(more.pieces.iter().is_sorted_by_key(|piece| piece.at));
    assert_eq!(more.pieces.iter().map(|piece| piece.as_slice().len()).sum::<usize>(), more.pieces_len);
}

/// Writes something random, and the same plainly.
fn write_random(rng: &mut Rng, output: &mut Output, blob: &Blob, plain: &mut Vec<u8>) {
    let magnitude = below(rng, 18);
    let len = below(rng, 1 << magnitude);
    match below(rng, 6) {
        0 => {
            let range = len / 2..len;
            output.share(blob.clone(), range.clone());
            plain.extend_from_slice(&blob[range]);
        }
        1 => {
            let text = &blob[..len % 100];
            output.room(text.len()).extend_from_slice(text);
            plain.extend_from_slice(text);
        }
        2 => {
            let mut other = Output::default();
            let mut others = Vec::new();
            for _ in 0..below(rng, 4) {
                write_random(rng, &mut other, blob, &mut others);
            }
            let sent = below(rng, others.len() + 1);
            other.advance(sent);
            output.append(&mut other);
            assert!(other.is_empty());
            plain.extend_from_slice(&others[sent..]);
        }
        3 => {
            let (opened, begin) = (output.open_deferred(), plain.len());
            for _ in 0..below(rng, 4) {
                write_random(rng, output, blob, plain);
            }
            let header = &blob[..1 + below(rng, HEADER_MAX)];
            output.close_deferred(opened, header);
            plain.splice(begin..begin, header.iter().copied());
        }
        _ => {
            output.put(&blob[..len]);
            plain.extend_from_slice(&blob[..len]);
        }
    }
}

#[test]
fn an_output_keeps_its_order_whatever_is_done_to_it() {
    let _late = crate::marks::expect("a late header becomes a piece");
    let _part = crate::marks::expect("an output is appended of which a part of a piece was sent");
    let _back = crate::marks::expect("an output is cut back over a block");
    let mut rng = Rng::seed(4);
    let blob: Blob = Arc::new((0..1 << 18).map(|i| (i * 7 / 3) as u8).collect());
    for round in 0..400 {
        let (mut output, mut expected, mut sent) = (Output::default(), Vec::new(), Vec::new());
        for _ in 0..below(&mut rng, 12) {
            let (mark, begin) = (output.mark(), expected.len());
            write_random(&mut rng, &mut output, &blob, &mut expected);
            assert_eq!(output.len_since(mark), expected.len() - begin);
            if below(&mut rng, 4) == 0 {
                output.truncate(mark);
                expected.truncate(begin);
            }
            check(&output);
            assert_eq!(output.len(), expected.len() - sent.len());
            let all = output.to_vec();
            assert!(all == expected[sent.len()..], "round {round}");
            let step = below(&mut rng, all.len() + 1);
            sent.extend_from_slice(&all[..step]);
            output.advance(step);
            check(&output);
        }
        sent.extend(output.to_vec());
        assert!(sent == expected, "round {round}");
        output.advance(output.len());
        assert_eq!((output.slices().count(), Arc::strong_count(&blob)), (0, 1));
    }
}

#[test]
fn what_nobody_takes_is_never_moved_and_holds_little_more_than_its_length() {
    let mut output = Output::default();
    let mut first = Vec::new();
    for number in 0..20_000u32 {
        output.put(&[number as u8; 100]);
        first.extend(output.slices().nth(number as usize / 2000).map(|block| (number / 2000, block.as_ptr())));
    }
    for (number, address) in first {
        assert_eq!(output.slices().nth(number as usize).map(<[u8]>::as_ptr), Some(address), "block {number} has moved");
    }
    assert_eq!(output.len(), 2_000_000);
    assert!(output.memory() < 2_000_000 + 2 * BLOCK_MAX, "holds {}", output.memory());
}

#[test]
fn an_output_that_is_never_empty_gives_back_what_is_sent() {
    let mut output = Output::default();
    output.put(&[b'x'; 1000]);
    for _ in 0..5000 {
        output.put(&[b'x'; 1000]);
        output.advance(output.len() / 2);
        assert!(output.memory() <= 2 * BLOCK_MAX + 1024, "holds {}", output.memory());
    }
}

#[test]
fn a_shared_piece_is_the_blob_itself_and_counts_as_held() {
    let blob: Blob = Arc::new(vec![b'b'; 100_000]);
    let mut outputs: Vec<Output> = (0..10).map(|_| Output::default()).collect();
    for output in &mut outputs {
        output.share(blob.clone(), 0..blob.len());
        assert_eq!(output.slices().next().map(<[u8]>::as_ptr), Some(blob.as_ptr()));
        assert!(output.memory() >= blob.len() && output.memory() < blob.len() + 1000);
    }
    assert_eq!(Arc::strong_count(&blob), 11);
    drop(outputs);
    assert_eq!(Arc::strong_count(&blob), 1);
}

#[test]
fn an_empty_output_keeps_one_block_of_the_length_that_it_is_told() {
    let mut output = Output::default();
    output.put(&[0; 3 * BLOCK_MAX]);
    output.clear();
    assert!(output.memory() < BLOCK_MAX + 1000);
    output.shrink_to(1000);
    assert!(output.memory() < 2000);
    output.put(b"x");
    assert_eq!(output.to_vec(), b"x");
}
