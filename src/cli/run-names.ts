import type { PositionalSpec } from './command-spec.ts';

/** How people name a run, in the help of every command that takes one. */
export const RUN_NAMES = 'RUN is a run id, its first characters (4 or more), or `latest`.';
export const RUN: PositionalSpec = { name: 'RUN', completion: ['latest'] };
