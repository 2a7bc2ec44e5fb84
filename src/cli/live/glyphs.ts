import type { RunStatus, StepStatus } from '../../protocol/run.ts';

/** The signs of the display, each one column wide. */
export interface Glyphs {
  readonly step: Readonly<Record<StepStatus, string>>;
  /** Frames of a running step. */
  readonly spinner: readonly string[];
  readonly backoff: string;
  /** Bracket of steps that can run side by side. */
  readonly first: string;
  readonly middle: string;
  readonly last: string;
  readonly barDone: string;
  readonly barBad: string;
  readonly barOpen: string;
  readonly ellipsis: string;
  readonly dot: string;
}

export const UNICODE_GLYPHS: Glyphs = {
  step: {
    pending: '◌',
    held: '‖',
    ready: '○',
    running: '●',
    succeeded: '✓',
    failed: '✗',
    skipped: '–',
    cancelled: '■',
    denied: '⊘',
  },
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  backoff: '↻',
  first: '╭',
  middle: '│',
  last: '╰',
  barDone: '━',
  barBad: '━',
  barOpen: '─',
  ellipsis: '…',
  dot: '·',
};

export const ASCII_GLYPHS: Glyphs = {
  step: {
    pending: '.',
    held: '!',
    ready: 'o',
    running: '*',
    succeeded: '+',
    failed: 'x',
    skipped: '-',
    cancelled: '#',
    denied: '%',
  },
  spinner: ['|', '/', '-', '\\'],
  backoff: '~',
  first: '/',
  middle: '|',
  last: '\\',
  barDone: '=',
  barBad: 'x',
  barOpen: '-',
  ellipsis: '...',
  dot: '-',
};

export type Tone = 'good' | 'bad' | 'busy' | 'ask' | 'quiet';

/** What a status feels like; decides its colour. */
export function toneOf(status: StepStatus | RunStatus): Tone {
  return TONES[status];
}

const TONES: Readonly<Record<StepStatus | RunStatus, Tone>> = {
  succeeded: 'good',
  failed: 'bad',
  denied: 'bad',
  rejected: 'bad',
  running: 'busy',
  cancelling: 'busy',
  held: 'ask',
  cancelled: 'ask',
  pending: 'quiet',
  ready: 'quiet',
  queued: 'quiet',
  skipped: 'quiet',
};
