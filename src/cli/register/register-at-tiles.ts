import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { openCheckpoint } from '../../provenance/evidence-log/checkpoint.ts';
import type { AuditFinding } from '../../provenance/evidence-log/log-audit.ts';
import { type NoteKey, verifierKeyText } from '../../provenance/evidence-log/note-key.ts';
import { entriesOf, TILE_WIDTH, type TileFile, Tiles, tilePath } from '../../provenance/evidence-log/tiles.ts';
import { demand } from '../../provenance/verification-error.ts';
import type { AuditedRegister } from './audit-register.ts';
import { CHECKPOINT, checkpointPath, type TileReader } from './tile-store.ts';

const ENTRIES = 'tile/entries/';

export interface ExportedRegister {
  /** Reads leaves in their order, and holds the tiles of hashes against them as it goes. */
  readonly reader: AuditedRegister;
  /** The checkpoint that the layout names; an export that is cut off leaves it behind the newest, and never before it. */
  readonly shown: string | undefined;
  /** Of the leaves that were read: tiles of hashes that do not follow from them. */
  damage(): readonly AuditFinding[];
}

/**
 * A register as it was exported, under the newest checkpoint that is there.
 * @throws EVIDENCE_NOT_FOUND where nothing was exported, VerificationError where the checkpoint is not what the key signed
 */
export async function registerAtTiles(tiles: TileReader, key: NoteKey): Promise<ExportedRegister> {
  const newest = Math.max(0, ...(await tiles.sizes()));
  if (newest === 0) throw new MaestroError('EVIDENCE_NOT_FOUND', `expected an exported register at ${tiles.name}`);
  const checkpoint = Buffer.from(await tiles.read(checkpointPath(newest))).toString();
  const { size } = openCheckpoint(checkpoint, key);
  demand(size === newest, 'LOG_ROLLED_BACK', `${checkpointPath(newest)} in ${tiles.name} is one of ${size} leaves`);
  const signed = { checkpoint, verifierKey: verifierKeyText(key.name, key.key) };
  const made = new Tiles();
  const damaged: string[] = [];
  const leaves = async (from: number, count: number): Promise<readonly string[]> => {
    const entries = (await bundleAt(Math.floor(from / TILE_WIDTH), size, tiles)) ?? [];
    const texts = entries.slice(from % TILE_WIDTH, (from % TILE_WIDTH) + count).map((entry) => entry.toString());
    const files = texts.flatMap((text) => made.take(text));
    if (made.size === size) files.push(...made.partial());
    damaged.push(...(await damagedOf(files, tiles)));
    return texts;
  };
  return {
    reader: { checkpoint: async () => signed, leaves },
    shown: (await ifThere(tiles.read(CHECKPOINT)))?.toString(),
    damage: () =>
      damaged.map((path) => ({
        code: 'LOG_FORKED',
        message: `${path} is not what the leaves make of it`,
        runId: null,
      })),
  };
}

/** Paths of those that the store has not, or has otherwise. Leaves themselves were read already. */
async function damagedOf(files: readonly TileFile[], tiles: TileReader): Promise<string[]> {
  const hashes = files.filter(({ path }) => !path.startsWith(ENTRIES));
  const isSame = await Promise.all(
    hashes.map(async ({ path, bytes }) => (await ifThere(tiles.read(path)))?.equals(bytes) === true),
  );
  return hashes.filter((_, i) => !isSame[i]).map(({ path }) => path);
}

/** A bundle that is gone or cut off holds no leaves: the audit says how many are missing. */
async function bundleAt(index: number, size: number, tiles: TileReader): Promise<readonly Buffer[] | undefined> {
  const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
  const bytes = await ifThere(tiles.read(tilePath('entries', index, width === TILE_WIDTH ? undefined : width)));
  try {
    return bytes && entriesOf(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function ifThere(reading: Promise<Uint8Array>): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await reading);
  } catch (error) {
    if (isMaestroError(error, 'CONFLICT')) return undefined;
    throw error;
  }
}
