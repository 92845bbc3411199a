/**
 * Runs in a client's network namespace and makes requests for its parent: { id, requests, parallel } is answered
 * with { id, answers }. `hold` opens connections that never finish their headers, and says when they were closed.
 */
import { Buffer } from 'node:buffer';
import https from 'node:https';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import tls from 'node:tls';

const agents = new Map();

/** One agent per connection identity, so that every request can say whether it wants a new connection. */
function agentFor(localAddress, keepAlive) {
  const key = `${localAddress} ${keepAlive}`;
  if (!agents.has(key)) agents.set(key, new https.Agent({ keepAlive, rejectUnauthorized: false }));
  return agents.get(key);
}

function call({
  host,
  port = 8443,
  from,
  method = 'GET',
  path = '/',
  headers = {},
  body,
  keepAlive = false,
}) {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (answer) => resolve({ ...answer, ms: performance.now() - began });
    const request = https.request(
      {
        host,
        port,
        localAddress: from,
        method,
        path,
        headers: { Host: 'localhost', ...headers },
        servername: 'localhost',
        agent: agentFor(from, keepAlive),
        rejectUnauthorized: false,
        timeout: 30_000,
      },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () =>
          done({
            status: answer.statusCode,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString().slice(0, 2_000),
          }),
        );
        answer.on('error', (error) => done({ status: 0, error: error.code }));
      },
    );
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => done({ status: 0, error: error.code ?? error.message }));
    request.end(body);
  });
}

/** Bytes as they are over TLS, and all that comes back: for what no HTTP client would send. */
function callRaw({ host, port = 8443, from, raw }) {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port,
      localAddress: from,
      rejectUnauthorized: false,
      servername: 'localhost',
    });
    let text = '';
    socket.on('secureConnect', () => socket.write(Buffer.from(raw, 'latin1')));
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', (error) => resolve({ status: 0, error: error.code }));
    socket.on('close', () =>
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
        body: text.slice(0, 2_000),
      }),
    );
    socket.setTimeout(10_000, () => socket.destroy());
  });
}

async function callAll(requests, parallel) {
  const answers = new Array(requests.length);
  let next = 0;
  const lane = async () => {
    while (next < requests.length) {
      const index = next++;
      answers[index] = await (requests[index].raw
        ? callRaw(requests[index])
        : call(requests[index]));
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return answers;
}

/** Connections that send the beginning of their headers and no more. */
async function hold({ host, port, from, count }) {
  const began = performance.now();
  const held = Array.from({ length: count }, () => {
    const socket = tls.connect({ host, port, localAddress: from, rejectUnauthorized: false });
    const opened = new Promise((resolve) => {
      socket.once('secureConnect', () => {
        socket.write('GET /v1/account HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    const closed = new Promise((resolve) => {
      socket.once('close', () => resolve(performance.now() - began));
    });
    socket.resume();
    return { opened, closed };
  });
  const opened = (await Promise.all(held.map((one) => one.opened))).filter(Boolean).length;
  process.send({ id: 'held', opened });
  return Promise.all(held.map((one) => one.closed));
}

/** Whether a TCP connection can be made at all. */
function connects({ host, port = 8443, from }) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, localAddress: from });
    socket.setTimeout(2_000, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => {
      resolve('connected');
      socket.destroy();
    });
    socket.on('error', (error) => resolve(error.code ?? error.message));
  });
}

process.on('message', async ({ id, requests, parallel = 1, holding, connection }) => {
  if (holding) process.send({ id, closedAfterMs: await hold(holding) });
  else if (connection) process.send({ id, outcome: await connects(connection) });
  else process.send({ id, answers: await callAll(requests, parallel) });
});
process.on('disconnect', () => process.exit(0));
process.send({ id: 'ready' });
