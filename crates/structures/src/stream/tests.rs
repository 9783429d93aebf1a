//! Entries and groups against maps of the standard library; small limits, so that blocks end often.

use super::group::Group;
use super::*;
use crate::testing::Draws;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const STEPS: usize = if cfg!(miri) { 150 } else { 3_000 };

fn word(draws: &mut Draws) -> Vec<u8> {
    match draws.below(12) {
        0 => vec![b'x'; [0, 63, 64, 111, 112, 300, 5_000][draws.below(7)]],
        1..5 => (draws.next() as i64 >> draws.below(64)).to_string().into_bytes(),
        _ => vec![b'y'; draws.below(20)],
    }
}

fn fields(draws: &mut Draws) -> Fields {
    const NAMES: [&[u8]; 4] = [b"user", b"7", b"action", b""];
    // Most have the same names, as in a real stream.
    if draws.below(3) > 0 {
        return vec![(b"user".to_vec(), word(draws)), (b"action".to_vec(), word(draws))];
    }
    (0..1 + draws.below(4)).map(|_| (NAMES[draws.below(4)].to_vec(), word(draws))).collect()
}

fn next_id(last: StreamId, draws: &mut Draws) -> StreamId {
    let id = match draws.below(6) {
        0..3 => StreamId::new(last.ms + 1 + draws.below_u64(3), draws.below_u64(2)),
        3 => StreamId::new(last.ms + (1 << draws.below(40)), draws.below_u64(1 << 40)),
        _ => StreamId::new(last.ms, last.seq.saturating_add(1 + draws.below_u64(3))),
    };
    if id > last { id } else { last.next().expect("the steps are few") }
}

fn pairs(fields: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    fields.iter().map(|(name, value)| (&name[..], &value[..]))
}

fn read(entry: &Entry<'_>) -> (StreamId, Fields) {
    assert_eq!(entry.len(), entry.fields().len());
    (entry.id, entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
}

fn near(model: &BTreeMap<StreamId, Fields>, last: StreamId, draws: &mut Draws) -> StreamId {
    let known = model.keys().nth(draws.below(model.len() + 1)).copied().unwrap_or(last);
    match draws.below(4) {
        0 => known.next().unwrap_or(StreamId::MAX),
        1 => known.previous().unwrap_or(StreamId::MIN),
        _ => known,
    }
}

fn assert_same(entries: &Entries, model: &BTreeMap<StreamId, Fields>, last: StreamId, draws: &mut Draws) {
    entries.check();
    assert_eq!(entries.len(), model.len());
    let (from, to) = (near(model, last, draws), near(model, last, draws));
    let wanted = |from: StreamId, to| model.iter().filter(move |(id, _)| (from..=to).contains(id));
    for (from, to) in [(StreamId::MIN, StreamId::MAX), (from, to), (from, StreamId::MAX), (StreamId::MIN, to)] {
        let wanted: Vec<_> = wanted(from, to).map(|(id, fields)| (*id, fields.clone())).collect();
        assert!(entries.range(from, to).map(|entry| read(&entry)).eq(wanted.iter().cloned()));
        assert!(entries.range(from, to).rev().map(|entry| read(&entry)).eq(wanted.iter().rev().cloned()));
        let about = entries.count_about(from, to, usize::MAX);
        assert!(about >= wanted.len() && about <= model.len());
        assert!(entries.count_about(from, to, 5) >= wanted.len().min(5));
    }
    assert_eq!(entries.get(from).map(|entry| read(&entry).1), model.get(&from).cloned());
    assert_eq!(entries.first().map(|entry| entry.id), model.keys().next().copied());
    assert_eq!(entries.last().map(|entry| entry.id), model.keys().next_back().copied());
}

/// What trimming has to leave of the model.
fn trim_model(model: &mut BTreeMap<StreamId, Fields>, keep: Keep) {
    match keep {
        Keep::Last(count) => {
            while model.len() > count {
                model.pop_first();
            }
        }
        Keep::From(id) => *model = model.split_off(&id),
    }
}

fn step(entries: &mut Entries, model: &mut BTreeMap<StreamId, Fields>, last: &mut StreamId, draws: &mut Draws) {
    let limits = BlockLimits::from_config([0, 200, 900][draws.below(3)], [0, 7, 30][draws.below(3)]);
    match draws.below(100) {
        0..70 => {
            let fields = fields(draws);
            *last = next_id(*last, draws);
            entries.append(*last, pairs(&fields), &limits);
            model.insert(*last, fields);
        }
        70..96 => {
            let id = near(model, *last, draws);
            assert_eq!(entries.delete(id), model.remove(&id).is_some());
        }
        chosen => {
            let id = near(model, *last, draws);
            let keep =
                if chosen % 2 == 0 { Keep::Last(model.len().saturating_sub(draws.below(40))) } else { Keep::From(id) };
            let before = model.len();
            if chosen < 98 {
                trim_model(model, keep);
                assert_eq!(entries.trim(keep), before - model.len());
            } else {
                let deleted = entries.trim_blocks(keep, draws.below(50));
                let left = before - deleted;
                let mut least = model.clone();
                trim_model(&mut least, keep);
                assert!(left >= least.len(), "too much was trimmed");
                trim_model(model, Keep::Last(left));
            }
        }
    }
}

#[test]
fn entries_agree_with_a_map() {
    for seed in 0..6 {
        let mut draws = Draws(seed);
        let (mut entries, mut model, mut last) = (Entries::new(), BTreeMap::new(), StreamId::MIN);
        for count in 0..STEPS {
            step(&mut entries, &mut model, &mut last, &mut draws);
            if count % 100 == 0 {
                assert_same(&entries, &model, last, &mut draws);
            }
        }
        assert_same(&entries, &model, last, &mut draws);
        let copy = entries.clone();
        while let Some(id) = entries.first().map(|entry| entry.id) {
            assert!(entries.delete(id) && model.remove(&id).is_some());
        }
        assert_same(&entries, &model, last, &mut draws);
        copy.check();
    }
}

fn numbered(count: u64, limits: &BlockLimits) -> Entries {
    let mut entries = Entries::new();
    for number in 1..=count {
        entries.append(StreamId::new(number, 0), [(&b"f"[..], &b"v"[..])].into_iter(), limits);
    }
    entries
}

fn ids(entries: &Entries) -> Vec<u64> {
    entries.iter().map(|entry| entry.id.ms).collect()
}

/// As Redis 8.2.3 answers to XTRIM with these words, for entries 1 to 9 in nodes of 3.
#[test]
fn trimming_removes_what_redis_removes() {
    let limits = BlockLimits::from_config(0, 3);
    let about = |keep, limit| {
        let mut entries = numbered(9, &limits);
        entries.trim_blocks(keep, limit);
        entries.check();
        ids(&entries)
    };
    assert_eq!(about(Keep::Last(4), usize::MAX), [4, 5, 6, 7, 8, 9]);
    assert_eq!(about(Keep::Last(0), 7), [7, 8, 9]);
    assert_eq!(about(Keep::Last(0), 2).len(), 9);
    assert_eq!(about(Keep::Last(0), usize::MAX), [0; 0]);
    assert_eq!(about(Keep::From(StreamId::new(6, 0)), usize::MAX), [4, 5, 6, 7, 8, 9]);
    assert_eq!(about(Keep::From(StreamId::new(6, 1)), usize::MAX), [7, 8, 9]);
    let acknowledged = |keep, pending: &[u64]| {
        let mut entries = numbered(9, &limits);
        entries.trim_where(keep, &mut |id| !pending.contains(&id.ms));
        entries.check();
        (ids(&entries), entries.blocks().len())
    };
    assert_eq!(acknowledged(Keep::Last(0), &[2, 5]), (vec![2, 5], 2));
    assert_eq!(acknowledged(Keep::Last(4), &[2]), (vec![2, 7, 8, 9], 2));
    assert_eq!(acknowledged(Keep::Last(4), &[2, 5]), (vec![2, 5, 8, 9], 3));
    assert_eq!(acknowledged(Keep::Last(4), &[4, 5, 6]), (vec![4, 5, 6, 7, 8, 9], 2));
    assert_eq!(acknowledged(Keep::Last(2), &[2, 5]), (vec![2, 5], 2));
    assert_eq!(acknowledged(Keep::Last(4), &[1, 2, 3, 4, 5]), (vec![1, 2, 3, 4, 5], 2));
    assert_eq!(acknowledged(Keep::From(StreamId::new(8, 0)), &[2, 5]), (vec![2, 5, 8, 9], 3));
}

/// A block is measured to its last entry, be it deleted; what is trimmed within a block leaves it.
#[test]
fn a_block_may_be_left_without_entries() {
    let mut entries = numbered(3, &BlockLimits::from_config(0, 3));
    assert!(entries.delete(StreamId::new(3, 0)));
    assert_eq!(entries.trim(Keep::From(StreamId::new(3, 0))), 2);
    entries.check();
    assert_eq!((entries.len(), entries.blocks().len()), (0, 1));
    assert_eq!((entries.first().map(|entry| entry.id), entries.last_of_all()), (None, Some(StreamId::new(3, 0))));
    entries.append(StreamId::new(4, 0), [(&b"f"[..], &b"v"[..])].into_iter(), &BlockLimits::from_config(0, 4));
    assert_eq!((entries.blocks().len(), ids(&entries)), (1, vec![4]));
    assert!(entries.delete(StreamId::new(4, 0)));
    assert_eq!(entries.blocks().len(), 0);
}

#[test]
fn the_block_before_takes_entries_again_when_the_last_is_gone() {
    let add = |entries: &mut Entries, ms, value: &[u8]| {
        let limits = BlockLimits::from_config(100, 0);
        entries.append(StreamId::new(ms, 0), [(&b"f"[..], value)].into_iter(), &limits);
    };
    let mut entries = Entries::new();
    add(&mut entries, 1, b"v");
    add(&mut entries, 2, &[b'x'; 90]);
    assert_eq!(entries.blocks().len(), 2);
    assert!(entries.delete(StreamId::new(2, 0)));
    add(&mut entries, 3, b"v");
    entries.check();
    assert_eq!((entries.blocks().len(), ids(&entries)), (1, vec![1, 3]));
}

#[test]
fn what_is_out_of_order_is_no_block() {
    let value = || [PackedElement::Int(1)].into_iter();
    let id = |ms| StreamId::new(ms, 0);
    let block = |first| NewBlock::new(id(first), 1, value());
    let mut entries = Entries::new();
    assert_eq!(entries.push_block(block(1)), Err(OutOfOrder), "there is no entry");
    let mut one = block(1);
    assert_eq!(one.push_same(id(0), false, value()), Err(OutOfOrder));
    assert_eq!(one.push_same(id(1), true, value()), Ok(()));
    assert_eq!(one.push_same(id(1), false, value()), Err(OutOfOrder));
    assert_eq!(one.push_own(id(5), false, 1, value().zip(value())), Ok(()));
    assert_eq!(entries.push_block(one), Ok(()));
    let mut late = block(5);
    assert_eq!(late.push_same(id(6), false, value()), Ok(()));
    assert_eq!(entries.push_block(late), Err(OutOfOrder));
    entries.check();
    assert_eq!(entries.len(), 1);
}

#[test]
fn an_entry_costs_little_more_than_its_values() {
    let count = if cfg!(miri) { 500 } else { 100_000 };
    let mut entries = Entries::new();
    for number in 0..count {
        let number = number.to_string();
        let fields = [(&b"user"[..], number.as_bytes()), (b"action", b"click")];
        let id = StreamId::new(number.parse().unwrap_or(0) + 1, 0);
        entries.append(id, fields.into_iter(), &BlockLimits::from_config(4096, 100));
    }
    let each = entries.memory() as f64 / f64::from(count);
    assert!(each < 15.0 || cfg!(miri), "{each}");
}

#[derive(Clone, Debug, Default)]
struct GroupModel {
    consumers: BTreeMap<Vec<u8>, i64>,
    pending: BTreeMap<StreamId, (Vec<u8>, i64, u64)>,
}

fn group_step(group: &mut Group, model: &mut GroupModel, now: i64, draws: &mut Draws) {
    let name = vec![b'c'; draws.below(6)];
    let id = StreamId::new(draws.below_u64(200), 0);
    match draws.below(20) {
        0..10 => {
            let (consumer, is_new) = group.find_or_add(&name, now);
            assert_eq!(is_new, !model.consumers.contains_key(&name));
            model.consumers.entry(name.clone()).or_insert(now);
            group.give(id, consumer, now, 3);
            model.pending.insert(id, (name, now, 3));
        }
        10..16 => assert_eq!(group.acknowledge(id), model.pending.remove(&id).is_some()),
        16..19 => {
            let nack = group.nack_mut(id);
            assert_eq!(nack.is_some(), model.pending.contains_key(&id));
            if let Some(nack) = nack {
                nack.deliveries += 1;
                model.pending.entry(id).and_modify(|(_, _, deliveries)| *deliveries += 1);
            }
        }
        _ => {
            let wanted = model.consumers.remove(&name).map(|_| {
                let before = model.pending.len();
                model.pending.retain(|_, (owner, ..)| *owner != name);
                before - model.pending.len()
            });
            assert_eq!(group.remove_consumer(&name), wanted);
        }
    }
}

fn assert_same_group(group: &Group, model: &GroupModel, draws: &mut Draws) {
    group.check();
    let consumers = group.consumers().map(|(_, consumer)| (consumer.name().to_vec(), consumer.seen_ms));
    assert!(consumers.eq(model.consumers.clone()));
    let (from, to) = (StreamId::new(draws.below_u64(200), 0), StreamId::new(draws.below_u64(200), 0));
    for (from, to) in [(from, to), (StreamId::MIN, StreamId::MAX)] {
        let wanted = model.pending.iter().filter(|(id, _)| (from..=to).contains(*id));
        let found = group.pending(from, to).map(|(id, nack)| {
            let owner = group.consumer(nack.consumer()).name().to_vec();
            (id, (owner, nack.delivered_ms, nack.deliveries))
        });
        assert!(found.eq(wanted.clone().map(|(id, known)| (*id, known.clone()))));
        for (consumer, found) in group.consumers() {
            let wanted = wanted.clone().filter(|(_, (owner, ..))| owner == found.name()).map(|(id, _)| *id);
            assert!(group.pending_of(consumer, from, to).map(|(id, _)| id).eq(wanted));
        }
    }
    let owned = |name| model.pending.values().filter(|(owner, ..)| owner == name).count();
    assert!(group.consumers().all(|(_, found)| found.pending_len() == owned(found.name())));
}

#[test]
fn a_group_agrees_with_maps() {
    for seed in 0..6 {
        let mut draws = Draws(seed);
        let (mut group, mut model) = (Group::default(), GroupModel::default());
        for now in 0..STEPS {
            group_step(&mut group, &mut model, now as i64, &mut draws);
            if now % 50 == 0 {
                assert_same_group(&group, &model, &mut draws);
            }
        }
        assert_same_group(&group, &model, &mut draws);
        assert!(group.memory() > 0);
    }
}
