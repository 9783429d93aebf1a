//! Streams, as Redis 8.2.3 answers.

use super::*;
use References::{Acknowledged, Delete, Keep as KeepAll};

fn id(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn add(stream: &mut Stream, ms: u64) {
    stream.append(id(ms), [(&b"f"[..], &b"v"[..])].into_iter(), &BlockLimits::from_config(4096, 3));
}

/// Entries 1-0 to so many, in blocks of three.
fn numbered(count: u64) -> Stream {
    let mut stream = Stream::new();
    (1..=count).for_each(|ms| add(&mut stream, ms));
    stream
}

fn ids(stream: &Stream) -> Vec<u64> {
    stream.entries().iter().map(|entry| entry.id.ms).collect()
}

/// A consumer of the group reads so many new entries.
fn read(stream: &mut Stream, name: &[u8], count: usize) {
    let Reader { entries, progress, group } = stream.reader(name).expect("the group is there");
    let (consumer, _) = group.find_or_add(b"c", 0);
    let from = group.last_delivered.next().expect("ids go on");
    for entry in entries.range(from, StreamId::MAX).take(count) {
        progress.deliver(group, entry.id);
        group.give(entry.id, consumer, 0, 1);
    }
}

/// What XINFO GROUPS has as `entries-read` and `lag`.
fn shown(stream: &Stream) -> (Option<u64>, Option<u64>) {
    let group = stream.group(b"g").expect("the group is there");
    (group.entries_read, stream.progress().lag(group))
}

fn with_group(count: u64, last: u64) -> Stream {
    let mut stream = numbered(count);
    assert!(stream.add_group(b"g", Group::new(id(last), None)));
    stream
}

#[test]
fn a_group_counts_what_it_reads_from_the_start_or_the_end() {
    let mut stream = with_group(6, 0);
    assert_eq!(shown(&stream), (None, Some(6)));
    read(&mut stream, b"g", 2);
    assert_eq!(shown(&stream), (Some(2), Some(4)));
    assert_eq!(shown(&with_group(6, 6)), (None, Some(0)));
    assert_eq!(shown(&with_group(6, 3)), (None, None), "somewhere between");
    assert_eq!(shown(&with_group(6, 9)), (None, None), "ahead of all");
    let mut between = with_group(6, 3);
    read(&mut between, b"g", 2);
    assert_eq!(shown(&between), (None, None));
    read(&mut between, b"g", 1);
    assert_eq!(shown(&between), (Some(6), Some(0)), "the end is known");
}

#[test]
fn a_gap_ahead_makes_the_lag_unknown_until_it_is_passed() {
    let mut stream = with_group(6, 0);
    read(&mut stream, b"g", 2);
    stream.delete(id(4), KeepAll);
    assert_eq!(shown(&stream), (Some(2), None));
    read(&mut stream, b"g", 1);
    assert_eq!(shown(&stream), (None, None));
    read(&mut stream, b"g", 2);
    assert_eq!(shown(&stream), (Some(6), Some(0)));
}

#[test]
fn what_was_trimmed_is_not_ahead() {
    let mut stream = with_group(9, 0);
    read(&mut stream, b"g", 2);
    stream.trim(Keep::Last(4), KeepAll);
    assert_eq!(shown(&stream), (Some(2), Some(4)));
    read(&mut stream, b"g", 1);
    assert_eq!(shown(&stream), (Some(6), Some(3)));
    stream.trim(Keep::Last(0), KeepAll);
    assert_eq!(shown(&stream), (Some(6), Some(0)));
}

#[test]
fn an_empty_stream_remembers() {
    let mut stream = numbered(2);
    assert_eq!(stream.delete(id(2), KeepAll), Deletion::Deleted);
    assert_eq!(stream.delete(id(2), KeepAll), Deletion::Missing);
    stream.trim(Keep::Last(0), KeepAll);
    let known =
        |stream: &Stream| (stream.len(), stream.first_id(), stream.last_id(), stream.max_deleted(), stream.added());
    assert_eq!(known(&stream), (0, StreamId::MIN, id(2), id(2), 2));
    stream.set_last_id(id(9), Some(30), None);
    assert_eq!(known(&stream), (0, StreamId::MIN, id(9), id(2), 30));
    stream.check();
}

#[test]
fn entries_go_with_their_references_or_stay_for_them() {
    let mut stream = with_group(6, 0);
    assert!(stream.add_group(b"behind", Group::new(id(3), None)));
    assert!(!stream.add_group(b"behind", Group::default()));
    read(&mut stream, b"g", 3);
    assert!(stream.group_mut(b"g").is_some_and(|group| group.acknowledge(id(2))));
    assert_eq!(stream.delete(id(1), Acknowledged), Deletion::Referenced, "it is pending");
    assert_eq!(stream.delete(id(5), Acknowledged), Deletion::Referenced, "a group has not read it");
    assert_eq!(stream.delete(id(2), Acknowledged), Deletion::Deleted);
    assert_eq!(stream.delete(id(2), Acknowledged), Deletion::Missing);
    assert_eq!(stream.delete(id(1), KeepAll), Deletion::Deleted);
    assert_eq!(stream.delete(id(3), Delete), Deletion::Deleted);
    let pending = |stream: &Stream| stream.group(b"g").map_or(0, Group::pending_len);
    assert_eq!(pending(&stream), 1);
    assert_eq!(stream.delete(id(1), Delete), Deletion::Missing);
    assert_eq!((pending(&stream), ids(&stream)), (0, vec![4, 5, 6]), "references of what is gone go, too");
    assert_eq!(stream.remove_group(b"behind").map(|group| group.last_delivered), Some(id(3)));
    assert_eq!(stream.groups().map(|(name, _)| name.to_vec()).collect::<Vec<_>>(), [b"g"]);
}

#[test]
fn trimming_looks_at_references_only_when_it_is_exact() {
    let mut stream = with_group(9, 0);
    read(&mut stream, b"g", 5);
    assert!(stream.group_mut(b"g").is_some_and(|group| group.acknowledge(id(2))));
    assert_eq!(stream.trim_about(Keep::Last(2), usize::MAX, Acknowledged), 0);
    assert_eq!(stream.trim_about(Keep::Last(2), usize::MAX, Delete), 0);
    assert_eq!(stream.trim(Keep::Last(2), Acknowledged), 1);
    assert_eq!(ids(&stream), [1, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(stream.trim(Keep::From(id(5)), Delete), 3);
    assert_eq!(stream.group(b"g").map(Group::pending_len), Some(1));
    assert_eq!(stream.trim_about(Keep::Last(2), usize::MAX, KeepAll), 2, "all that is left of the block");
    assert_eq!(ids(&stream), [7, 8, 9]);
    stream.check();
}

/// What XINFO STREAM has as `radix-tree-keys` and `radix-tree-nodes`.
#[test]
fn the_radix_tree_is_that_of_redis() {
    assert_eq!(Stream::new().radix_tree(), (0, 1));
    assert_eq!([1, 4, 7].map(|count| numbered(count).radix_tree()), [(1, 2), (2, 6), (3, 8)]);
    let tree = |keys: &[[u8; 2]]| progress::radix_tree(keys.iter().copied());
    // A branch at the root, and no chains; then a branch below each of its bytes.
    assert_eq!(tree(&[[0, 0], [0, 1]]), (2, 4));
    assert_eq!(tree(&[[0, 0], [1, 0]]), (2, 5));
    assert_eq!(tree(&[[0, 0], [0, 1], [1, 0], [1, 1]]), (4, 7));
}

#[test]
fn a_small_stream_has_an_image_unless_it_has_groups() {
    let (mut image, mut again) = (Vec::new(), Vec::new());
    let mut stream = Stream::new();
    let mut ms = 0;
    while stream.put_image(&mut image, 384) {
        let mut copy = numbered(5);
        copy.become_image(vec![1; 9], &image);
        copy.check();
        assert!(copy.put_image(&mut again, 384));
        assert_eq!((format!("{copy:?}"), &again), (format!("{stream:?}"), &image));
        ms += 1;
        stream.append(id(ms), [(&b"f"[..], &b"v"[..])].into_iter(), &BlockLimits::from_config(4096, 100));
        if ms % 3 == 0 {
            stream.delete(id(ms - 1), KeepAll);
        }
    }
    assert_eq!(ms, 62);
    let mut grouped = numbered(1);
    assert!(grouped.put_image(&mut image, 384) && !grouped.put_image(&mut image, 9));
    assert!(grouped.add_group(b"g", Group::default()));
    assert!(!grouped.put_image(&mut image, 384));
    assert!(!numbered(4).put_image(&mut image, 384), "two blocks");
}
