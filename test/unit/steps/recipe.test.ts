import { describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import { parseContainerfile } from '../../../src/steps/build-container/containerfile.ts';
import { recipeOf } from '../../../src/steps/build-container/recipe.ts';

const LONG = 'x'.repeat(30_000);

function many(count: number, text: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => text(index));
}

function refusal(lines: readonly string[]): string | undefined {
  try {
    recipeOf(parseContainerfile(['FROM scratch', ...lines].join('\n')), {});
    return undefined;
  } catch (error) {
    if (isMaestroError(error)) return error.code;
    throw error;
  }
}

describe('a recipe', () => {
  it.each<[string, readonly string[]]>([
    ['labels of one instruction', [`ENV X=${LONG}`, `LABEL ${many(200, (i) => `l${i}=$X`).join(' ')}`]],
    ['variables', [`ENV X=${LONG}`, ...many(200, (i) => `ENV V${i}=$X`)]],
    ['older forms', [`ENV X=${LONG}`, ...many(200, (i) => `ENV V${i} a $X`)]],
    ['arguments', [`ARG X=${LONG}`, ...many(200, (i) => `ARG V${i}=$X`)]],
    ['sources', [`ENV X=${LONG}`, `COPY ${many(200, () => '$X').join(' ')} /`]],
    ['folders below one another', many(900, () => `WORKDIR ${'y'.repeat(100)}`)],
    ['targets below a long folder', [`WORKDIR /${LONG}`, ...many(200, () => 'COPY a b')]],
  ])('is no larger than its image needs, whatever is put in: %s', (_what, lines) => {
    expect(refusal(lines)).toBe('INPUT_INVALID');
  });

  it('may put in a long text more than once', () => {
    expect(refusal([`ENV X=${LONG}`, ...many(20, (i) => `LABEL l${i}=$X`)])).toBeUndefined();
  });
});
