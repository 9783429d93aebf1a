// A lock against stampedes with a safe release, and a rate limit, with many connections.
'use strict';
const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { connect, eventually, main, supports } = require('./common');

async function acquire(client, name, milliseconds = 30_000) {
  const token = randomBytes(16).toString('hex');
  return (await client.set(name, token, 'PX', milliseconds, 'NX')) === 'OK' ? token : null;
}

// Compares and deletes in an optimistic transaction: whoever changes the lock meanwhile wins.
async function releaseWatch(client, name, token) {
  for (;;) {
    await client.watch(name);
    if ((await client.get(name)) !== token) {
      await client.unwatch();
      return false;
    }
    const replies = await client.multi().del(name).exec();
    if (replies !== null) return replies[0][1] === 1;
  }
}

async function releaseDelifeq(client, name, token) {
  return (await client.call('DELIFEQ', name, token)) === 1;
}

async function lock(client, release) {
  const token = await acquire(client, 'lock');
  assert.ok(token);
  assert.equal(await acquire(client, 'lock'), null);
  assert.equal(await release(client, 'lock', 'another'), false);
  assert.equal(await release(client, 'lock', token), true);
  const old = await acquire(client, 'lock', 1);
  await eventually(async () => (await client.exists('lock')) === 0);
  const next = await acquire(client, 'lock');
  assert.equal(await release(client, 'lock', old), false);
  assert.equal(await release(client, 'lock', next), true);

  await client.del('value', 'computed');
  const reader = async () => {
    const conn = connect();
    while ((await conn.get('value')) === null) {
      const mine = await acquire(conn, 'lock');
      if (mine === null) continue;
      if ((await conn.get('value')) === null) {
        await conn.incr('computed');
        await conn.set('value', 'expensive', 'EX', 60);
      }
      assert.equal(await release(conn, 'lock', mine), true);
    }
    await conn.quit();
  };
  await Promise.all(Array.from({ length: 10 }, reader));
  assert.equal(await client.get('computed'), '1');
}

async function rateLimit() {
  const limit = 25;
  const hit = async (conn) => {
    const [[, hits]] = await conn.multi().incr('rate').expire('rate', 60, 'NX').exec();
    return hits <= limit;
  };
  const connections = Array.from({ length: 5 }, () => connect());
  const hits = connections.flatMap((conn) => Array.from({ length: 40 }, () => hit(conn)));
  const allowed = (await Promise.all(hits)).filter(Boolean).length;
  assert.equal(allowed, limit);
  assert.equal(await connections[0].get('rate'), '200');
  await assert.rejects(connections[0].set('text', 'abc').then(() => connections[0].incr('text')), {
    message: 'ERR value is not an integer or out of range',
  });
}

main(async (client) => {
  await lock(client, releaseWatch);
  if (await supports(client, 'DELIFEQ')) await lock(client, releaseDelifeq);
  await rateLimit();
});
