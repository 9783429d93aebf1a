// Feature flags in a hash, and a cart whose items end one by one.
'use strict';
const assert = require('node:assert/strict');
const { connect, eventually, main } = require('./common');

async function flags(client) {
  const names = ['a', 'b', 'c'];
  assert.equal(await client.hset('flags', Object.fromEntries(names.map((name) => [name, 'off']))), 3);
  assert.deepEqual(await client.hmget('flags', 'a', 'none', 'c'), ['off', null, 'off']);
  assert.deepEqual(await client.hgetall('flags'), { a: 'off', b: 'off', c: 'off' });
  const writer = connect();
  let writing = true;
  const write = (async () => {
    for (let round = 0; round < 200; round += 1) {
      const value = round % 2 ? 'on' : 'off';
      await writer.hset('flags', ...names.flatMap((name) => [name, value]));
    }
    writing = false;
  })();
  while (writing) {
    const values = await client.hvals('flags');
    assert.equal(new Set(values).size, 1, `a mixture: ${values}`);
  }
  await write;
  writer.disconnect();
  assert.equal(await client.hincrby('flags', 'uses', 2), 2);
  assert.equal(await client.hincrbyfloat('flags', 'uses', 0.5), '2.5');
  assert.equal(await client.hdel('flags', 'uses', 'none'), 1);
}

async function largeHash(client) {
  const count = 3000;
  const pipeline = client.pipeline();
  for (let number = 0; number < count; number += 1) pipeline.hset('large', `field:${number}`, number);
  await pipeline.exec();
  const seen = new Map();
  for await (const parts of client.hscanStream('large', { count: 100 })) {
    for (let at = 0; at < parts.length; at += 2) seen.set(parts[at], parts[at + 1]);
  }
  assert.equal(seen.size, count);
  assert.equal(seen.get('field:77'), '77');
  assert.equal((await client.hrandfield('large', 10)).length, 10);
}

async function cart(client) {
  await client.hset('cart', { user: 'ann', book: 1, pen: 3 });
  assert.deepEqual(await client.hexpire('cart', 900, 'FIELDS', 2, 'book', 'none'), [1, -2]);
  const [ttl] = await client.call('HTTL', 'cart', 'FIELDS', 1, 'book');
  assert.ok(ttl > 800 && ttl <= 900, `a TTL of ${ttl}`);
  assert.deepEqual(await client.call('HGETEX', 'cart', 'PERSIST', 'FIELDS', 1, 'book'), ['1']);
  await client.hpexpire('cart', 1, 'FIELDS', 2, 'book', 'pen');
  await eventually(async () => (await client.hlen('cart')) === 1);
  assert.deepEqual(await client.hgetall('cart'), { user: 'ann' });
  assert.deepEqual(await client.call('HGETDEL', 'cart', 'FIELDS', 1, 'user'), ['ann']);
  assert.equal(await client.exists('cart'), 0);
}

main(async (client) => {
  await flags(client);
  await largeHash(client);
  await cart(client);
});
