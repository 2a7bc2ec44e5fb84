import type { Annotation } from '../../protocol/outcome.ts';
import { ANNOTATIONS_MAX } from '../../protocol/outcome.ts';
import type { StepView } from '../../protocol/run.ts';
import { plainLine, plainLines } from './safe-text.ts';

/** What GitHub takes in one request, and appends with each further one. */
export const ANNOTATIONS_PER_WRITE = 50;
/** Of one run, beyond those that go with the verdicts of its steps: each fifty of them cost the installation a write. */
const RUN_ANNOTATIONS_MAX = 1000;
/** GitHub's limit is 64 KB; a character of JSON has up to 4 bytes. */
const MESSAGE_CHARS_MAX = 16_000;
const TITLE_CHARS_MAX = 255;
const PATH_CHARS_MAX = 1000;
const LINE_MAX = 10_000_000;

export interface SortedAnnotations {
  /** Such that GitHub takes them. */
  readonly shown: readonly Annotation[];
  /** Not on a line of a file of the repository: for the summary. */
  readonly loose: readonly Annotation[];
  /** Beyond what is sent. */
  readonly omitted: number;
}

/**
 * What is sent of the annotations of a run's failed steps. Steps come in the order in which they failed: what one of them
 * was given, and GitHub has perhaps, is not taken back for a later one.
 */
export function shareAnnotations(
  steps: readonly StepView[],
): readonly { readonly step: StepView; readonly annotations: SortedAnnotations }[] {
  let left = RUN_ANNOTATIONS_MAX;
  return steps.map((step) => {
    const annotations = sortAnnotations(step.annotations, ANNOTATIONS_PER_WRITE + left);
    left -= Math.max(0, annotations.shown.length - ANNOTATIONS_PER_WRITE);
    return { step, annotations };
  });
}

/** Holds annotations of a step to what GitHub takes; one bad field would have it refuse the whole batch. */
export function sortAnnotations(annotations: readonly Annotation[], shownMax = ANNOTATIONS_MAX): SortedAnnotations {
  const shown: Annotation[] = [];
  const loose: Annotation[] = [];
  let omitted = 0;
  for (const annotation of annotations) {
    const placed = place(annotation);
    const isBeyond = shown.length + loose.length >= ANNOTATIONS_MAX || (placed && shown.length >= shownMax);
    if (isBeyond) omitted++;
    else if (placed) shown.push(placed);
    else loose.push(annotation);
  }
  return { shown, loose, omitted };
}

function place(annotation: Annotation): Annotation | undefined {
  const path = repositoryPath(annotation.path);
  const { startLine } = annotation;
  if (path === undefined || !isPosition(startLine)) return undefined;
  const endLine = annotation.endLine ?? startLine;
  if (!isPosition(endLine) || endLine < startLine) return undefined;
  const message = plainLines(annotation.message, MESSAGE_CHARS_MAX).trim();
  const title = plainLine(annotation.title ?? '', TITLE_CHARS_MAX);
  return {
    level: annotation.level,
    message: message === '' ? '(no message)' : message,
    ...(title === '' ? {} : { title }),
    path,
    startLine,
    endLine,
    ...(startLine === endLine ? columnsOf(annotation) : {}),
  };
}

/** GitHub takes columns only where an annotation stays on one line. */
function columnsOf({ startColumn, endColumn }: Annotation): Pick<Annotation, 'startColumn' | 'endColumn'> {
  if (!isPosition(startColumn)) return {};
  if (endColumn === undefined) return { startColumn };
  return isPosition(endColumn) && endColumn >= startColumn ? { startColumn, endColumn } : { startColumn };
}

/** Relative, with `/`, and inside of the repository; undefined where it is not. */
function repositoryPath(path: string | undefined): string | undefined {
  if (path === undefined || path.length > PATH_CHARS_MAX || plainLine(path, PATH_CHARS_MAX) !== path) return undefined;
  const parts = path.replaceAll('\\', '/').split('/');
  if (parts[0] === '.') parts.shift();
  if (/^[A-Za-z]:$/.test(parts[0] ?? '') || parts.some((part) => part === '' || part === '.' || part === '..'))
    return undefined;
  return parts.join('/');
}

function isPosition(value: number | undefined): value is number {
  return Number.isInteger(value) && value !== undefined && value >= 1 && value <= LINE_MAX;
}
