import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { messageOf } from '../../../../src/base/errors.ts';
import type { OwnRules } from '../../../../src/policy/own/own-rules.ts';
import { RulesFolder } from '../../../../src/policy/own/rules-folder.ts';
import { describeWith } from '../../../real-parts.ts';
import { stepOf } from '../fixture.ts';
import { ACME, buildBundle, CASES, ecSigner, RULES } from './build-bundle.ts';
import { OwnWorld, refusalBy } from './own-world.ts';

class Scene implements AsyncDisposable {
  readonly world: OwnWorld;
  readonly errors: string[] = [];
  readonly taken: OwnRules[] = [];
  /** Settles with the first error. */
  readonly told = Promise.withResolvers<void>();
  nowMs = 0;
  #folder: RulesFolder | undefined;

  constructor(world = new OwnWorld()) {
    this.world = world;
  }

  async open(): Promise<RulesFolder> {
    const { folder, keys } = this.world;
    const onError = (error: unknown): void => {
      this.errors.push(messageOf(error));
      this.told.resolve();
    };
    this.#folder = await RulesFolder.open({ folder, keys, clock: { now: () => this.nowMs }, onError });
    this.#folder.onChange(async (rules) => void this.taken.push(rules));
    return this.#folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder?.close();
    await this.world[Symbol.asyncDispose]();
  }
}

const LIMITED = (steps: number): string => RULES.replace('> 100', `> ${steps}`);
const names = (rules: OwnRules): readonly string[] => rules.bundles.map(({ name }) => name);

function questionsOf(rules: OwnRules, steps: number): readonly string[] {
  const question = { ...stepOf({}), pipeline: { name: 'x', kind: 'ci', version: null, steps } };
  return rules.ask(new TextEncoder().encode(JSON.stringify(question))).flatMap(({ ask }) => ask);
}

describeWith('opa', 'a folder of own rules', () => {
  test('is loaded whole, or not at all: rules that an operator counts on must not be missing', async () => {
    await using scene = new Scene();
    const { world } = scene;
    world.put('acme', buildBundle());
    world.put('beta', buildBundle());
    writeFileSync(join(world.folder, 'notes.txt'), 'no bundle');
    writeFileSync(join(world.folder, '.gamma.tar.gz'), 'half a copy');
    expect(names((await scene.open()).current())).toEqual(['acme', 'beta']);
    await using other = new Scene();
    other.world.put('acme', buildBundle());
    other.world.put('beta', buildBundle({ signer: null }));
    expect(await refusalBy(() => other.open())).toContain('the rules of beta are refused');
  });

  test('that is empty has no rules', async () => {
    await using scene = new Scene();
    expect((await scene.open()).current().bundles).toEqual([]);
  });

  test.each([
    ['is missing', (world: OwnWorld) => rmSync(world.folder, { recursive: true }), 'cannot read the bundles'],
    ['has no keys', (world: OwnWorld) => rmSync(world.keys, { recursive: true }), 'cannot read the keys'],
    ['holds a name that no reason can bear', (world: OwnWorld) => world.put('A b', buildBundle()), 'small letters'],
    [
      'holds nine bundles',
      (world: OwnWorld) => 'abcdefghi'.split('').forEach((name) => world.put(name, new Uint8Array())),
      'more than 8',
    ],
    ['holds a huge file', (world: OwnWorld) => world.put('acme', Buffer.alloc(8_388_609)), 'more than 8388608 bytes'],
  ])('that %s is refused', async (_, change, why) => {
    await using scene = new Scene();
    change(scene.world);
    expect(await refusalBy(() => scene.open())).toContain(why);
  });

  test('takes another version of a file, and a new file, without a restart', async () => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    const first = folder.current();
    scene.world.put('acme', buildBundle({ rules: LIMITED(5) }));
    scene.world.put('beta', buildBundle());
    await folder.look();
    expect(names(folder.current())).toEqual(['acme', 'beta']);
    expect(scene.taken).toEqual([folder.current()]);
    expect(folder.current().digest).not.toBe(first.digest);
    expect(questionsOf(folder.current(), 6)).toHaveLength(1);
    expect(questionsOf(first, 6)).toEqual([]);
    await folder.look();
    expect([scene.taken.length, scene.errors]).toEqual([1, []]);
  });

  test('keeps the rules that it has where the same were signed again', async () => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    const first = folder.current();
    scene.world.put('acme', buildBundle());
    await folder.look();
    expect(folder.current()).toBe(first);
    expect(scene.taken).toEqual([]);
  });

  test.each([
    ['is not signed', () => buildBundle({ signer: null }), 'not signed'],
    ['is signed by a stranger', () => buildBundle({ signer: ecSigner('mallory') }), 'the key "mallory"'],
    [
      'fails its own cases',
      () => buildBundle({ rules: LIMITED(5), cases: [{ ...CASES[1], verdict: 'allow' }] }),
      'own cases',
    ],
    ['is half a copy', () => buildBundle({ rules: LIMITED(5) }).subarray(0, 20_000), 'not whole'],
  ])('stays with the old version where the new one %s, and says so once', async (_, pack, why) => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    const first = folder.current();
    scene.world.put('acme', pack());
    await folder.look();
    await folder.look();
    expect(scene.errors).toEqual([expect.stringContaining(why)]);
    expect(folder.current()).toBe(first);
    expect(questionsOf(first, 101)).toHaveLength(1);
    scene.world.put('acme', buildBundle({ rules: LIMITED(5) }));
    await folder.look();
    expect(questionsOf(folder.current(), 6)).toHaveLength(1);
  });

  test('looks again at a refused file when a key comes, and at all when one goes', async () => {
    await using scene = new Scene();
    const beta = ecSigner('beta');
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    scene.world.put('beta', buildBundle({ signer: beta }));
    await folder.look();
    expect(scene.errors).toHaveLength(1);
    scene.world.trust(beta);
    await folder.look();
    expect(names(folder.current())).toEqual(['acme', 'beta']);
    rmSync(join(scene.world.keys, `${ACME.id}.pem`));
    await folder.look();
    expect(scene.errors.slice(1)).toEqual([expect.stringContaining('the rules of acme are refused')]);
    expect(names(folder.current())).toEqual(['acme', 'beta']);
  });

  test('lets a deleted bundle go only when it stayed away for ten seconds', async () => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    scene.world.remove('acme');
    await folder.look();
    scene.nowMs = 9_999;
    await folder.look();
    expect(names(folder.current())).toEqual(['acme']);
    scene.world.put('acme', buildBundle());
    await folder.look();
    scene.world.remove('acme');
    scene.nowMs = 10_000;
    await folder.look();
    scene.nowMs = 19_999;
    await folder.look();
    expect([names(folder.current()), scene.taken]).toEqual([['acme'], []]);
    scene.nowMs = 20_000;
    await folder.look();
    expect(folder.current().bundles).toEqual([]);
    expect(scene.taken).toEqual([folder.current()]);
    scene.world.put('acme', buildBundle());
    await folder.look();
    expect(names(folder.current())).toEqual(['acme']);
  });

  test('keeps all rules while the folder is away', async () => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    const away = `${scene.world.folder}-away`;
    renameSync(scene.world.folder, away);
    scene.nowMs = 60_000;
    expect(await refusalBy(() => folder.look())).toContain('cannot read the bundles');
    expect(names(folder.current())).toEqual(['acme']);
    renameSync(away, scene.world.folder);
    await folder.look();
    expect(names(folder.current())).toEqual(['acme']);
  });

  test('keeps the old rules where nobody could take the new ones, and offers them again', async () => {
    await using scene = new Scene();
    scene.world.put('acme', buildBundle());
    const folder = await scene.open();
    const first = folder.current();
    const end = folder.onChange(() => Promise.reject(new Error('the database is away')));
    scene.world.put('acme', buildBundle({ rules: LIMITED(5) }));
    await expect(folder.look()).rejects.toThrow('the database is away');
    expect(folder.current()).toBe(first);
    expect(questionsOf(first, 101)).toHaveLength(1);
    end();
    await folder.look();
    expect(questionsOf(folder.current(), 6)).toHaveLength(1);
    expect(scene.errors).toEqual([]);
  });

  test('that nobody listens to stays as it was opened, so that whoever opens with it misses nothing', async () => {
    await using world = new OwnWorld();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const folder = await RulesFolder.open({
        folder: world.folder,
        keys: world.keys,
        clock: { now: () => 0 },
        onError: () => {},
      });
      expect(vi.getTimerCount()).toBe(0);
      const end = folder.onChange(async () => {});
      folder.onChange(async () => {});
      expect(vi.getTimerCount()).toBe(1);
      end();
      await folder.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('notices by itself what changed', async () => {
    await using scene = new Scene();
    const folder = await scene.open();
    const taken = new Promise<OwnRules>((resolve) => folder.onChange(async (rules) => resolve(rules)));
    scene.world.put('acme', buildBundle());
    expect(names(await taken)).toEqual(['acme']);
    appendFileSync(join(scene.world.keys, 'acme.pem'), 'x');
    await scene.told.promise;
    expect(scene.errors).toEqual([expect.stringContaining('acme.pem to hold one public key')]);
  });
});
