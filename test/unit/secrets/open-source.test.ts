import { expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import type { SecretProvider } from '../../../src/protocol/secret-source.ts';
import { openSecretSource } from '../../../src/secrets/open-source.ts';
import { requestFor } from '../../contract/secrets/requests.ts';

class Kept implements SecretProvider {
  readonly asked: (readonly string[])[] = [];
  readonly #values: Readonly<Record<string, string>>;
  isClosed = false;

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values;
  }

  async find({ names }: { readonly names: readonly string[] }): Promise<Readonly<Record<string, string>>> {
    this.asked.push(names);
    // More than it was asked for.
    return this.#values;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

it('takes each value from the first provider that has it, and asks the next only for the rest', async () => {
  const [first, second, third] = [new Kept({ A: '1', X: 'x' }), new Kept({ A: '2', B: '2' }), new Kept({ C: '3' })];
  const source = openSecretSource([first, second, third]);
  expect(await source.read(requestFor(['B', 'A']))).toEqual({ A: '1', B: '2' });
  expect([first.asked, second.asked, third.asked]).toEqual([[['B', 'A']], [['B']], []]);
  await source.close();
  expect([first, second, third].map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
});

it('takes an empty value for none, and looks further', async () => {
  expect(await openSecretSource([new Kept({ A: '' }), new Kept({ A: '2' })]).read(requestFor(['A']))).toEqual({
    A: '2',
  });
});

it('asks nobody else where a provider cannot tell, because another value may be the wrong one', async () => {
  const lost: SecretProvider = {
    find: () => Promise.reject(new MaestroError('SECRETS_UNAVAILABLE', 'away')),
    close: async () => {},
  };
  const next = new Kept({ A: '2' });
  await expect(openSecretSource([lost, next]).read(requestFor(['A']))).rejects.toMatchObject({
    code: 'SECRETS_UNAVAILABLE',
  });
  expect(next.asked).toEqual([]);
});

it('gives up on a provider that does not answer, and says so to it', async () => {
  let given: AbortSignal | undefined;
  const silent: SecretProvider = {
    find: (_request, signal) => {
      given = signal;
      return new Promise(() => {});
    },
    close: async () => {},
  };
  await expect(openSecretSource([silent], 20).read(requestFor(['A']))).rejects.toMatchObject({
    code: 'SECRETS_UNAVAILABLE',
  });
  expect(given?.aborted).toBe(true);
});

it('says how to set a source up where there is none', async () => {
  const refusal = openSecretSource([]).read(requestFor(['NPM_TOKEN']));
  await expect(refusal).rejects.toMatchObject({
    code: 'SECRET_NOT_FOUND',
    message: expect.stringContaining('MAESTRO_SECRETS'),
  });
  expect(await openSecretSource([]).read(requestFor([]))).toEqual({});
});

it('says to whom a secret was not released', async () => {
  const source = openSecretSource([new Kept({})]);
  const messageFor = (change: object): Promise<string> =>
    source.read(requestFor(['A'], change)).then(
      () => '',
      (error: Error) => error.message,
    );
  expect(await messageFor({ environment: 'prod' })).toMatch(/A: .* acme\/orders, in the environment prod$/);
  expect(await messageFor({ repository: '' })).toContain('a run of no repository');
});
