// Cache-aside with a TTL, sessions with a sliding expiry, feature flags read in one go.
'use strict';
const assert = require('node:assert/strict');
const { connect, eventually, main } = require('./common');

async function cacheAside(cache) {
  const database = new Map(Array.from({ length: 50 }, (_, n) => [`item:${n}`, `value ${n}`]));
  let loads = 0;
  const load = async (key) => {
    const cached = await cache.get(key);
    if (cached !== null) return cached;
    loads += 1;
    assert.equal(await cache.set(key, database.get(key), 'EX', 60), 'OK');
    return database.get(key);
  };
  for (let round = 0; round < 3; round += 1) {
    // ioredis sends what is asked for at the same time as one pipeline.
    const values = await Promise.all([...database.keys()].map(load));
    assert.deepEqual(values, [...database.values()]);
  }
  assert.equal(loads, database.size);
  const ttl = await cache.ttl('item:1');
  assert.ok(ttl > 50 && ttl <= 60, `a TTL of ${ttl}`);
  assert.equal(await cache.del('item:1', 'missing'), 1);
  await load('item:1');
  assert.equal(loads, database.size + 1);
  await cache.pexpire('item:2', 1);
  await eventually(async () => (await cache.get('item:2')) === null);

  const blob = Buffer.from(Array.from({ length: 65_536 }, (_, n) => n % 256));
  await cache.set('blob', blob);
  assert.ok((await cache.getBuffer('blob')).equals(blob));
}

async function sessions(store) {
  const seconds = 1800;
  assert.equal(await store.setex('session:a', seconds, JSON.stringify({ user: 'ann' })), 'OK');
  await store.expire('session:a', 10);
  assert.equal(JSON.parse(await store.getex('session:a', 'EX', seconds)).user, 'ann');
  assert.ok((await store.ttl('session:a')) > seconds - 60);
  assert.equal(await store.set('session:a', '{}', 'KEEPTTL'), 'OK');
  assert.ok((await store.ttl('session:a')) > seconds - 60);
  assert.equal(await store.getdel('session:a'), '{}');
  assert.equal(await store.getex('session:a', 'EX', seconds), null);
  await store.psetex('session:b', 1, 'x');
  await eventually(async () => (await store.exists('session:b')) === 0);
}

async function flags(client) {
  const names = ['flag:a', 'flag:b', 'flag:c'];
  assert.equal(await client.mset(Object.fromEntries(names.map((name) => [name, 'off']))), 'OK');
  assert.deepEqual(await client.mget('flag:a', 'none', 'flag:c'), ['off', null, 'off']);
  const writer = connect();
  let writing = true;
  const write = (async () => {
    for (let round = 0; round < 200; round += 1) {
      const value = round % 2 ? 'on' : 'off';
      await writer.mset(...names.flatMap((name) => [name, value]));
    }
    writing = false;
  })();
  while (writing) {
    const values = new Set(await client.mget(names));
    assert.equal(values.size, 1, 'a reader saw half of a MSET');
  }
  await write;
  const found = new Set();
  for await (const keys of client.scanStream({ match: 'flag:*', count: 5 })) {
    keys.forEach((key) => found.add(key));
  }
  assert.deepEqual([...found].sort(), names);
}

main(async (client) => {
  await cacheAside(client);
  await sessions(client);
  await flags(client);
});
