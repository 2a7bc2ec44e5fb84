import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { LEAVES_MAX } from '../../protocol/evidence.ts';
import { list, object, text, whole } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import type { Call, OpenRoute } from '../route.ts';

/** A number as it stands in a query. */
const NUMBER: JsonObject = text(16, { pattern: '^[0-9]{1,15}$' });
const RUN: JsonObject = text(64, { pattern: '^[0-9a-z]{1,64}$' });
const LEAF: JsonObject = text(1024);
const PROVEN: JsonObject = object({ index: whole(0, Number.MAX_SAFE_INTEGER), leaf: LEAF, proof: text(262_144) });
const PROVEN_OR_NONE: JsonObject = { anyOf: [PROVEN, { type: 'null' }] };

/**
 * The evidence register, for anybody: it names runs by ids that say nothing, and what it says is signed. What is read of it
 * cannot be used to learn of a repository.
 */
export function evidenceRoutes({ evidence }: Pick<HttpApiTools, 'evidence'>): readonly OpenRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/evidence/checkpoint',
      summary: 'The newest signed checkpoint of the evidence register, as a C2SP note.',
      caller: 'anyone',
      answer: 'text',
      handle: async () => ({ text: (await evidence.checkpoint()).checkpoint }),
    },
    {
      method: 'GET',
      path: '/api/v1/evidence/key',
      summary: 'The verifier key of the register. Whoever checks has it from somewhere else too.',
      caller: 'anyone',
      answer: 'text',
      handle: async () => ({ text: `${(await evidence.checkpoint()).verifierKey}\n` }),
    },
    {
      method: 'GET',
      path: '/api/v1/evidence/proof',
      summary: 'What the register holds of a run: that it began, and with which receipt it ended, each with its proof.',
      caller: 'anyone',
      query: { run: RUN },
      answer: object({ verifierKey: text(1024), open: PROVEN_OR_NONE, close: PROVEN_OR_NONE }),
      handle: ({ query }: Call) => evidence.proofs(query.run ?? ''),
    },
    {
      method: 'GET',
      path: '/api/v1/evidence/tlog-proof',
      summary: 'The proof that the receipt of a run is in the register, as a C2SP .tlog-proof file.',
      caller: 'anyone',
      query: { run: RUN },
      answer: 'text',
      handle: async ({ query }: Call) => ({ text: await closeProof(evidence, query.run ?? '') }),
    },
    {
      method: 'GET',
      path: '/api/v1/evidence/consistency',
      summary: 'Hashes that show that the tree of `to` leaves begins with that of `from` (RFC 6962).',
      caller: 'anyone',
      query: { from: NUMBER, to: NUMBER },
      answer: object({
        from: whole(1, Number.MAX_SAFE_INTEGER),
        to: whole(1, Number.MAX_SAFE_INTEGER),
        hashes: list(text(44), 128),
      }),
      handle: async ({ query }: Call) => {
        const [from, to] = [Number(query.from), Number(query.to)];
        return { from, to, hashes: await evidence.consistency(from, to) };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/evidence/leaves',
      summary: `Leaves from an index on, as they are hashed: at most ${LEAVES_MAX}.`,
      caller: 'anyone',
      query: { from: NUMBER, count: NUMBER },
      answer: object({ from: whole(0, Number.MAX_SAFE_INTEGER), leaves: list(LEAF, LEAVES_MAX) }),
      handle: async ({ query }: Call) => {
        const from = Number(query.from);
        return { from, leaves: await evidence.leaves(from, Number(query.count)) };
      },
    },
  ];
}

async function closeProof(evidence: HttpApiTools['evidence'], run: string): Promise<string> {
  const { close } = await evidence.proofs(run);
  if (close) return close.proof;
  throw new MaestroError('RECEIPT_NOT_READY', `run ${run} is in the register; its receipt is not, or not yet`);
}
