import type { Stage } from '../../../app/demo/stage.ts';
import type { Json } from '../../../src/base/json.ts';

const RUN_ID = /\b[0-9a-hjkmnp-tv-z]{26}\b/gi;
const DURATION = /\b\d+(?:\.\d+)? ?(?:ms|s|min|h)\b(?: \d+ ?(?:ms|s|min)\b)*/g;
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g;
/** Things of GitHub's that have no name but a number. */
const NUMBERED = /(issue-comment|review-comment|actions\/runs)\/\d+/g;
const SHORT_SHAS = [40, 12, 10, 7];

/** What of a stage is looked at. */
type Scene = Pick<Stage, 'sandbox' | 'ada' | 'repository'> & { readonly server: Pick<Stage['server'], 'url'> };

/** `commit 3` by its SHA. */
type CommitNames = ReadonlyMap<string, string>;

/**
 * Commits by the order in which people made them. The first one is there before them: the repository was created with it.
 */
export function nameCommits(first: string, shas: readonly string[]): CommitNames {
  return new Map([[first, 'first commit'], ...shas.map((sha, i) => [sha, `commit ${i}`] as const)]);
}

/**
 * What people see in the end, without what differs from story to story: commits, runs and jobs by stable names, times by none.
 * @param commits names of commits, by SHA
 */
export async function endingOf(stage: Scene, commits: CommitNames): Promise<Json> {
  const names = await runNames(stage, commits);
  const text = JSON.stringify(stage.sandbox.snapshot())
    .replaceAll(/"body":"(?:[^"\\]|\\.)*"/g, (body) => body.replaceAll(NUMBERED, '$1/…'))
    .replaceAll(new RegExp(`${stage.sandbox.url}|${stage.server.url}`, 'g'), 'http://…');
  const renamed = [...commits]
    .flatMap(([sha, name]) => SHORT_SHAS.map((length) => [sha.slice(0, length), `<${name}>`] as const))
    .reduce((result, [sha, name]) => result.replaceAll(sha, name), text)
    .replaceAll(RUN_ID, (id) => names.get(id.toLowerCase()) ?? '<run>')
    .replaceAll(TIME, '<time>')
    .replaceAll(DURATION, '<duration>');
  return sorted(JSON.parse(renamed) as Json);
}

/** Runs are known by what they are shown under: the check of a commit. */
async function runNames(stage: Scene, commits: CommitNames): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const [sha, commit] of commits)
    for (const { name, external_id } of await allChecks(stage, sha)) {
      const id = /^[0-9a-z]{26}$/.exec(external_id ?? '')?.[0];
      if (id !== undefined) names.set(id, `<run of ${name} for ${commit}>`);
    }
  return names;
}

export async function allChecks({ ada, repository }: Scene, sha: string) {
  const { data } = await ada.octokit.rest.checks.listForRef({
    ...repository,
    ref: sha,
    filter: 'all',
    per_page: 100,
  });
  return data.check_runs.filter(({ app }) => app?.slug !== 'github-actions');
}

/** Lists again in a stable order: it was one of names that differ. */
function sorted(value: Json, name = ''): Json {
  if (Array.isArray(value))
    return certain(value, name)
      .map((item: Json) => sorted(item))
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value === 'string' && name === 'body') return withSortedRows(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item, key)]));
}

/**
 * The items of a list that do not depend on how fast everything was. Of jobs that are equal one counts: one that waits for more than
 * half a minute for somebody to agree makes room, and another one takes its place.
 */
function certain(list: readonly Json[], name: string): readonly Json[] {
  if (name === 'workflowRuns') return [...new Map(list.map((job) => [JSON.stringify(job), job])).values()];
  if (name === 'checks') return list.filter((check) => !isOfChance(check));
  if (name === 'deployments') return list.filter((deployment) => !cameToNothing(deployment));
  return list;
}

/** A table names pipelines in the order in which they began; two events that start one each may come in any. */
function withSortedRows(body: string): string {
  return body.replaceAll(/(?<=\|---\|\n)(?:\|.*\n?)+/g, (rows) => {
    const lines = rows.trimEnd().split('\n');
    return `${lines.toSorted().join('\n')}${rows.slice(rows.trimEnd().length)}`;
  });
}

/**
 * How far a run came before a newer one took its place, and so which of its steps have a check, is a matter of moments; so is whether a
 * gate that is denied at once was seen waiting.
 */
function isOfChance(check: Json): boolean {
  const { name, title } = check as { readonly name: string; readonly title: string };
  return (
    name.split(' / ').length > 2 && /^(?:Cancelled: run .* is newer$|Superseded by a newer run$|Denied: )/.test(title)
  );
}

/** What ended before it began is a deployment where it waited for so long that GitHub was told; what was replaced is one either way. */
function cameToNothing(deployment: Json): boolean {
  const { task, state } = deployment as { readonly task: string; readonly state: string };
  return task === 'deploy:maestro' && (state === 'error' || state === 'inactive');
}

/** Where two endings differ: paths with both values. */
export function differences(found: Json, expected: Json, path = ''): readonly string[] {
  if (JSON.stringify(found) === JSON.stringify(expected)) return [];
  if (isObject(found) && isObject(expected) && Array.isArray(found) === Array.isArray(expected)) {
    if (Array.isArray(found) && Array.isArray(expected)) return listDifferences(found, expected, path);
    const keys = [...new Set([...Object.keys(found), ...Object.keys(expected)])];
    return keys.flatMap((key) =>
      differences((found as Fields)[key] ?? null, (expected as Fields)[key] ?? null, `${path}/${key}`),
    );
  }
  return [`${path}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`];
}

type Fields = Readonly<Record<string, Json>>;

function listDifferences(found: readonly Json[], expected: readonly Json[], path: string): readonly string[] {
  const [ours, theirs] = [found, expected].map((list) => list.map((item) => JSON.stringify(item))) as [
    string[],
    string[],
  ];
  return [
    ...without(ours, theirs).map((item) => `${path}: unexpected ${item}`),
    ...without(theirs, ours).map((item) => `${path}: missing ${item}`),
  ];
}

/** Of equal ones, as many as there are too many. */
function without(items: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return items.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function isObject(value: Json): value is Fields | readonly Json[] {
  return typeof value === 'object' && value !== null;
}
