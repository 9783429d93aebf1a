//! Streams against maps: their entries, and a group that reads them.
//!
//! A round is a few hundred random steps under limits that change as they do by CONFIG SET, then `check()` and a
//! comparison.

use crate::models::{draw, string};
use base::rng::Rng;
use std::collections::BTreeMap;
use structures::stream::group::Group;
use structures::stream::{BlockLimits, Entries, Entry, Keep, StreamId};

const STEPS: u64 = 300;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type Model = BTreeMap<StreamId, Fields>;

fn fields(rng: &mut Rng) -> Fields {
    let same = rng.below(2) == 0;
    let count = if same { 2 } else { 1 + rng.below(5) };
    (0..count).map(|number| (if same { vec![number as u8] } else { string(rng) }, string(rng))).collect()
}

fn next_id(last: StreamId, rng: &mut Rng) -> StreamId {
    let bits = rng.below(64);
    let far = 1 + rng.below(1 << bits);
    match rng.below(3) {
        0 => last.ms.checked_add(far).map(|ms| StreamId::new(ms, far)),
        1 => last.seq.checked_add(far).map(|seq| StreamId { seq, ..last }),
        _ => last.next(),
    }
    .unwrap_or(StreamId::MAX)
}

/// An id of an entry, or one beside it.
fn near(model: &Model, rng: &mut Rng) -> StreamId {
    let known = model.keys().nth(draw(rng, model.len() + 1)).copied().unwrap_or_default();
    match rng.below(4) {
        0 => known.next().unwrap_or(known),
        1 => known.previous().unwrap_or(known),
        _ => known,
    }
}

fn read(entry: Entry<'_>) -> (StreamId, Fields) {
    (entry.id, entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
}

/// What exact trimming leaves.
fn kept(model: &Model, keep: Keep) -> Model {
    match keep {
        Keep::Last(count) => model.iter().rev().take(count).map(|(id, fields)| (*id, fields.clone())).collect(),
        Keep::From(id) => model.range(id..).map(|(id, fields)| (*id, fields.clone())).collect(),
    }
}

fn trim(entries: &mut Entries, model: &mut Model, rng: &mut Rng) {
    let keep = if rng.below(2) == 0 { Keep::Last(draw(rng, model.len() + 9)) } else { Keep::From(near(model, rng)) };
    let (before, least) = (model.len(), kept(model, keep));
    match rng.below(3) {
        0 => {
            assert_eq!(entries.trim(keep), before - least.len());
            *model = least;
        }
        1 => {
            let limit = draw(rng, 100);
            let deleted = entries.trim_blocks(keep, limit);
            assert!(deleted <= limit && before - deleted >= least.len());
            *model = kept(model, Keep::Last(before - deleted));
        }
        _ => {
            // What may not go stays, and nothing goes that is to be kept by its id.
            let odd = |id: StreamId| id.seq % 2 == 1;
            let deleted = entries.trim_where(keep, &mut |id| !odd(id));
            let after: Model = entries.iter().map(read).collect();
            assert_eq!(before - deleted, after.len());
            assert!(model.iter().all(|(id, fields)| after.get(id) == Some(fields) || !odd(*id)));
            if let Keep::From(first) = keep {
                assert!(model.range(first..).all(|(id, _)| after.contains_key(id)));
            }
            *model = after;
        }
    }
}

pub fn entries(rng: &mut Rng) {
    let (mut entries, mut model, mut last) = (Entries::new(), Model::new(), StreamId::MIN);
    for _ in 0..rng.below(STEPS) {
        let limits = BlockLimits::from_config(draw(rng, 3) * 300, draw(rng, 3) * 9);
        match rng.below(20) {
            0..14 if last < StreamId::MAX => {
                let fields = fields(rng);
                last = next_id(last, rng);
                let pairs = fields.iter().map(|(name, value)| (&name[..], &value[..]));
                entries.append(last, pairs, &limits);
                model.insert(last, fields);
            }
            19 => trim(&mut entries, &mut model, rng),
            _ => {
                let id = near(&model, rng);
                assert_eq!(entries.get(id).map(read).map(|(_, fields)| fields), model.get(&id).cloned());
                assert_eq!(entries.delete(id), model.remove(&id).is_some());
            }
        }
    }
    entries.check();
    assert!(entries.iter().map(read).eq(model.clone()));
    let (from, to) = (near(&model, rng), near(&model, rng));
    let wanted = model.keys().filter(|id| (from..=to).contains(*id)).rev();
    assert!(entries.range(from, to).rev().map(|entry| entry.id).eq(wanted.copied()));
}

pub fn groups(rng: &mut Rng) {
    let (mut group, mut model) = (Group::default(), BTreeMap::<u64, (Vec<u8>, u64)>::new());
    for _ in 0..rng.below(2 * STEPS) {
        let (seq, name) = (rng.below(60), string(rng));
        let id = StreamId::new(0, seq);
        match rng.below(8) {
            0..4 => {
                let owner = model.values().nth(draw(rng, model.len() + 1)).map(|(owner, _)| owner.clone());
                let name = owner.unwrap_or(name);
                let (consumer, _) = group.find_or_add(&name, 0);
                group.give(id, consumer, 0, seq);
                model.insert(seq, (name, seq));
            }
            4..7 => assert_eq!(group.acknowledge(id), model.remove(&seq).is_some()),
            _ => {
                let owner = model.values().next().map(|(owner, _)| owner.clone()).unwrap_or(name);
                let pending = model.values().filter(|(other, _)| *other == owner).count();
                let removed = group.remove_consumer(&owner);
                assert_eq!(removed.unwrap_or(0), pending);
                model.retain(|_, (other, _)| *other != owner);
            }
        }
    }
    group.check();
    let found = group.pending(StreamId::MIN, StreamId::MAX);
    let named = found.map(|(id, nack)| (id.seq, (group.consumer(nack.consumer()).name().to_vec(), nack.deliveries)));
    assert!(named.eq(model));
}
