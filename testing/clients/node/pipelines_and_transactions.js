// Pipelines, transactions, and WATCH under contention.
'use strict';
const assert = require('node:assert/strict');
const { connect, main } = require('./common');

async function pipelines(client) {
  const mixed = await client.pipeline().set('k', 'v').pfadd('k', 'x').append('k', 'w').get('k').exec();
  assert.equal(mixed[0][1], 'OK');
  assert.match(mixed[1][0].message, /^WRONGTYPE/);
  assert.deepEqual(mixed.slice(2), [[null, 2], [null, 'vw']]);

  const count = 5000;
  const writes = client.pipeline();
  for (let n = 0; n < count; n += 1) writes.set(`p:${n}`, n);
  assert.ok((await writes.exec()).every(([error, reply]) => error === null && reply === 'OK'));
  const reads = client.pipeline();
  for (let n = 0; n < count; n += 1) reads.get(`p:${n}`);
  (await reads.exec()).forEach(([, value], n) => assert.equal(value, String(n)));

  const big = 'x'.repeat(4 << 20);
  const [, [, back], [, pong]] = await client.pipeline().set('big', big).get('big').ping().exec();
  assert.ok(back === big);
  assert.equal(pong, 'PONG');
}

async function rules(client) {
  const replies = await client.multi().set('t', '1').pfadd('t', 'x').incr('t').exec();
  assert.equal(replies[0][1], 'OK');
  assert.match(replies[1][0].message, /^WRONGTYPE/);
  assert.equal(replies[2][1], 2);
  await assert.rejects(client.multi().set('t', 'spoiled').call('GET').exec(), /EXECABORT/);
  assert.equal(await client.get('t'), '2');

  const other = connect();
  await client.watch('t');
  await other.set('t', '2');
  assert.equal(await client.multi().set('t', 'mine').exec(), null);
  await client.watch('t');
  await client.unwatch();
  await other.set('t', '3');
  assert.deepEqual(await client.multi().get('t').exec(), [[null, '3']]);
}

// Each connection adds by reading and writing; only WATCH keeps additions from being lost.
async function contention(client) {
  await client.set('sum', '0');
  const adder = async () => {
    const conn = connect();
    for (let round = 0; round < 25; ) {
      await conn.watch('sum');
      const value = Number(await conn.get('sum'));
      if ((await conn.multi().set('sum', value + 1).exec()) !== null) round += 1;
    }
    await conn.quit();
  };
  await Promise.all(Array.from({ length: 6 }, adder));
  assert.equal(await client.get('sum'), '150');
}

main(async (client) => {
  await pipelines(client);
  await rules(client);
  await contention(client);
});
