// Two servers of socket.io that share their rooms over Redis channels, and 500 people connected to them.
'use strict';
const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { io } = require('socket.io-client');
const { createAdapter, createShardedAdapter } = require('@socket.io/redis-adapter');
const { connect, eventually, main } = require('./common');

const PEOPLE = 500;

async function startServer(makeAdapter) {
  const http = createServer();
  const server = new Server(http, { adapter: makeAdapter(connect(), connect()), transports: ['websocket'] });
  server.on('connection', (socket) => {
    const room = socket.handshake.auth.room;
    socket.join(room);
    socket.on('say', (to, text) => server.to(to).emit('said', text));
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { server, port: http.address().port };
}

async function rooms(makeAdapter) {
  const servers = [await startServer(makeAdapter), await startServer(makeAdapter)];
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, (_, number) => {
      const { port } = servers[number % 2];
      const auth = { room: `room:${number % 10}` };
      const person = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], auth, forceNew: true });
      person.heard = [];
      person.on('said', (text) => person.heard.push(text));
      return new Promise((resolve) => person.on('connect', () => resolve(person)));
    }),
  );
  const sum = (people) => people.reduce((total, person) => total + person.heard.length, 0);
  // To everybody, wherever they are connected.
  for (let number = 0; number < 20; number += 1) servers[number % 2].server.emit('said', `all:${number}`);
  await eventually(() => sum(people) === 20 * PEOPLE, 20_000);
  // What one server says comes in its order.
  for (const person of people) {
    const first = person.heard.filter((text) => Number(text.slice(4)) % 2 === 0);
    assert.deepEqual(first, Array.from({ length: 10 }, (_, number) => `all:${2 * number}`));
    person.heard = [];
  }
  // From one person to the fifty of a room, on both servers.
  people[0].emit('say', 'room:3', 'hello');
  await eventually(() => sum(people) === PEOPLE / 10, 20_000);
  people.forEach((person, number) => assert.equal(person.heard.length, number % 10 === 3 ? 1 : 0));
  // The servers ask each other through the same channels.
  const sockets = await servers[0].server.fetchSockets();
  assert.equal(sockets.length, PEOPLE);
  people.forEach((person) => person.disconnect());
  for (const { server } of servers) await server.close();
}

main(async (client) => {
  await rooms((publisher, subscriber) => createAdapter(publisher, subscriber));
  await rooms((publisher, subscriber) => createShardedAdapter(publisher, subscriber));
});
