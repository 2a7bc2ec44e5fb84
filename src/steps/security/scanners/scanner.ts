import type { JsonObject } from '../../../base/json.ts';
import type { ProgramRequest } from '../../define.ts';
import type { Finding } from '../finding.ts';
import type { ScannerName } from '../scan-head.ts';

export interface ScanPlace {
  /** Real path of the project. */
  readonly folder: string;
  /** Registry of npm that answers, where it is not the project's own. */
  readonly registry?: string;
  /** Where to put settings that are not of the checkout; undefined where the scanner goes by those of the checkout. */
  readonly settingsFolder?: string;
}

/** A program that looks for known weaknesses, and what it says. */
export interface Scanner {
  readonly name: ScannerName;
  /** By which statements name it. */
  readonly uri: string;
  readonly program: string;
  readonly how: string;
  /** What it is called with; it writes JSON to standard output. Undefined where it can do nothing with this folder. */
  readonly request: (place: ScanPlace) => Promise<Omit<ProgramRequest, 'cwd'> | undefined>;
  /** Exit statuses of a scan that was done, whatever it found. */
  readonly doneWith: readonly number[];
  /** Throws SCAN_FAILED for an answer of another form. */
  readonly read: (answer: JsonObject, place: ScanPlace) => Promise<readonly Finding[]> | readonly Finding[];
}
