import { MaestroError } from '../../base/errors.ts';

/** The class of steps that name none. */
const DEFAULT_CLASSES: ReadonlySet<string> = new Set(['linux', 'default']);
const DEFAULT_LABEL = 'ubuntu-latest';
/** Labels of runners that GitHub itself hosts. */
const HOSTED = /^(?:ubuntu|windows|macos)-[a-z0-9.-]+$/;
const LABEL = /^[^\p{C}\s,][^\p{C},]{0,99}$/u;
const LABELS_MAX = 20;

/** Labels by runner class. */
export type ClassLabels = Readonly<Record<string, readonly string[]>>;

/** `runs-on` of the jobs that serve a class. */
export function labelsOf(runnerClass: string, configured: ClassLabels = {}): readonly string[] {
  const own = Object.hasOwn(configured, runnerClass) ? configured[runnerClass] : undefined;
  if (own) return own;
  if (DEFAULT_CLASSES.has(runnerClass)) return [DEFAULT_LABEL];
  return isHosted(runnerClass) ? [runnerClass] : ['self-hosted', runnerClass];
}

/** Whether a label has the form of those that GitHub gives its own machines. */
export function isHosted(label: string): boolean {
  return HOSTED.test(label);
}

/**
 * Reads `{ "gpu": ["self-hosted", "gpu"] }`.
 * @throws CONFIG_INVALID
 */
export function parseClassLabels(text: string): ClassLabels {
  const labels: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(parseObject(text))) {
    if (!isLabels(value))
      throw new MaestroError(
        'CONFIG_INVALID',
        `runner class ${JSON.stringify(name)} needs a list of 1 to ${LABELS_MAX} labels, each a text of at most 100 characters without commas`,
      );
    labels[name] = value;
  }
  return labels;
}

function isLabels(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= LABELS_MAX &&
    value.every((label) => typeof label === 'string' && LABEL.test(label))
  );
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new MaestroError('CONFIG_INVALID', 'labels of runner classes must be JSON', { cause: error });
  }
  throw new MaestroError('CONFIG_INVALID', 'labels of runner classes must be a JSON object: class -> list of labels');
}
