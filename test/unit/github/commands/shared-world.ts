import { afterAll, beforeAll } from 'vitest';
import { World } from '../../../contract/engine/world.ts';
import { freshDatabase } from '../../../fresh-database.ts';

/**
 * One engine on one store for the tests of a file: opening it takes seconds.
 * @param url of a Postgres; embedded where there is none
 */
export function sharedWorld(url?: string): () => World {
  let world: World | undefined;
  let drop = async (): Promise<void> => {};
  beforeAll(async () => {
    const fresh = await freshDatabase(url);
    drop = fresh.drop;
    world = await World.open(await fresh.open());
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await world?.db.close();
    await drop();
  });
  return () => {
    if (!world) throw new Error('the world is not open');
    return world;
  };
}
