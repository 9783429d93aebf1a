//! The index against the tables, through every kind of change that the door offers.

use crate::effects::Effects;
use crate::event::Event;
use crate::keyspace::{Keyspace, Shape};
use crate::locked::{LockedKeys, Place, Scope, Slot};
use crate::shard::reclaim::Reclaimer;
use base::rng::Rng;
use structures::dict::NewValue;
use structures::hash::Hasher;
use value::Hash;
use value::hash::{Rules, Ttl};

const NAMES: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"e", b"f"];

/// One change of one key, of any of the kinds that the door offers.
fn change(keys: &mut LockedKeys<'_>, rng: &mut Rng, now_ms: u64, entries_max: usize) {
    let place = |rng: &mut Rng, keys: &LockedKeys<'_>| {
        let name = NAMES[rng.below(6) as usize];
        Place { db: rng.below(2) as usize, key: keys.key(name) }
    };
    let (one, other) = (place(rng, keys), place(rng, keys));
    let field = NAMES[rng.below(6) as usize];
    let span = 1 << (rng.below(5) * 8);
    let deadline = (rng.below(3) > 0).then(|| now_ms + 1 + rng.below(span));
    let rules = Rules { entries_max, value_max: 64, hasher: keys.keyspace().hasher(), now_ms };
    let set = |hash: &mut Hash| {
        hash.set(field, b"v", Ttl::Clear, &rules);
        hash.set_deadline(field, deadline, now_ms);
    };
    match (rng.below(12), keys.slot_in(one.db, &one.key)) {
        (0..5, Slot::Occupied(occupied)) => {
            // A string is left as it is.
            let _ = occupied.update(|hash: &mut Hash, update| {
                if hash.len() > 3 {
                    hash.remove(field);
                } else {
                    set(hash)
                }
                update.changed(1, Event::NONE);
            });
        }
        (0..5, Slot::Vacant(vacant)) => {
            let mut hash = Hash::new();
            set(&mut hash);
            vacant.create(hash, 1, Event::NONE);
        }
        (5, slot) => drop(slot.set(NewValue::Int(1), None, Event::SET)),
        (6, slot) => drop(slot.set(NewValue::Bytes(b"x"), Some(now_ms + 3), Event::SET)),
        (7, Slot::Occupied(occupied)) => occupied.delete(Event::DEL),
        (8, Slot::Occupied(occupied)) => drop(occupied.take(Event::DEL)),
        (9, Slot::Occupied(mut occupied)) => occupied.set_deadline(Some(now_ms + 5), Event::EXPIRE),
        (10, _) if !one.is(&other) => drop(keys.relocate(&one, &other, Event::NONE, Event::NONE)),
        (11, _) if !one.is(&other) => drop(keys.duplicate(&one, &other, true, Event::NONE)),
        _ => match rng.below(20) {
            0 => keys.swap_dbs(0, 1),
            1 => drop(keys.take_dbs(Some(1))),
            _ => {}
        },
    }
}

#[test]
fn the_index_holds_the_hashes_with_deadlines_and_no_others() {
    let mut expired = 0;
    for seed in 0..20 {
        let mut rng = Rng::seed(seed);
        let (reclaimer, _garbage) = Reclaimer::new();
        let shape = Shape { shards: 2, databases: 2 };
        let keyspace = Keyspace::new(shape, Hasher::new(1, 2), reclaimer);
        let mut effects = Effects::new(Rng::seed(1));
        effects.turn.now_ms = 1_700_000_000_000;
        for _ in 0..400 {
            effects.turn.now_ms += rng.below(4);
            let now_ms = effects.turn.now_ms;
            let mut keys = LockedKeys::lock(&keyspace, Scope::All, 0, &mut effects);
            change(&mut keys, &mut rng, now_ms, [512, 1][seed as usize % 2]);
            drop(keys);
            if rng.below(3) == 0 {
                for shard in 0..2 {
                    keyspace.expire_shard(shard, 3, &mut (1 + rng.below(5) as usize), &mut effects, None);
                }
            }
            for shard in &keyspace.shards {
                shard.lock().dbs.iter().for_each(|(_, db)| db.subexpiry.check(&db.table));
            }
        }
        expired += effects.counters.expired_fields;
    }
    assert!(expired > 100, "{expired} fields");
}
