import { isDeepStrictEqual } from 'node:util';
import { readAppManifest } from '../app-manifest.ts';
import {
  type Check,
  checksOf,
  runsWithJobs,
  waitForAnswer,
  waitForCheck,
  waitForComment,
  waitForInstallation,
  waitForJobsOnlyOf,
} from './look.ts';
import type { Narrator } from './narrator.ts';
import { promote } from './promotion.ts';
import { protectJobs } from './protection.ts';
import { release } from './release.ts';
import type { Stage } from './stage.ts';

const TESTS = 'maestro / tests';
const PREVIEW = 'maestro / preview';
const GATE = 'maestro / preview / agree';
const BRANCH = 'discount-from-ten';

const MISTAKE = `/** Total of an order in cents. More than ten pieces of one article cost a tenth less. */
export function total(lines) {
  return lines.reduce((sum, { cents, pieces }) => sum + priceOf(cents, pieces), 0);
}

function priceOf(cents, pieces) {
  const full = cents * pieces;
  return pieces > 10 ? full - Math.floor(full / 10) : full;
}
`;
const FIX = MISTAKE.replace('More than ten pieces', 'Ten pieces and more').replace('pieces > 10', 'pieces >= 10');
/** Of the test in app/demo/orders that the mistake breaks. */
const FAILING_LINE = 15;
const STRANGERS_TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../src/stock.js';

test('nothing is missing of an empty order', () => {
  assert.deepEqual(missing([], {}), []);
});
`;

export interface Told {
  readonly run: string;
  readonly text: string;
}

/**
 * The life of a change, from its first push to its release. Every claim about it is checked. Answers the id of the run that
 * brought it to prod, and the text of the release.
 */
export async function tellStory(stage: Stage, narrator: Narrator): Promise<Told> {
  await install(stage, narrator);
  const broken = await pushMistake(stage, narrator);
  const sha = await fixIt(stage, narrator);
  await holdTheStranger(stage, narrator, [broken.sha, sha]);
  await agreeByComment(stage, narrator, broken.pull, sha);
  const { run, sha: shipped } = await promote(stage, narrator, broken.pull, sha);
  await protectJobs(stage, narrator, BRANCH, shipped);
  await closePreview(stage, narrator, broken.pull, shipped);
  const text = await release(stage, narrator, { 'src/price.js': FIX });
  const violations = stage.sandbox.violations();
  narrator.claim('of all these calls not one broke a rule of GitHub’s', violations.length === 0, violations);
  return { run, text };
}

async function install(stage: Stage, { act, say, claim }: Narrator): Promise<void> {
  const { sandbox, appId, repository, server } = stage;
  act(
    '1  Install the App',
    'A GitHub on this machine, held to GitHub’s own OpenAPI description; the real server; machines that run',
    'the workflow which `maestro init` writes. Open the pages while it goes on.',
  );
  const { owner, repo } = repository;
  sandbox.install(appId, owner, [repo]);
  say(`the repository   ${sandbox.url}/${owner}/${repo}`);
  say(`the server       ${server.url}/readyz`);
  const told = await waitForInstallation(stage);
  const { default_permissions: permissions, default_events: events } = readAppManifest();
  claim(
    'the App is installed with the permissions and events of app.yml, neither more nor less',
    isDeepStrictEqual({ ...told.permissions }, { ...permissions }) &&
      isDeepStrictEqual(told.events.toSorted(), events.toSorted()),
    told,
  );
}

async function pushMistake(stage: Stage, narrator: Narrator): Promise<{ pull: number; sha: string }> {
  const { ada, repository } = stage;
  narrator.act('2  ada pushes a mistake', 'Tests of two modules side by side, each in a step of its own; one fails.');
  const sha = await ada.push(repository, BRANCH, {
    message: 'feat: discounts in bulk',
    files: { 'src/price.js': MISTAKE },
  });
  const pull = await ada.openPull(repository, 'Discounts in bulk', BRANCH);
  narrator.say(`pull request     ${pageOf(stage, pull)}`);
  const check = await waitForCheck(stage, sha, TESTS, 'failure');
  show(narrator, check);
  const failed = await waitForCheck(stage, sha, `${TESTS} / unit[price]`, 'failure');
  const { data } = await ada.octokit.rest.checks.listAnnotations({ ...repository, check_run_id: failed.id });
  for (const { path, start_line: line, title, annotation_level: level } of data)
    narrator.say(`  ${level}  ${path}:${line}  ${title ?? ''}`);
  narrator.claim(
    'the annotation is on the line of the test that failed',
    data.some(({ path, start_line: line }) => path === 'test/price.test.js' && line === FAILING_LINE),
    data,
  );
  return { pull, sha };
}

async function fixIt(stage: Stage, narrator: Narrator): Promise<string> {
  const { ada, repository } = stage;
  narrator.act('3  ada fixes it', 'The same checks, on the new commit. A preview waits for somebody else to agree.');
  const sha = await ada.push(repository, BRANCH, { message: 'fix: ten are enough', files: { 'src/price.js': FIX } });
  show(narrator, await waitForCheck(stage, sha, TESTS, 'success'));
  show(narrator, await waitForCheck(stage, sha, GATE, 'action_required'));
  const runs = (await checksOf(stage, sha, 'all'))
    .filter(({ name }) => name === TESTS)
    .map(({ externalId }) => externalId);
  narrator.claim('push and pull request ran the pipeline once', new Set(runs).size === 1 && runs[0] !== '', runs);
  return sha;
}

async function holdTheStranger(stage: Stage, narrator: Narrator, adas: readonly string[]): Promise<void> {
  const { mallory, grace, repository } = stage;
  narrator.act(
    '4  A stranger sends a pull request',
    'Nothing of a fork runs on your machines before somebody with write access has looked at that commit.',
  );
  const fork = { owner: mallory.login, repo: repository.repo };
  await mallory.octokit.rest.repos.createFork({ ...repository });
  const sha = await mallory.push(fork, 'empty-orders', {
    message: 'test: an empty order',
    files: { 'test/stock.test.js': STRANGERS_TEST },
  });
  const pull = await mallory.openPull(repository, 'Test empty orders', `${mallory.login}:empty-orders`);
  narrator.say(`pull request     ${pageOf(stage, pull)}`);
  show(narrator, await waitForCheck(stage, sha, TESTS, 'action_required'));
  narrator.say('mallory          /maestro ok-to-test');
  const asked = await mallory.comment(repository, pull, '/maestro ok-to-test');
  const refusal = await waitForAnswer(stage, pull, asked);
  narrator.claim('the stranger may not vouch for themselves', refusal.includes('policy does not let mallory'), refusal);
  const strange = await waitForJobsOnlyOf(stage, adas);
  narrator.claim('no job was started for their commit', strange.length === 0, strange);
  narrator.say(`grace            /maestro ok-to-test ${sha.slice(0, 12)}`);
  await grace.comment(repository, pull, `/maestro ok-to-test ${sha}`);
  const tested = await waitForCheck(stage, sha, TESTS, 'success');
  show(narrator, tested);
  narrator.claim('one was started for that commit now', runsWithJobs(stage).includes(tested.externalId));
  const filtered = await waitForCheck(stage, sha, PREVIEW, 'skipped');
  show(narrator, filtered);
  const names = (await checksOf(stage, sha)).map(({ name }) => name).filter((name) => name.startsWith(PREVIEW));
  narrator.claim(
    'a filtered check is reported under its name, so a rule that requires it is met, and nothing of it ran',
    filtered.conclusion === 'skipped' && isDeepStrictEqual(names, [PREVIEW]),
    names,
  );
}

async function agreeByComment(stage: Stage, narrator: Narrator, pull: number, sha: string): Promise<void> {
  const { ada, grace, repository } = stage;
  narrator.act('5  Somebody agrees, by a comment', 'Whoever wrote the change may not approve it. Somebody else may.');
  // It is updated now and then: a moment ago nobody may have been waited for.
  const ofGate = new RegExp(`maestro:status.*on commit ${sha.slice(0, 12)}.*${GATE}`, 's');
  const status = await waitForComment(stage, pull, ofGate);
  narrator.claim(
    'one comment tells of both pipelines, and of who is waited for',
    [TESTS, PREVIEW, GATE].every((name) => status.includes(name)),
    status,
  );
  narrator.say('ada              /maestro approve agree looks good to me');
  const own = await ada.comment(repository, pull, '/maestro approve agree looks good to me');
  const refusal = await waitForAnswer(stage, pull, own);
  const gate = await find(stage, sha, GATE);
  narrator.claim(
    'the author’s own approval was refused, and changed nothing',
    refusal.includes('ada wrote') && gate?.conclusion === 'action_required',
    { refusal, gate },
  );
  narrator.say('grace            /maestro approve agree tested it');
  await grace.comment(repository, pull, '/maestro approve agree tested it');
  show(narrator, await waitForCheck(stage, sha, PREVIEW, 'success'));
}

async function closePreview(stage: Stage, { say }: Narrator, pull: number, shipped: string): Promise<void> {
  const { ada, repository } = stage;
  say(`ada              closes #${pull}, whose preview nobody agreed to any more`);
  await ada.octokit.rest.pulls.update({ ...repository, pull_number: pull, state: 'closed' });
  await waitForCheck(stage, shipped, PREVIEW, 'cancelled');
}

async function find(stage: Stage, sha: string, name: string): Promise<Check | undefined> {
  return (await checksOf(stage, sha)).find((check) => check.name === name);
}

function pageOf({ sandbox, repository }: Stage, pull: number): string {
  return `${sandbox.url}/${repository.owner}/${repository.repo}/pull/${pull}`;
}

function show({ say }: Narrator, { name, conclusion, title }: Check): void {
  say(`${(conclusion ?? '').padEnd(16)} ${name}: ${title}`);
}
