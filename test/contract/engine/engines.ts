import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { EngineOptions } from '../../../src/engine/engine-options.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';
import { World } from './world.ts';

/** Runs a suite on both stores: embedded always, Postgres where one is there. */
export function onEveryStore(
  title: string,
  suite: (world: () => World, url: string | undefined) => void,
  options: () => Promise<Partial<EngineOptions>> = async () => ({}),
): void {
  const on = (url: string | undefined): void => {
    let world: World | undefined;
    let drop: () => Promise<void> = async () => {};
    beforeAll(async () => {
      const fresh = await freshDatabase(url);
      drop = fresh.drop;
      world = await World.open(await fresh.open(), await options());
    });
    afterEach(async () => world?.tidy());
    afterAll(async () => {
      await world?.close();
      await world?.db.close();
      await drop();
    });
    suite(() => {
      if (!world) throw new Error('the world is not open');
      return world;
    }, url);
  };
  describe(`${title}, embedded`, () => {
    on(undefined);
  });
  describeWith('postgres', `${title}, on Postgres`, on);
}
