// A leaderboard with many updates in flight, a sliding-window limit and a search of places.
'use strict';
const assert = require('node:assert/strict');
const { connect, main } = require('./common');

const PLAYERS = 20_000;
const scoreOf = (n) => (n * 7919) % 20_011;

async function leaderboard(client) {
  const pipeline = client.pipeline();
  for (let n = 0; n < PLAYERS; n++) pipeline.zadd('board', scoreOf(n), `player:${n}`);
  for (const [error, added] of await pipeline.exec()) assert.deepEqual([error, added], [null, 1]);
  const ranking = Array.from({ length: PLAYERS }, (_, n) => n).sort((a, b) => scoreOf(a) - scoreOf(b));
  // Commands that are sent without waiting share round trips.
  const ranks = await Promise.all(ranking.slice(0, 500).map((n) => client.zrank('board', `player:${n}`)));
  assert.deepEqual(ranks, Array.from({ length: 500 }, (_, rank) => rank));
  const top = await client.zrevrange('board', 0, 9);
  assert.deepEqual(top, ranking.slice(-10).reverse().map((n) => `player:${n}`));
  const page = await client.zrangebyscore('board', 1000, '+inf', 'LIMIT', 5, 3);
  const first = ranking.findIndex((n) => scoreOf(n) >= 1000);
  assert.deepEqual(page, ranking.slice(first + 5, first + 8).map((n) => `player:${n}`));
  assert.equal(await client.zincrby('board', 1e6, 'player:3'), String(scoreOf(3) + 1e6));
  assert.equal(await client.zrevrank('board', 'player:3'), 0);
  assert.equal(await client.zcard('board'), PLAYERS);
  const members = new Set();
  for await (const found of client.zscanStream('board', { count: 1000 })) {
    for (let at = 0; at < found.length; at += 2) members.add(found[at]);
  }
  assert.equal(members.size, PLAYERS);
}

async function slidingWindow() {
  const LIMIT = 20;
  const allow = async (client, hit) => {
    const now = Date.now();
    const replies = await client.multi().zremrangebyscore('window', '-inf', now - 600_000).zadd('window', now, hit)
      .zcard('window').pexpire('window', 600_000).exec();
    return replies[2][1] <= LIMIT;
  };
  const hits = Array.from({ length: 4 }, (_, c) => connect()).flatMap((client, c) =>
    Array.from({ length: 50 }, (_, n) => allow(client, `${c}:${n}`)));
  assert.equal((await Promise.all(hits)).filter(Boolean).length, LIMIT);
}

async function places(client) {
  await client.geoadd('sicily', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
  assert.equal(await client.geodist('sicily', 'Palermo', 'Catania', 'km'), '166.2742');
  const found = await client.geosearch('sicily', 'FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km', 'ASC', 'WITHDIST');
  assert.deepEqual(found, [['Catania', '56.4413'], ['Palermo', '190.4424']]);
  const inside = await client.geosearch('sicily', 'FROMMEMBER', 'Palermo', 'BYBOX', 10, 10, 'km');
  assert.deepEqual(inside, ['Palermo']);
}

main(async (client) => {
  await leaderboard(client);
  await slidingWindow();
  await places(client);
});
