// What the programs share: connections to the server under test, and waiting for a condition.
'use strict';
const Redis = require('ioredis');

const clients = [];

function connect(options = {}) {
  const client = new Redis({ host: '127.0.0.1', port: Number(process.env.RUSSET_PORT), ...options });
  clients.push(client);
  return client;
}

// Waits until the condition holds; how long that takes depends on the machine, that it does not.
async function eventually(condition, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition never came true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// Whether the server has a command: some exist on Russet and Valkey but not on Redis 8.2.
async function supports(client, name) {
  const [info] = await client.call('COMMAND', 'INFO', name);
  return info !== null && info !== undefined;
}

// Runs a program on an empty server and ends all connections, whatever comes of it.
function main(program) {
  (async () => {
    const client = connect();
    await client.flushall();
    await program(client);
  })()
    .catch((error) => {
      console.error(error);
      process.exitCode = 1;
    })
    .finally(() => clients.forEach((client) => client.disconnect()));
}

module.exports = { connect, eventually, main, supports };
