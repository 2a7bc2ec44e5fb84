import type { JsonObject } from '../../base/json.ts';
import { type Descriptor, MEDIA_TYPE, toJson } from '../oci/descriptor.ts';
import { LayoutWriter } from '../oci/write-layout.ts';
import type { ContextEntry } from './context-tree.ts';
import { ImageTree } from './image-tree.ts';
import { type WrittenLayer, writeLayer } from './layer.ts';
import { type Platform, platformJson } from './platform.ts';
import type { Recipe } from './recipe.ts';

export interface ScratchBuild {
  readonly recipe: Recipe;
  readonly context: readonly ContextEntry[];
  readonly platforms: readonly Platform[];
  readonly tags: readonly string[];
  /** Of every file and of the image, since 1970. */
  readonly timeMs: number;
  /** Absolute, of a folder that is there and empty. */
  readonly folder: string;
}

/**
 * Builds an image in which nothing has to run, with neither daemon nor rights, as an OCI layout.
 *
 * Equal contexts, recipes and times give equal bytes. Layers are the same on every platform, because files are.
 * @throws MaestroError INPUT_INVALID
 */
export async function buildFromScratch(build: ScratchBuild): Promise<void> {
  const layout = new LayoutWriter(build.folder);
  await layout.open();
  const layers = await writeLayers(layout, build);
  const manifests: Descriptor[] = [];
  for (const platform of build.platforms) {
    const descriptor = await writeManifest(layout, build, layers, platform);
    manifests.push({ ...descriptor, platform: platformJson(platform) });
  }
  const [only] = manifests;
  const image =
    manifests.length === 1 && only
      ? { mediaType: only.mediaType, digest: only.digest, size: only.size }
      : await layout.addJson(MEDIA_TYPE.index, {
          schemaVersion: 2,
          mediaType: MEDIA_TYPE.index,
          manifests: manifests.map(toJson),
        });
  await layout.finish(image, build.tags);
}

async function writeLayers(
  layout: LayoutWriter,
  { recipe, context, timeMs }: ScratchBuild,
): Promise<readonly WrittenLayer[]> {
  const tree = new ImageTree();
  const written: WrittenLayer[] = [];
  for (const layer of recipe.layers) {
    const entries = layer.kind === 'folder' ? tree.addFolder(layer.path) : await tree.addCopy(layer.copy, context);
    written.push(await writeLayer(layout, entries, timeMs));
  }
  return written;
}

async function writeManifest(
  layout: LayoutWriter,
  { recipe, timeMs }: ScratchBuild,
  layers: readonly WrittenLayer[],
  platform: Platform,
): Promise<Descriptor> {
  const created = new Date(timeMs).toISOString().replace('.000Z', 'Z');
  const history = recipe.history.map(({ createdBy, isEmpty }): JsonObject => {
    return { created, created_by: createdBy, ...(isEmpty ? { empty_layer: true } : {}) };
  });
  const config = await layout.addJson(MEDIA_TYPE.config, {
    ...platformJson(platform),
    created,
    config: recipe.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history,
  });
  return layout.addJson(MEDIA_TYPE.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: toJson(config),
    layers: layers.map(({ descriptor }) => toJson(descriptor)),
  });
}
