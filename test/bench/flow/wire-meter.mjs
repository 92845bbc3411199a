/**
 * Loaded before a process of ours: counts what it asks of PostgreSQL and of the event store, and answers its parent
 * the counts since the last time.
 *
 * A round trip is what was written to a connection until something was read from it. A push is what a server sends
 * unasked.
 */
import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const databasePort = Number(new URL(process.env.DATABASE_URL ?? 'postgres://none:1').port || 5432);
let counts = none();
/** Reads of streams end within one of these; a subscription that began in an earlier one goes on. */
let period = 0;

function none() {
  return {
    statements: {},
    roundTrips: 0,
    pushes: 0,
    appends: 0,
    reads: 0,
    messagesOfReads: 0,
    messagesOfSubscriptions: 0,
  };
}

process.on('message', (message) => {
  if (message?.kind !== 'wire-counts') return;
  process.send({ kind: 'wire-counts', counts });
  counts = none();
  period += 1;
});

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function connectAndCount(...given) {
  const [first] = given.flat();
  connect.apply(this, given);
  // Not before: connecting puts back the `write` that every socket has.
  if (Number(first?.port ?? first) === databasePort) countDatabase(this);
  return this;
};

function countDatabase(socket) {
  const { write, emit } = socket;
  let isAsking = false;
  let isStarted = false;
  let prepared = '';
  let text = '';
  socket.write = function writeAndCount(bytes, ...rest) {
    isAsking = true;
    // The first message is the only one without a type.
    for (const [type, body] of isStarted ? messagesIn(bytes) : []) {
      const words = body.toString('utf8').split('\0');
      if (type === 'Q') note(words[0]);
      if (type === 'P') text = words[1];
      if (type === 'B') prepared = words[1];
      if (type === 'E') note(prepared || text);
    }
    isStarted = true;
    return write.call(this, bytes, ...rest);
  };
  socket.emit = function emitAndCount(event, ...rest) {
    if (event === 'data') counts[isAsking ? 'roundTrips' : 'pushes'] += 1;
    if (event === 'data') isAsking = false;
    return emit.call(this, event, ...rest);
  };
}

function* messagesIn(bytes) {
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    yield [String.fromCharCode(bytes[at]), bytes.subarray(at + 5, end)];
    at = end;
  }
}

function note(statement) {
  const name = statement.trim().replace(/\s+/g, ' ').slice(0, 60);
  counts.statements[name] = (counts.statements[name] ?? 0) + 1;
}

const connectHttp2 = http2.connect;
http2.connect = function connectAndCount(...given) {
  const session = connectHttp2.apply(this, given);
  const { request } = session;
  session.request = function requestAndCount(headers, ...rest) {
    const stream = request.call(this, headers, ...rest);
    const method = headers[':path']?.split('/').at(-1);
    if (method === 'Append') counts.appends += 1;
    if (method === 'BatchAppend') countAppends(stream);
    if (method === 'Read') countRead(stream);
    return stream;
  };
  return session;
};
syncBuiltinESMExports();

/** Of a call that all appends share: each is one message, which is written at once. */
function countAppends(stream) {
  const { write } = stream;
  stream.write = function writeAndCount(...given) {
    counts.appends += 1;
    return write.apply(this, given);
  };
}

/** gRPC's messages: a byte, the length in four, and so many bytes. */
function countRead(stream) {
  counts.reads += 1;
  const begunIn = period;
  const { emit } = stream;
  let received = Buffer.alloc(0);
  stream.emit = function emitAndCount(event, ...rest) {
    if (event === 'data') received = Buffer.concat([received, rest[0]]);
    while (received.length >= 5 && received.length >= 5 + received.readUInt32BE(1)) {
      received = received.subarray(5 + received.readUInt32BE(1));
      counts[begunIn === period ? 'messagesOfReads' : 'messagesOfSubscriptions'] += 1;
    }
    return emit.call(this, event, ...rest);
  };
}
