import { renameSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLayout } from '../../../src/steps/oci/read-layout.ts';
import { ProjectFolder } from './project-folder.ts';
import { PushScene } from './push-scene.ts';

describe('a layout that is read', () => {
  let scene: PushScene;
  let outside: ProjectFolder;
  beforeEach(async () => {
    outside = new ProjectFolder();
    scene = await new PushScene().build();
  });
  afterEach(() => {
    scene.remove();
    outside.remove();
  });

  it('is what was built', async () => {
    expect((await readLayout(scene.at('image'), scene.root)).image.digest).toBe(scene.digest);
  });

  it.each(['image', 'image/blobs', 'image/blobs/sha256'])('has no link in place of %s', async (path) => {
    renameSync(scene.at(path), outside.at('moved'));
    symlinkSync(outside.at('moved'), scene.at(path));
    await expect(readLayout(scene.at('image'), scene.root)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });
});
