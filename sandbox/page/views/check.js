import { fromBase64, get, getOwn, listOrNone, segment, send } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { deed, duration, empty, link, shortSha, statusIcon } from '../parts.js';
import { annotationBox } from './checks.js';

const LINES_AROUND = 3;
/** Files of which lines are shown; the annotations of others stand alone. */
const FILES_MAX = 20;

export async function showCheck(page) {
  const { owner, repo, check } = page.params;
  const run = await get(`/repos/${owner}/${repo}/check-runs/${check}`);
  return checkPage(page, run);
}

/** One check in full: what it says, its buttons, and its annotations beside the lines that they mean. */
export async function checkPage(page, run) {
  const { owner, repo } = page.params;
  const api = `/repos/${owner}/${repo}`;
  const annotations = await listOrNone(`${api}/check-runs/${run.id}/annotations`);
  const files = await filesOf(api, run.head_sha, annotations);
  const time = duration(run.started_at, run.completed_at);
  return h(
    'article',
    { class: 'check', key: `check${run.id}` },
    h('h1', null, statusIcon(run.status, run.conclusion), ' ', run.name),
    h(
      'p',
      { class: 'quiet' },
      run.conclusion ?? run.status.replaceAll('_', ' '),
      time && ` in ${time}`,
      ' on ',
      link(`/${owner}/${repo}/commit/${run.head_sha}`, shortSha(run.head_sha)),
    ),
    await buttons(page, api, run),
    run.output?.title && h('h2', null, run.output.title),
    run.output?.summary && h('section', { class: 'card padded' }, markdown(run.output.summary)),
    run.output?.text && h('section', { class: 'card padded' }, markdown(run.output.text)),
    h('h2', null, `Annotations (${annotations.length})`),
    annotations.length === 0 ? empty('This check has nothing to say about a line.') : byFile(annotations, files),
  );
}

/** GitHub tells no caller which buttons a check has, so they come from the sandbox itself. */
async function buttons({ act }, api, run) {
  if (run.status !== 'completed') return null;
  const control = `/_sandbox${api}/check-runs/${run.id}/actions`;
  const actions = await getOwn(control, []);
  const rerun = () => act('Asked for a new run.', () => send('POST', `${api}/check-runs/${run.id}/rerequest`));
  const click = ({ label, identifier }) => act(`${label}: asked.`, () => send('POST', control, { identifier }));
  const others = actions.map((action) =>
    deed(action.label, () => click(action), { title: action.description, class: 'primary', key: action.identifier }),
  );
  return h('div', { class: 'tools' }, deed('Re-run', rerun, { key: 're-run' }), others);
}

async function filesOf(api, sha, annotations) {
  const paths = [...new Set(annotations.map(({ path }) => path))].slice(0, FILES_MAX);
  const texts = await Promise.all(
    paths.map(async (path) => {
      try {
        const { content } = await get(`${api}/contents/${segment(path)}?ref=${sha}`);
        return fromBase64(content).split('\n');
      } catch {
        // The file is not in this commit, or no text: its annotations are shown without lines.
        return [];
      }
    }),
  );
  return new Map(paths.map((path, index) => [path, texts[index]]));
}

function byFile(annotations, files) {
  const paths = [...new Set(annotations.map(({ path }) => path))];
  return paths.map((path) =>
    h(
      'section',
      { class: 'card source', key: path, 'aria-label': path },
      h('h3', { class: 'path' }, path),
      excerpt(
        files.get(path) ?? [],
        annotations.filter((annotation) => annotation.path === path),
      ),
    ),
  );
}

/** The lines that are meant and some around them, each annotation below the line where it ends. */
function excerpt(lines, annotations) {
  const shown = new Set();
  for (const { start_line: start, end_line: end } of annotations) {
    for (let line = start - LINES_AROUND; line <= end + LINES_AROUND; line++)
      if (lines[line - 1] !== undefined) shown.add(line);
  }
  const homeless = annotations.filter(({ end_line: end }) => !shown.has(end));
  const rows = [...shown]
    .sort((a, b) => a - b)
    .flatMap((line) => [
      !shown.has(line - 1) && line > 1 && gap(),
      lineRow(lines, line, annotations),
      told(annotations, line),
    ]);
  return [
    homeless.map(annotationBox),
    rows.length > 0 && h('div', { class: 'lines', tabindex: 0 }, h('table', null, h('tbody', null, rows))),
  ];
}

function gap() {
  return h('tr', { class: 'gap' }, h('td', { colspan: 2 }, '⋯'));
}

function lineRow(lines, line, annotations) {
  const isMeant = annotations.some(({ start_line: start, end_line: end }) => line >= start && line <= end);
  return h(
    'tr',
    { class: isMeant ? 'meant' : null },
    h('td', { class: 'number' }, line),
    h('td', null, h('code', null, lines[line - 1])),
  );
}

function told(annotations, line) {
  const ending = annotations.filter(({ end_line: end }) => end === line);
  return ending.length > 0 && h('tr', { class: 'told' }, h('td', { colspan: 2 }, ending.map(annotationBox)));
}
