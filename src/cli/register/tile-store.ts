import { MaestroError } from '../../base/errors.ts';

/** What a register was exported as. */
export interface TileReader {
  /** As people know it. */
  readonly name: string;
  /** Sizes of the checkpoints that are there, in any order. */
  sizes(): Promise<readonly number[]>;
  /** @throws CONFLICT where it is not there */
  read(path: string): Promise<Uint8Array>;
}

/** Where a register is exported to: what was written there stays as it is. Files may be written side by side. */
export interface TileStore extends TileReader {
  /** A file that is there with the same content stays. @throws CONFLICT where it has other content */
  add(path: string, bytes: Uint8Array): Promise<void>;
  /** The one file that the layout wants to change; where the store keeps versions, it keeps the one before. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
}

export const CHECKPOINTS = 'checkpoints';
/** The newest one, under the name that the layout gives it. */
export const CHECKPOINT = 'checkpoint';
/** A bundle of 256 entries, each as long as its two bytes of length can say. */
export const TILE_BYTES_MAX = 256 * (2 + 65_535);
const SIZE_NAME = /^\d{16}$/;

/** Sorts by size. */
export function checkpointPath(size: number): string {
  return `${CHECKPOINTS}/${String(size).padStart(16, '0')}`;
}

/** Sizes by the names of files. */
export function sizesOf(names: readonly string[]): readonly number[] {
  return names.filter((name) => SIZE_NAME.test(name)).map(Number);
}

export function missingTile(path: string): never {
  throw new MaestroError('CONFLICT', `expected ${path}, which a former export wrote: choose another place`);
}

export function otherContent(path: string): MaestroError {
  return new MaestroError('CONFLICT', `${path} is there and holds something else: it is of another register`);
}
