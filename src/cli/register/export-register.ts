import { MaestroError } from '../../base/errors.ts';
import { type EvidenceReader, LEAVES_MAX } from '../../protocol/evidence.ts';
import { type Checkpoint, openCheckpoint } from '../../provenance/evidence-log/checkpoint.ts';
import { type NoteKey, readVerifierKey } from '../../provenance/evidence-log/note-key.ts';
import { type TileFile, Tiles } from '../../provenance/evidence-log/tiles.ts';
import { demand } from '../../provenance/verification-error.ts';
import { CHECKPOINT, checkpointPath, type TileStore } from './tile-store.ts';

/** Each time another exporter has brought a newer checkpoint; then that one shows it. */
const OVERTAKEN_MAX = 10;

export interface ExportRequest {
  readonly reader: EvidenceReader;
  /** Whom the exporter trusts; undefined: whom the register names. */
  readonly key: NoteKey | undefined;
  /** Told again and again how far it is. */
  readonly onProgress: (progress: ExportProgress) => void;
}

export interface ExportProgress {
  /** Leaves are first all checked, then written. */
  readonly deed: 'checked' | 'written';
  readonly leaves: number;
  readonly of: number;
}

export interface Exported {
  readonly checkpoint: Checkpoint;
  /** Leaves that were there before. */
  readonly before: number;
}

/**
 * Writes what a register has grown by since the last export, as tiles, and its checkpoint when they are all there. Nothing is
 * written before the new leaves are known to continue what was exported: what cannot be taken back must not be wrong.
 *
 * An export that is cut off is made again: the same leaves make the same files.
 * @throws VerificationError LOG_ROLLED_BACK, LOG_FORKED, LOG_TRUNCATED; CONFLICT where files of another register are there
 */
export async function exportRegister({ reader, key, onProgress }: ExportRequest, store: TileStore): Promise<Exported> {
  const signed = await reader.checkpoint();
  const trusted = key ?? readVerifierKey(signed.verifierKey);
  const checkpoint = openCheckpoint(signed.checkpoint, trusted);
  const before = Math.max(0, ...(await store.sizes()));
  demand(
    before <= checkpoint.size,
    'LOG_ROLLED_BACK',
    `${store.name} has ${before} leaves, and the register shows ${checkpoint.size}`,
  );
  const resume = (): Promise<Tiles> => resumed(before, store, trusted);
  const trial = await resume();
  const tell = (deed: ExportProgress['deed'], tiles: Tiles): void =>
    onProgress({ deed, leaves: tiles.size - before, of: checkpoint.size - before });
  await takeAll(trial, checkpoint, reader, async () => tell('checked', trial));
  demand(
    Buffer.from(checkpoint.root).equals(trial.root()),
    'LOG_FORKED',
    `the register does not continue what ${store.name} has of it`,
  );
  const tiles = await resume();
  await takeAll(tiles, checkpoint, reader, async (files) => {
    await addAll(files, store);
    tell('written', tiles);
  });
  demand(Buffer.from(checkpoint.root).equals(tiles.root()), 'LOG_FORKED', 'the register changed while it was exported');
  await addAll(tiles.partial(), store);
  await store.add(checkpointPath(checkpoint.size), Buffer.from(signed.checkpoint));
  await showNewest(checkpoint.size, store, trusted);
  return { checkpoint, before };
}

/**
 * Another exporter may have come further meanwhile, and must not find its checkpoint replaced by an older one. Whoever replaces it
 * looks afterwards for a newer one: of two, the one that looked last has seen both.
 */
async function showNewest(ours: number, store: TileStore, key: NoteKey): Promise<void> {
  for (let [shown, tries] = [ours, 1]; tries <= OVERTAKEN_MAX; tries++) {
    const note = await store.read(checkpointPath(shown));
    const { size } = openCheckpoint(Buffer.from(note).toString(), key);
    demand(size === shown, 'LOG_ROLLED_BACK', `${checkpointPath(shown)} in ${store.name} is one of ${size} leaves`);
    await store.replace(CHECKPOINT, note);
    const newest = Math.max(...(await store.sizes()));
    if (newest <= shown) return;
    shown = newest;
  }
}

/** Side by side: a store far away takes its time for each. */
async function addAll(files: readonly TileFile[], store: TileStore): Promise<void> {
  const ends = await Promise.allSettled(files.map(({ path, bytes }) => store.add(path, bytes)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** What is there must be what its checkpoint says, lest the export goes on from something that somebody changed. */
async function resumed(size: number, store: TileStore, key: NoteKey): Promise<Tiles> {
  if (size === 0) return new Tiles();
  const note = Buffer.from(await store.read(checkpointPath(size))).toString();
  const { root } = openCheckpoint(note, key);
  const tiles = await Tiles.after(size, (path) => store.read(path)).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    throw new MaestroError('CONFLICT', `${store.name} is damaged: ${error.message}`, { cause: error });
  });
  demand(
    Buffer.from(root).equals(tiles.root()),
    'LOG_FORKED',
    `the tiles in ${store.name} are not those of its checkpoint`,
  );
  return tiles;
}

/** @param write tiles that became full by one call's leaves: few, as a call brings a thousand at most */
async function takeAll(
  tiles: Tiles,
  { size }: Checkpoint,
  reader: EvidenceReader,
  write: (files: readonly TileFile[]) => Promise<void>,
): Promise<void> {
  while (tiles.size < size) {
    const leaves = await reader.leaves(tiles.size, Math.min(size - tiles.size, LEAVES_MAX));
    demand(leaves.length > 0, 'LOG_TRUNCATED', `the checkpoint speaks of ${size} leaves, and ${tiles.size} are there`);
    await write(leaves.flatMap((leaf) => tiles.take(leaf)));
  }
}
