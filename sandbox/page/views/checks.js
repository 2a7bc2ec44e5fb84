import { listOrNone } from '../api.js';
import { h } from '../dom.js';
import { duration, empty, link, overall, statusIcon } from '../parts.js';

const WORDS = {
  success: 'All checks have passed',
  failure: 'Some checks were not successful',
  action_required: 'Some checks wait for somebody',
  neutral: 'Nothing had to be checked',
};

/** The box of all checks of a commit, the latest of each name. */
export function checkList(base, checks) {
  if (checks.length === 0) return empty('No checks have been reported for this commit.');
  const [status, conclusion] = overall(checks);
  const title = conclusion ? WORDS[conclusion] : 'Some checks have not completed yet';
  return h(
    'section',
    { class: 'card checks', 'aria-label': 'Checks' },
    h('h2', null, statusIcon(status, conclusion), ' ', title),
    h(
      'ul',
      { class: 'list' },
      checks.map((check) => checkRow(`${base}/runs/${check.id}`, check)),
    ),
  );
}

/** `address` is where its name leads: the check's own page, or its place beside the others. */
export function checkRow(address, check, isChosen = false) {
  const { output } = check;
  const time = duration(check.started_at, check.completed_at);
  return h(
    'li',
    { class: `row ${isChosen ? 'chosen' : ''}`, key: `check${check.id}` },
    statusIcon(check.status, check.conclusion),
    h(
      'span',
      { class: 'grow' },
      link(address, h('strong', null, check.name)),
      h('small', { class: 'quiet' }, output?.title ?? check.status.replaceAll('_', ' '), time && ` · ${time}`),
    ),
    output?.annotations_count > 0 &&
      h(
        'span',
        { class: 'quiet count' },
        `${output.annotations_count} annotation${output.annotations_count === 1 ? '' : 's'}`,
      ),
  );
}

/** All annotations of these checks, each with the name of its check. */
export async function annotationsOf(api, checks) {
  const told = checks.filter(({ output }) => output?.annotations_count > 0);
  const lists = await Promise.all(told.map(({ id }) => listOrNone(`${api}/check-runs/${id}/annotations`)));
  return lists.flatMap((annotations, index) =>
    annotations.map((annotation) => ({ ...annotation, check: told[index].name })),
  );
}

const LEVELS = {
  failure: ['failure', 'Error'],
  warning: ['action_required', 'Warning'],
  notice: ['neutral', 'Notice'],
};

export function annotationBox(annotation) {
  const [icon, word] = LEVELS[annotation.annotation_level] ?? LEVELS.notice;
  const { start_line: start, end_line: end } = annotation;
  return h(
    'div',
    { class: `annotation ${annotation.annotation_level}` },
    h(
      'p',
      null,
      statusIcon('completed', icon),
      ' ',
      h('strong', null, annotation.title || word),
      ' ',
      h(
        'span',
        { class: 'quiet' },
        `${annotation.path}:${start}${end > start ? `–${end}` : ''}`,
        annotation.check && ` · ${annotation.check}`,
      ),
    ),
    h('pre', null, annotation.message),
    annotation.raw_details && h('details', null, h('summary', null, 'Details'), h('pre', null, annotation.raw_details)),
  );
}
