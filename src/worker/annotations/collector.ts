import { isAbsolute, join, relative, sep } from 'node:path';
import { ANNOTATIONS_MAX, type Annotation } from '../../protocol/outcome.ts';
import type { Masker } from '../mask.ts';

/** GitHub's own limits of a check run's annotation. */
const MESSAGE_CHARS_MAX = 16_384;
const TITLE_CHARS_MAX = 255;
const PATH_CHARS_MAX = 1020;

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
    // One place is for the remark that says how many are missing.
    if (this.#kept.size >= ANNOTATIONS_MAX - 1) {
      this.#beyondCount++;
      return;
    }
    const tidy = this.#tidy(annotation, this.#maskerFor(isOwn));
    const key = JSON.stringify(tidy);
    if (!this.#kept.has(key)) this.#kept.set(key, { annotation: tidy, isOwn });
  }

  /** A secret may have become known after the annotation: all of them are masked once more. */
  list(): readonly Annotation[] {
    const kept = [...this.#kept.values()].map((one) => this.#mask(one));
    if (this.#beyondCount === 0) return kept;
    // First: whoever shows only some of them shows this one.
    return [{ level: 'notice', message: `${this.#beyondCount} more annotations are in the log only` }, ...kept];
  }

  /** Masks before it cuts: of a secret that lies across the cut a part would stay that nobody knows for one. */
  #tidy(annotation: Annotation, masker: Masker): Annotation {
    const { path, title, startLine, endLine, startColumn, endColumn, ...rest } = annotation;
    const known = path === undefined ? undefined : this.#repositoryPath(path);
    // A place without a file means nothing to a reader.
    const place =
      known === undefined
        ? {}
        : {
            path: clean(masker.maskText(known), PATH_CHARS_MAX),
            ...positions({ startLine, endLine, startColumn, endColumn }),
          };
    return {
      ...rest,
      message: clean(masker.maskText(rest.message), MESSAGE_CHARS_MAX),
      ...(title ? { title: clean(masker.maskText(title), TITLE_CHARS_MAX) } : {}),
      ...place,
    };
  }

  #mask({ annotation, isOwn }: Kept): Annotation {
    const { message, title, path } = annotation;
    const masker = this.#maskerFor(isOwn);
    return {
      ...annotation,
      message: masker.maskText(message),
      ...(title === undefined ? {} : { title: masker.maskText(title) }),
      ...(path === undefined ? {} : { path: masker.maskText(path) }),
    };
  }

  #maskerFor(isOwn: boolean): Masker {
    return isOwn ? this.#masker.secrets : this.#masker;
  }

  /** Relative to the repository, `/` between names; undefined for a file outside of it. */
  #repositoryPath(path: string): string | undefined {
    const absolute = isAbsolute(path) ? path : join(this.#workingDirectory, path);
    const below = relative(this.#repositoryRoot, absolute);
    if (below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)) return undefined;
    return below.split(sep).join('/');
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
