import { isAbsolute, join, relative, sep } from 'node:path';
import { ANNOTATIONS_MAX, type Annotation } from '../../protocol/outcome.ts';
import type { Masker } from '../mask.ts';

/** GitHub's own limits of a check run's annotation. */
const MESSAGE_CHARS_MAX = 16_384;
const TITLE_CHARS_MAX = 255;

interface Kept {
  readonly annotation: Annotation;
  readonly isOwn: boolean;
}

/**
 * The annotations of one attempt: masked, with paths as the repository knows them, each once, at most `ANNOTATIONS_MAX`.
 */
export class AnnotationCollector {
  readonly #masker: Masker;
  readonly #repositoryRoot: string;
  readonly #workingDirectory: string;
  readonly #kept = new Map<string, Kept>();
  #beyondCount = 0;

  constructor(masker: Masker, repositoryRoot: string, workingDirectory: string) {
    this.#masker = masker;
    this.#repositoryRoot = repositoryRoot;
    this.#workingDirectory = workingDirectory;
  }

  /** Takes a remark of the step. */
  readonly add = (annotation: Annotation): void => this.#add(annotation, false);

  /** Takes a remark of Maestro's own: what the step asked to mask does not garble it, declared secrets are masked. */
  readonly addOwn = (annotation: Annotation): void => this.#add(annotation, true);

  #add(annotation: Annotation, isOwn: boolean): void {
    // The last place is for the one that says how many are missing.
    if (this.#kept.size >= ANNOTATIONS_MAX - 1) {
      this.#beyondCount++;
      return;
    }
    const tidy = this.#tidy(annotation);
    const key = JSON.stringify(tidy);
    if (!this.#kept.has(key)) this.#kept.set(key, { annotation: tidy, isOwn });
  }

  list(): readonly Annotation[] {
    const kept = [...this.#kept.values()].map((one) => this.#mask(one));
    if (this.#beyondCount === 0) return kept;
    return [...kept, { level: 'notice', message: `${this.#beyondCount} more annotations are in the log only` }];
  }

  #tidy(annotation: Annotation): Annotation {
    const { path, title, startLine, endLine, startColumn, endColumn, ...rest } = annotation;
    const known = path === undefined ? undefined : this.#repositoryPath(path);
    // A place without a file means nothing to a reader.
    const place =
      known === undefined ? {} : { path: known, ...positions({ startLine, endLine, startColumn, endColumn }) };
    return {
      ...rest,
      message: clean(rest.message, MESSAGE_CHARS_MAX),
      ...(title ? { title: clean(title, TITLE_CHARS_MAX) } : {}),
      ...place,
    };
  }

  /** Masked last, because a secret may become known only after the annotation. */
  #mask({ annotation, isOwn }: Kept): Annotation {
    const { message, title, path } = annotation;
    const masker = isOwn ? this.#masker.secrets : this.#masker;
    return {
      ...annotation,
      message: masker.maskText(message),
      ...(title === undefined ? {} : { title: masker.maskText(title) }),
      ...(path === undefined ? {} : { path: masker.maskText(path) }),
    };
  }

  /** Relative to the repository, `/` between names; undefined for a file outside of it. */
  #repositoryPath(path: string): string | undefined {
    const absolute = isAbsolute(path) ? path : join(this.#workingDirectory, path);
    const below = relative(this.#repositoryRoot, absolute);
    if (below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)) return undefined;
    return clean(below.split(sep).join('/'), TITLE_CHARS_MAX * 4);
  }
}

type Positions = { readonly [name in 'startLine' | 'endLine' | 'startColumn' | 'endColumn']?: number | undefined };

function positions(given: Positions): { readonly [name in keyof Positions]: number } {
  const whole = Object.entries(given).filter(([, value]) => Number.isSafeInteger(value) && (value as number) >= 1);
  return Object.fromEntries(whole) as { readonly [name in keyof Positions]: number };
}

/** Text that every store takes: no NUL, no lone surrogate, not too long. */
export function clean(text: string, charsMax: number): string {
  const tidy = text.toWellFormed().replaceAll('\0', '\ufffd');
  return tidy.length <= charsMax ? tidy : `${tidy.slice(0, charsMax - 3).toWellFormed()}...`;
}
