import { h } from './dom.js';

/** A small drawing of Mermaid flowcharts of boxes and arrows; null for everything else, which is then shown as code. */

const NODES_MAX = 80;
const NODE =
  /^([A-Za-z0-9_-]+)(?:\["([^"\]]*)"\]|\[([^\]]*)\]|\(+"?([^")]*)"?\)+|\{"?([^"}]*)"?\})?(?::::([A-Za-z]+))?$/;
const [BOX_HEIGHT, GAP_X, GAP_Y, CHARACTER, PADDING] = [30, 44, 16, 7.4, 24];

export function drawGraph(code) {
  const graph = readGraph(code);
  return graph && graph.nodes.size <= NODES_MAX ? draw(graph) : null;
}

function readGraph(code) {
  const [head = '', ...lines] = code.split('\n').map((line) => line.trim().replace(/;$/, ''));
  if (!/^(graph|flowchart)\s+(LR|TD|TB)$/.test(head)) return null;
  const graph = { nodes: new Map(), edges: [] };
  for (const line of lines) {
    if (line === '' || /^(classDef|%%|style|linkStyle)/.test(line)) continue;
    const parts = line.split(/\s*-{2,}>(?:\|[^|]*\|)?\s*/);
    const ids = parts.map((part) => readNode(graph, part));
    if (ids.includes(null)) return null;
    for (let index = 1; index < ids.length; index++) graph.edges.push([ids[index - 1], ids[index]]);
  }
  return graph.nodes.size > 0 ? graph : null;
}

function readNode({ nodes }, text) {
  const match = NODE.exec(text);
  if (!match) return null;
  const [, id, ...rest] = match;
  const label = rest.slice(0, 4).find((part) => part !== undefined);
  const known = nodes.get(id) ?? { label: id, kind: null };
  nodes.set(id, { label: label ?? known.label, kind: rest[4] ?? known.kind });
  return id;
}

/** A node stands one column right of the last one that leads to it. */
function columnsOf({ nodes, edges }) {
  const column = new Map([...nodes.keys()].map((id) => [id, 0]));
  for (let round = 0; round < nodes.size; round++) {
    let isStill = true;
    for (const [from, to] of edges) {
      if (column.get(to) > column.get(from)) continue;
      // In a circle this would never end; the number of rounds ends it.
      column.set(to, Math.min(column.get(from) + 1, nodes.size));
      isStill = false;
    }
    if (isStill) break;
  }
  const columns = [];
  for (const [id, index] of column) (columns[index] ??= []).push(id);
  return columns.filter(Boolean);
}

function draw(graph) {
  const columns = columnsOf(graph);
  const rows = Math.max(...columns.map((ids) => ids.length));
  const height = rows * (BOX_HEIGHT + GAP_Y) + GAP_Y;
  const places = new Map();
  let x = 8;
  for (const ids of columns) {
    const width = Math.max(...ids.map((id) => graph.nodes.get(id).label.length * CHARACTER + PADDING));
    const top = (height - ids.length * (BOX_HEIGHT + GAP_Y) + GAP_Y) / 2;
    ids.forEach((id, row) => places.set(id, { x, y: top + row * (BOX_HEIGHT + GAP_Y), width }));
    x += width + GAP_X;
  }
  const width = x - GAP_X + 8;
  const named = [...graph.nodes.values()].map(({ label }) => label).join(', ');
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  const picture = h(
    'svg',
    { ...size, role: 'img', 'aria-label': `Graph of ${named}` },
    graph.edges.map(([from, to]) => drawEdge(places.get(from), places.get(to))),
    [...graph.nodes].map(([id, node]) => drawNode(node, places.get(id))),
  );
  return h('div', { class: 'graph', tabindex: 0 }, picture);
}

function drawEdge(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + BOX_HEIGHT / 2];
  const [x2, y2] = [to.x - 6, to.y + BOX_HEIGHT / 2];
  const bend = Math.max(16, (x2 - x1) / 2);
  const line = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return [h('path', { d: line, class: 'edge' }), h('path', { d: `M${x2} ${y2 - 4}l6 4l-6 4z`, class: 'arrow' })];
}

function drawNode({ label, kind }, { x, y, width }) {
  const middle = { x: x + width / 2, y: y + BOX_HEIGHT / 2, 'text-anchor': 'middle', 'dominant-baseline': 'central' };
  return h(
    'g',
    { class: `node ${kind ?? ''}` },
    h('rect', { x, y, width, height: BOX_HEIGHT, rx: 7 }),
    h('text', middle, label),
  );
}
