import type { CheckSpec } from '../../protocol/check.ts';
import type { ReleaseSpec } from '../../protocol/release-board.ts';
import { plainLine, safeText } from '../report/safe-text.ts';
import type { PageState } from './judge-page.ts';

const TITLE_CHARS_MAX = 255;
const REASON_CHARS_MAX = 300;

/** What the check of a release says when its page is as it stays; undefined while something is still to be done. */
export function releaseCheck(spec: ReleaseSpec, state: PageState): CheckSpec | undefined {
  const { tag, isKeptDraft, assets } = spec;
  switch (state.type) {
    case 'waiting':
    case 'filling':
    case 'ready':
      return undefined;
    case 'done':
      return check(spec, 'success', {
        title: isKeptDraft ? `The draft of ${tag} is complete` : `${tag} is released`,
        lines: [`${assets.length} files are attached, each with the digest that the run's evidence names.`],
      });
    case 'gone':
      return check(spec, 'failure', {
        title: `${tag} is not released: somebody took its release away`,
        lines: ['Run the pipeline once more to have another one made.'],
      });
    case 'withdrawn':
      return check(spec, 'failure', {
        title: `${tag} is not released any more: somebody made its release a draft again`,
        lines: ['Publish it on its page. Maestro does not: whoever withdrew it had a reason.'],
      });
    case 'refused':
      return check(spec, 'failure', {
        title: `${tag} is not released: ${state.reasons[0] ?? ''}`,
        lines: state.reasons,
      });
    case 'changed':
      return check(spec, 'failure', {
        title: `${tag} was changed after its release: ${state.reasons[0] ?? ''}`,
        lines: state.reasons,
      });
    default:
      return state satisfies never;
  }
}

/** A run that came too late: one before it has released the tag. */
export function releasedBeforeCheck(spec: ReleaseSpec, publisher: string): CheckSpec {
  return check(spec, 'neutral', {
    title: `${spec.tag} was released before`,
    lines: [`Run ${publisher} released it, and its files stay as they are.`],
  });
}

function check(
  { runId, checkName }: ReleaseSpec,
  conclusion: NonNullable<CheckSpec['conclusion']>,
  { title, lines }: { readonly title: string; readonly lines: readonly string[] },
): CheckSpec {
  return {
    externalId: `${runId}/release/check`,
    // No step has a name with a blank.
    name: `${checkName} / release page`,
    status: 'completed',
    conclusion,
    title: plainLine(title, TITLE_CHARS_MAX),
    summary: lines.map((line) => `- ${safeText(line, REASON_CHARS_MAX)}`).join('\n'),
    text: null,
    annotations: [],
    actions: [],
    detailsUrl: null,
    startedAt: null,
    completedAt: null,
  };
}
