// A reliable work queue: BLMOVE into a list per worker, and a worker that dies with a job in its hands.
'use strict';
const assert = require('node:assert/strict');
const { connect, eventually, main } = require('./common');

const JOBS = 200;
const WORKERS = 4;

async function blocked(client) {
  const [, count] = (await client.info('clients')).match(/blocked_clients:(\d+)/);
  return Number(count);
}

async function work(name, diesAfter) {
  const conn = connect();
  for (let taken = 1; ; taken += 1) {
    const job = await conn.blmove('jobs', `doing:${name}`, 'LEFT', 'RIGHT', 10);
    assert.notEqual(job, null, 'the queue ran dry');
    if (taken === diesAfter) {
      conn.disconnect();
      return;
    }
    const done = conn.multi().lrem(`doing:${name}`, 1, job);
    if (job !== 'stop') done.rpush('done', job);
    const [[, removed]] = await done.exec();
    assert.equal(removed, 1, "the job was in the worker's own list");
    if (job === 'stop') {
      await conn.quit();
      return;
    }
  }
}

async function queue(client) {
  const workers = Array.from({ length: WORKERS }, (_, name) => work(name));
  let dead = false;
  const dying = work('dying', 3).then(() => {
    dead = true;
  });
  await eventually(async () => (await blocked(client)) === WORKERS + 1);
  const jobs = Array.from({ length: JOBS }, (_, job) => `job:${job}`);
  await Promise.all(jobs.map((job) => client.rpush('jobs', job)));
  await eventually(async () => {
    // Others may have been faster: it dies of its third job, whichever that is.
    if (!dead) await client.rpush('jobs', 'extra');
    return dead;
  });
  await dying;
  // What the dead worker held goes back to the front of the queue.
  assert.equal(await client.llen('doing:dying'), 1);
  assert.notEqual(await client.lmove('doing:dying', 'jobs', 'RIGHT', 'LEFT'), null);
  for (let worker = 0; worker < WORKERS; worker += 1) await client.rpush('jobs', 'stop');
  await Promise.all(workers);
  const done = (await client.lrange('done', 0, -1)).filter((job) => job !== 'extra');
  assert.deepEqual(done.sort(), jobs.sort());
  assert.equal(await client.exists('jobs', 'doing:dying', 'doing:0'), 0);
}

async function priorities(client) {
  await client.rpush('low', 'l1', 'l2');
  await client.rpush('high', 'h1');
  for (const expected of ['h1', 'l1', 'l2']) {
    const [, job] = await client.blpop('high', 'low', 1);
    assert.equal(job, expected);
  }
  assert.equal(await client.blpop('high', 'low', 0.02), null);
  const conn = connect();
  const waiting = conn.brpop('later', 0);
  await eventually(async () => (await blocked(client)) === 1);
  await client.multi().rpush('later', 'a').rpush('later', 'b').exec();
  assert.deepEqual(await waiting, ['later', 'b']);
}

main(async (client) => {
  await queue(client);
  await priorities(client);
});
