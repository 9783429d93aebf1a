// ioredis as a subscriber: channels, patterns, binary messages, and a connection that subscribes again when it was lost.
'use strict';
const assert = require('node:assert/strict');
const { connect, eventually, main } = require('./common');

async function channels(client) {
  const subscriber = connect();
  const heard = [];
  subscriber.on('message', (channel, text) => heard.push([channel, text]));
  subscriber.on('pmessage', (pattern, channel, text) => heard.push([pattern, channel, text]));
  assert.equal(await subscriber.subscribe('news', 'sport'), 2);
  assert.equal(await subscriber.psubscribe('n*'), 3);
  assert.equal(await client.publish('news', 'a'), 2);
  assert.equal(await client.publish('sport', 'b'), 1);
  assert.equal(await client.publish('none', 'c'), 1);
  await eventually(() => heard.length === 4);
  assert.deepEqual(heard, [['news', 'a'], ['n*', 'news', 'a'], ['sport', 'b'], ['n*', 'none', 'c']]);
  assert.equal(await subscriber.unsubscribe('news', 'sport'), 1);
  assert.equal(await subscriber.punsubscribe('n*'), 0);
  assert.equal(await subscriber.get('k'), null);
}

async function binary(client) {
  const subscriber = connect();
  const payload = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => at % 256));
  const received = new Promise((resolve) => subscriber.on('messageBuffer', (_, message) => resolve(message)));
  await subscriber.subscribe(Buffer.from([0, 255, 13, 10]));
  assert.equal(await client.publish(Buffer.from([0, 255, 13, 10]), payload), 1);
  assert.ok((await received).equals(payload));
}

async function lost(client) {
  const subscriber = connect({ connectionName: 'lost', retryStrategy: () => 10 });
  const heard = [];
  let closed = 0;
  subscriber.on('message', (_, text) => heard.push(text));
  subscriber.on('close', () => {
    closed += 1;
  });
  await subscriber.subscribe('alarm');
  assert.equal(await client.client('KILL', 'ID', String(await idOf(client, 'lost'))), 1);
  await eventually(() => closed === 1);
  await eventually(async () => {
    await client.publish('alarm', 'ring');
    return heard.includes('ring');
  });
}

async function idOf(client, name) {
  const list = await client.client('LIST', 'TYPE', 'pubsub');
  const line = list.split('\n').find((one) => one.includes(` name=${name} `));
  return Number(line.match(/^id=(\d+) /)[1]);
}

async function transactions(client) {
  const subscriber = connect();
  const heard = [];
  subscriber.on('message', (_, text) => heard.push(text));
  await subscriber.subscribe('orders');
  const [[, first], , [, second]] = await client.multi().publish('orders', '1').incr('n').publish('orders', '2').exec();
  assert.deepEqual([first, second], [1, 1]);
  await eventually(() => heard.length === 2);
  assert.deepEqual(heard, ['1', '2']);
}

main(async (client) => {
  await channels(client);
  await binary(client);
  await lost(client);
  await transactions(client);
});
