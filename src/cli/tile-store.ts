/** Where a register is exported to: what was written there stays as it is. */
export interface TileStore {
  /** As people know it. */
  readonly name: string;
  /** Sizes of the checkpoints that are there, in any order. */
  sizes(): Promise<readonly number[]>;
  /** @throws CONFLICT where it is not there */
  read(path: string): Promise<Uint8Array>;
  /** A file that is there with the same content stays. @throws CONFLICT where it has other content */
  add(path: string, bytes: Uint8Array): Promise<void>;
  /** The one file that the layout wants to change; where the store keeps versions, it keeps the one before. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
}

export const CHECKPOINTS = 'checkpoints';
const SIZE_NAME = /^\d{16}$/;

/** Sorts by size. */
export function checkpointPath(size: number): string {
  return `${CHECKPOINTS}/${String(size).padStart(16, '0')}`;
}

/** Sizes by the names of files. */
export function sizesOf(names: readonly string[]): readonly number[] {
  return names.filter((name) => SIZE_NAME.test(name)).map(Number);
}
