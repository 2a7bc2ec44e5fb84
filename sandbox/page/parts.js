import { h } from './dom.js';

/** Small parts that every view uses: icons, times, names, links. */

const SHAPES = {
  success: ['good', 'M4.6 8.3l2.3 2.3 4.5-4.9'],
  failure: ['bad', 'M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2'],
  error: ['bad', 'M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2'],
  timed_out: ['bad', 'M8 4.6V8.2l2.2 1.6'],
  startup_failure: ['bad', 'M8 4.4v4.4M8 11.2v.2'],
  action_required: ['wait', 'M8 4.4v4.4M8 11.2v.2'],
  cancelled: ['calm', 'M5.2 5.2l5.6 5.6'],
  skipped: ['calm', 'M5.2 10.8l5.6-5.6'],
  neutral: ['calm', 'M5 8h6'],
  stale: ['calm', 'M8 4.6V8.2l2.2 1.6'],
  inactive: ['calm', 'M5 8h6'],
};

/** The status of a check, a job or a deployment as a picture with its name. */
export function statusIcon(status, conclusion) {
  const name = conclusion ?? status ?? 'neutral';
  const shape = SHAPES[name];
  const label = name.replaceAll('_', ' ');
  const attributes = { viewBox: '0 0 16 16', width: 16, height: 16, role: 'img', 'aria-label': label };
  if (!shape) {
    const isMoving = name === 'in_progress';
    return h(
      'svg',
      { ...attributes, class: `icon ${isMoving ? 'moving' : 'open'}` },
      h('circle', { cx: 8, cy: 8, r: 6, class: 'ring' }),
      isMoving
        ? h('path', { d: 'M8 2a6 6 0 0 1 6 6', class: 'arc' })
        : h('circle', { cx: 8, cy: 8, r: 2.4, class: 'dot' }),
    );
  }
  const [kind, d] = shape;
  const line = h('path', { d, class: 'sign' });
  return h('svg', { ...attributes, class: `icon ${kind}` }, h('circle', { cx: 8, cy: 8, r: 7.5 }), line);
}

/** Worst of many: what a list of checks amounts to. */
export function overall(checks) {
  if (checks.length === 0) return null;
  const bad = checks.find(({ conclusion }) => ['failure', 'timed_out', 'startup_failure'].includes(conclusion));
  if (bad) return ['completed', 'failure'];
  if (checks.some(({ status }) => status !== 'completed')) return ['in_progress', null];
  if (checks.some(({ conclusion }) => conclusion === 'action_required')) return ['completed', 'action_required'];
  return ['completed', checks.some(({ conclusion }) => conclusion === 'success') ? 'success' : 'neutral'];
}

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

export function timeAgo(iso) {
  if (!iso) return null;
  const seconds = Math.round((Date.now() - Date.parse(iso)) / 1000);
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 'second'];
  const text = seconds < 10 ? 'just now' : new Intl.RelativeTimeFormat('en').format(-Math.floor(seconds / size), unit);
  return h('time', { datetime: iso, title: new Date(iso).toLocaleString() }, text);
}

/** How long something took, in words: `1 m 12 s`. */
export function duration(from, to) {
  if (!from || !to) return '';
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

export function avatar(login) {
  const sum = [...login].reduce((total, character) => total + character.codePointAt(0), 0);
  return h('span', { class: `avatar hue${sum % 8}`, 'aria-hidden': 'true' }, login.slice(0, 1).toUpperCase());
}

export function person(user) {
  const login = user?.login ?? 'ghost';
  const isApp = user?.type === 'Bot';
  return [avatar(login), h('strong', null, login.replace(/\[bot\]$/, '')), isApp && h('span', { class: 'tag' }, 'app')];
}

export function badge(kind, text) {
  return h('span', { class: `badge ${kind}` }, text);
}

export function shortSha(sha) {
  return h('code', { class: 'sha' }, sha.slice(0, 7));
}

export function link(address, ...children) {
  return h('a', { href: address }, ...children);
}

export function empty(text) {
  return h('p', { class: 'empty' }, text);
}

/** A button that does something once, and is off while it is being done. */
export function deed(label, act, attributes = {}) {
  const onclick = async ({ currentTarget }) => {
    currentTarget.disabled = true;
    try {
      await act();
    } finally {
      currentTarget.disabled = false;
    }
  };
  return h('button', { type: 'button', ...attributes, onclick }, label);
}

/** What somebody typed into a form, by name. */
export function typedTexts(form) {
  return Object.fromEntries(
    Array.from(new FormData(form), ([name, text]) => [name, typeof text === 'string' ? text : '']),
  );
}
