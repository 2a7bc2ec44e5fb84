import type { Client } from '../src/protocol/client.ts';

/**
 * The same client, which sets no run going that nobody could prove: what a key that does not count any more would have to sign is
 * refused before it begins, and everything that was signed is read as before.
 * @param demandKey throws KEY_RETIRED
 */
export function provableClient(client: Client, demandKey: () => Promise<void>): Client {
  const demanded = async <T>(deed: () => Promise<T>): Promise<T> => {
    await demandKey();
    return deed();
  };
  return {
    ...client,
    startRun: (request) => demanded(() => client.startRun(request)),
    retryRun: (name, scope) => demanded(() => client.retryRun(name, scope)),
    resumeRun: (name) => demanded(() => client.resumeRun(name)),
    answerGate: (answer) => demanded(() => client.answerGate(answer)),
  };
}
