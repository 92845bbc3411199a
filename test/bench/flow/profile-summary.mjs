import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { escaped } from '../report/render.mjs';

/**
 * Where a process spent its time, from the .cpuprofile that `node --cpu-prof` writes.
 *
 * @param sinceUs what came before this moment of the monotonic clock, such as the start, is left out; microseconds
 * @returns busy time in ms; own time by room or package, and by function; time including callees by function of
 *   ours, each as `{ name, ms, share }` of the busy time, largest first; and the calls as a flame graph (SVG)
 */
export function summaryOf(folder, sinceUs = 0) {
  const nodes = nodesOf(folder, sinceUs);
  const rooms = new Map();
  const functions = new Map();
  const including = new Map();
  const calls = newFrame('all', 'all');
  for (const node of nodes) {
    const { functionName, url } = node.callFrame;
    if (node.selfMs === 0 || functionName === '(idle)' || functionName === '(root)') continue;
    const room = roomOf(url, functionName);
    add(rooms, room, node.selfMs);
    add(functions, nameOf(node, room), node.selfMs);
    const callers = [];
    for (let at = node; at.parent; at = at.parent) callers.unshift(at);
    for (const name of new Set(callers.map(ownNameOf))) {
      if (name) add(including, name, node.selfMs);
    }
    addCall(calls, callers, node.selfMs);
  }
  const sorted = (map) =>
    [...map]
      .map(([name, ms]) => ({ name, ms, share: ms / calls.ms }))
      .sort((one, other) => other.ms - one.ms);
  return {
    busyMs: calls.ms,
    rooms: sorted(rooms),
    functions: sorted(functions),
    including: sorted(including),
    flameGraph: flameGraphOf(calls),
  };
}

/** The nodes of the call tree, each with its parent and its own time. */
function nodesOf(folder, sinceUs) {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error(`no profile in ${folder}`);
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const byId = new Map(profile.nodes.map((node) => [node.id, { ...node, selfMs: 0 }]));
  let atUs = profile.startTime;
  profile.samples.forEach((id, sample) => {
    const tookUs = profile.timeDeltas[sample];
    atUs += tookUs;
    if (atUs >= sinceUs) byId.get(id).selfMs += tookUs / 1_000;
  });
  for (const node of byId.values())
    for (const child of node.children ?? []) byId.get(child).parent = node;
  return [...byId.values()];
}

function add(map, key, ms) {
  map.set(key, (map.get(key) ?? 0) + ms);
}

function nameOf({ callFrame }, where) {
  return `${callFrame.functionName || 'anonymous'} (${where}:${callFrame.lineNumber + 1})`;
}

/** Undefined for machine code. */
function ownNameOf(node) {
  return node.callFrame.url && nameOf(node, fileOf(node.callFrame.url));
}

/** The package, or the room of ours, that a file belongs to. */
function roomOf(url, functionName) {
  if (!url) return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  const [, inPackage] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/[^]*$/.exec(url) ?? [];
  return inPackage ?? fileOf(url);
}

function fileOf(url) {
  return /(?:dist\/modules|node_modules)\/(.+)$/.exec(url)?.[1] ?? url;
}

function newFrame(name, room) {
  return { name, room, ms: 0, callees: new Map() };
}

function addCall(calls, callers, ms) {
  let frame = calls;
  frame.ms += ms;
  for (const { callFrame } of callers) {
    const room = roomOf(callFrame.url, callFrame.functionName);
    const name = `${callFrame.functionName || 'anonymous'} (${room})`;
    if (!frame.callees.has(name)) frame.callees.set(name, newFrame(name, room));
    frame = frame.callees.get(name);
    frame.ms += ms;
  }
}

const WIDTH = 1_200;
const ROW = 16;
const NARROWEST = 2;
const MIDDLE_OF_LETTER = 12;
const WIDTH_OF_LETTER = 6.2;

/** Callers above callees; what is narrower than two pixels is left out. Browsers show a frame's share when pointed at. */
function flameGraphOf(calls) {
  const boxes = [];
  let depth = 0;
  const draw = (frame, x, row) => {
    const width = (frame.ms / calls.ms) * WIDTH;
    if (width < NARROWEST) return;
    depth = Math.max(depth, row + 1);
    boxes.push(boxOf(frame, { x, row, width, share: frame.ms / calls.ms }));
    let left = x;
    for (const callee of [...frame.callees.values()].sort((one, other) => other.ms - one.ms)) {
      draw(callee, left, row + 1);
      left += (callee.ms / calls.ms) * WIDTH;
    }
  };
  draw(calls, 0, 0);
  const size = `width="${WIDTH}" height="${depth * ROW}" viewBox="0 0 ${WIDTH} ${depth * ROW}"`;
  const style = 'font-family="monospace" font-size="10"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n${boxes.join('\n')}\n</svg>\n`;
}

function boxOf({ name, room }, { x, row, width, share }) {
  const text = escaped(name.slice(0, Math.floor(width / WIDTH_OF_LETTER)));
  const y = row * ROW;
  return (
    `<g><title>${escaped(name)}: ${(share * 100).toFixed(1)} %</title>` +
    `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colourOf(room)}"/>` +
    (text.length > 2
      ? `<text x="${(x + 2).toFixed(1)}" y="${y + MIDDLE_OF_LETTER}">${text}</text></g>`
      : '</g>')
  );
}

/** Ours, packages, and what is Node's or the machine's. */
function colourOf(room) {
  if (/^(apps|libs)\//.test(room)) return '#7fc8a9';
  return /^(node:|native|\(|all$)/.test(room) ? '#d3d3d3' : '#f4b183';
}
