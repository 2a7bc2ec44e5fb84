import { describe, expect, it } from 'vitest';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { matchesFiles, matchTriggers } from '../../../../src/github/matching/match.ts';
import { asksToSkip } from '../../../../src/github/matching/skip-marker.ts';
import type { Triggers } from '../../../../src/pipeline/triggers.ts';
import { codeEvent, pullFacts } from './sample-events.ts';

const PUSH = codeEvent({ type: 'push', branch: 'main' });
const TAG = codeEvent({ type: 'tag', branch: null, tag: 'v1.2.3' });
const PULL = codeEvent({ type: 'pull_request', action: 'opened', branch: 'main', pull: pullFacts() });
const QUEUE = codeEvent({ type: 'merge_group', action: 'checks_requested', branch: 'main' });
const RELEASE = codeEvent({ type: 'release', action: 'published', tag: 'v1' });

type Row = readonly [string, Triggers, CodeEvent, 'start' | 'other' | 'filtered'];

const TABLE: readonly Row[] = [
  ['a push without filter', { push: {} }, PUSH, 'start'],
  ['a push, waited for by nobody', { pullRequest: {} }, PUSH, 'other'],
  ['a pipeline without triggers', {}, PUSH, 'other'],
  ['a branch that matches', { push: { branches: ['ma*'] } }, PUSH, 'start'],
  ['a branch that does not', { push: { branches: ['dev'] } }, PUSH, 'filtered'],
  ['a branch to ignore', { push: { branchesIgnore: ['main'] } }, PUSH, 'filtered'],
  ['another branch to ignore', { push: { branchesIgnore: ['dev/**'] } }, PUSH, 'start'],
  ['a push to a branch where only tags count', { push: { tags: ['v*'] } }, PUSH, 'other'],
  ['a push to a branch where both count', { push: { tags: ['v*'], branches: ['main'] } }, PUSH, 'start'],
  ['a tag, where every push counts', { push: {} }, TAG, 'start'],
  ['a tag, where only branches count', { push: { branches: ['**'] } }, TAG, 'other'],
  ['a tag, where only paths are filtered', { push: { paths: ['src/**'] } }, TAG, 'start'],
  ['a tag of a push', { push: { tags: ['v1.**'] } }, TAG, 'start'],
  ['another tag of a push', { push: { tags: ['v2.**'] } }, TAG, 'other'],
  ['a tag trigger', { tag: {} }, TAG, 'start'],
  ['a tag trigger with its list', { tag: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } }, TAG, 'start'],
  ['a tag that the list leaves out', { tag: { tags: ['**', '!v1*'] } }, TAG, 'other'],
  ['a pull request that is opened', { pullRequest: {} }, PULL, 'start'],
  ['one that is closed', { pullRequest: {} }, { ...PULL, action: 'closed' }, 'other'],
  ['one that is labeled', { pullRequest: {} }, { ...PULL, action: 'labeled' }, 'other'],
  [
    'one that is labeled, where labels count',
    { pullRequest: { types: ['labeled'] } },
    { ...PULL, action: 'labeled' },
    'start',
  ],
  ['one that is opened, where labels count', { pullRequest: { types: ['labeled'] } }, PULL, 'other'],
  [
    'one that is ready for review, where that counts',
    { pullRequest: { types: ['opened', 'ready_for_review'] } },
    { ...PULL, action: 'ready_for_review' },
    'start',
  ],
  ['one that is ready for review', { pullRequest: {} }, { ...PULL, action: 'ready_for_review' }, 'other'],
  ['one to another branch', { pullRequest: { branches: ['release/*'] } }, PULL, 'filtered'],
  ['a merge group', { mergeGroup: {} }, QUEUE, 'start'],
  ['a merge group of another branch', { mergeGroup: { branches: ['dev'] } }, QUEUE, 'filtered'],
  ['a release', { release: {} }, RELEASE, 'start'],
  ['a release that is only drafted', { release: {} }, { ...RELEASE, action: 'created' }, 'other'],
  [
    'a release that is drafted, where that counts',
    { release: { types: ['created'] } },
    { ...RELEASE, action: 'created' },
    'start',
  ],
  [
    'a command of its name',
    { command: { name: 'deploy', permission: 'write' } },
    codeEvent({ type: 'command', command: { name: 'deploy', params: {} } }),
    'start',
  ],
  [
    'a command of another name',
    { command: { name: 'deploy', permission: 'write' } },
    codeEvent({ type: 'command', command: { name: 'x', params: {} } }),
    'other',
  ],
  ['a dispatch', { dispatch: {} }, codeEvent({ type: 'dispatch' }), 'start'],
];

describe('triggers', () => {
  it.each(TABLE)('%s', (_name, triggers, event, type) => {
    expect(matchTriggers(triggers, event).type).toBe(type);
  });

  it('hands on the filter of paths', () => {
    expect(matchTriggers({ push: { paths: ['src/**'] } }, PUSH)).toEqual({
      type: 'start',
      files: { paths: ['src/**'] },
    });
  });

  it.each([
    [{ paths: ['src/**'] }, ['README.md', 'src/a.ts'], true],
    [{ paths: ['src/**'] }, ['README.md'], false],
    [{ paths: ['src/**', '!src/**.md'] }, ['src/a.md'], false],
    [{ paths: ['src/**', '!src/**.md'] }, ['src/a.md', 'src/b.ts'], true],
    [{ pathsIgnore: ['docs/**'] }, ['docs/a.md'], false],
    [{ pathsIgnore: ['docs/**'] }, ['docs/a.md', 'b.ts'], true],
    [{ paths: ['a/**'], pathsIgnore: ['a/b/**'] }, ['a/b/c', 'd'], false],
    [{ paths: ['**'] }, [], false],
  ] as const)('%j and the files %j', (filter, files, isMatch) => {
    expect(matchesFiles(filter, files)).toBe(isMatch);
  });
});

describe('skip markers', () => {
  it.each([
    ['fix: typo [skip ci]', true],
    ['[ci skip] docs', true],
    ['a [no ci] b', true],
    ['a\n\nb [skip actions]', true],
    ['[actions skip]', true],
    ['[SKIP CI]', true],
    ['skip ci', false],
    ['[skip  ci]', false],
    ['feat: x\n\nskip-checks: true', true],
    ['feat: x\n\n\nSigned-off-by: a\nskip-checks:true\n', true],
    ['skip-checks: true', false],
    ['feat: x\n\nskip-checks: true\n\nand more text', false],
    ['feat: x\n\nskip-checks: false', false],
    ['', false],
  ])('%j: %s', (message, isSkip) => {
    expect(asksToSkip(message)).toBe(isSkip);
  });
});
