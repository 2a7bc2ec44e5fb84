import { MaestroError } from '../base/errors.ts';
import { type EvidenceReader, LEAVES_MAX } from '../protocol/evidence.ts';
import { type Checkpoint, openCheckpoint } from '../provenance/evidence-log/checkpoint.ts';
import { type NoteKey, readVerifierKey } from '../provenance/evidence-log/note-key.ts';
import { Tiles } from '../provenance/evidence-log/tiles.ts';
import { demand } from '../provenance/verification-error.ts';
import { checkpointPath, type TileStore } from './tile-store.ts';

export interface ExportRequest {
  readonly reader: EvidenceReader;
  /** Whom the exporter trusts; undefined: whom the register names. */
  readonly key: NoteKey | undefined;
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
export async function exportRegister({ reader, key }: ExportRequest, store: TileStore): Promise<Exported> {
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
  await takeAll(trial, checkpoint, reader, async () => {});
  demand(
    Buffer.from(checkpoint.root).equals(trial.root()),
    'LOG_FORKED',
    `the register does not continue what ${store.name} has of it`,
  );
  const tiles = await resume();
  const add = async (files: ReturnType<Tiles['take']>): Promise<void> => {
    for (const { path, bytes } of files) await store.add(path, bytes);
  };
  await takeAll(tiles, checkpoint, reader, add);
  demand(Buffer.from(checkpoint.root).equals(tiles.root()), 'LOG_FORKED', 'the register changed while it was exported');
  await add(tiles.partial());
  await store.add(checkpointPath(checkpoint.size), Buffer.from(signed.checkpoint));
  await store.replace('checkpoint', Buffer.from(signed.checkpoint));
  return { checkpoint, before };
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

async function takeAll(
  tiles: Tiles,
  { size }: Checkpoint,
  reader: EvidenceReader,
  write: (files: ReturnType<Tiles['take']>) => Promise<void>,
): Promise<void> {
  while (tiles.size < size) {
    const leaves = await reader.leaves(tiles.size, Math.min(size - tiles.size, LEAVES_MAX));
    demand(leaves.length > 0, 'LOG_TRUNCATED', `the checkpoint speaks of ${size} leaves, and ${tiles.size} are there`);
    for (const leaf of leaves) await write(tiles.take(leaf));
  }
}
