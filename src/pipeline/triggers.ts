import type { Findings } from './finding.ts';
import { child, itemsOf, type SourceNode, textOf } from './source.ts';

/** When a pipeline is started without being asked for. Globs as in GitHub's workflow filters; an absent list filters nothing. */
export interface Triggers {
  readonly push?: CodeFilter & { readonly tags?: readonly string[] };
  readonly pullRequest?: CodeFilter & { readonly types?: readonly string[] };
  readonly mergeGroup?: { readonly branches?: readonly string[] };
  readonly tag?: { readonly tags?: readonly string[] };
  readonly release?: { readonly types?: readonly string[] };
  readonly schedule?: readonly Schedule[];
  readonly command?: { readonly name: string; readonly permission: CommandPermission };
  readonly dispatch?: Readonly<Record<string, never>>;
}

interface CodeFilter {
  readonly branches?: readonly string[];
  readonly branchesIgnore?: readonly string[];
  readonly paths?: readonly string[];
  readonly pathsIgnore?: readonly string[];
}

interface Schedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
}

type CommandPermission = 'read' | 'triage' | 'write' | 'maintain' | 'admin';

/** Settings of a trigger that are lists of texts, by their name in the file. */
const LISTS = {
  branches: 'branches',
  'branches-ignore': 'branchesIgnore',
  paths: 'paths',
  'paths-ignore': 'pathsIgnore',
  tags: 'tags',
  types: 'types',
} as const;

const NAMES: Readonly<Record<string, keyof Triggers>> = {
  push: 'push',
  pull_request: 'pullRequest',
  pr: 'pullRequest',
  merge_group: 'mergeGroup',
  tag: 'tag',
  release: 'release',
  dispatch: 'dispatch',
};

export function defineTriggers(node: SourceNode | undefined, findings: Findings): Triggers {
  if (!node) return {};
  const triggers: Record<string, object> = {};
  for (const name of node.kind === 'list' ? node.items.map(textOf) : [textOf(node)]) {
    const key = name === undefined ? undefined : NAMES[name];
    if (key) triggers[key] = {};
  }
  if (node.kind === 'map') {
    for (const [name, { value }] of node.entries) {
      const key = NAMES[name];
      if (key) triggers[key] = filterOf(value);
    }
    const schedule = itemsOf(child(node, 'schedule')).flatMap((item) => scheduleOf(item, findings));
    if (schedule.length > 0) triggers['schedule'] = schedule;
    const command = textOf(child(child(node, 'command'), 'name'));
    const permission = textOf(child(child(node, 'command'), 'permission')) ?? 'write';
    if (command) triggers['command'] = { name: command, permission };
  }
  return triggers;
}

function filterOf(node: SourceNode): Record<string, readonly string[]> {
  const filter: Record<string, readonly string[]> = {};
  for (const [name, key] of Object.entries(LISTS)) {
    const value = child(node, name);
    if (value) filter[key] = textsOf(value);
  }
  return filter;
}

/** One text, or the texts of a list. */
export function textsOf(node: SourceNode | undefined): readonly string[] {
  const single = textOf(node);
  if (single !== undefined) return [single];
  return itemsOf(node).flatMap((item) => textOf(item) ?? []);
}

function scheduleOf(node: SourceNode, findings: Findings): readonly Schedule[] {
  const cronNode = child(node, 'cron');
  const cron = textOf(cronNode);
  if (cron === undefined || !cronNode) return [];
  if (!isCron(cron)) {
    findings.error(
      'cron-invalid',
      cronNode,
      `expected minute, hour, day, month and weekday such as "0 3 * * 1-5", got "${cron}"`,
    );
  }
  return [{ cron, timezone: textOf(child(node, 'timezone')) ?? 'UTC' }];
}

/** Least and greatest value of the five fields; Sunday is 0 or 7. */
const CRON_RANGES: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
];
const CRON_NAMES: readonly (readonly string[])[] = [
  [],
  [],
  [],
  'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  'sun mon tue wed thu fri sat'.split(' '),
];

function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    fields.length === 5 && fields.every((field, index) => field.split(',').every((part) => isCronPart(part, index)))
  );
}

function isCronPart(part: string, index: number): boolean {
  const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,2}))?$/i.exec(part);
  if (!match) return false;
  const [, from = '', to, step] = match;
  if (step !== undefined && Number(step) === 0) return false;
  if (from === '*') return to === undefined;
  const first = cronValue(from, index);
  const last = to === undefined ? first : cronValue(to, index);
  return first !== undefined && last !== undefined && first <= last;
}

function cronValue(text: string, index: number): number | undefined {
  const [least, greatest] = CRON_RANGES[index] ?? [0, 0];
  const named = CRON_NAMES[index]?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return index === 3 ? named + 1 : named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= greatest ? value : undefined;
}
