import { text } from 'node:stream/consumers';
import { checkExposure } from '../../../../src/provenance/check-exposure.ts';
import { readArchive } from '../../../../src/provenance/disclosure/archive.ts';
import type { DisclosureFacts } from '../../../../src/provenance/disclosure/disclosure-facts.ts';
import type { RunFacts } from '../../../../src/provenance/facts.ts';
import { SecretScan } from '../../../../src/worker/secret-scan.ts';
import { ARTIFACT, PREDICATES, signed } from '../attestations/samples.ts';
import { sampleFacts, samplePack } from '../disclosure/sample-disclosure.ts';
import { sampleSigner } from '../sample-run.ts';
import { type Group, type Item, once, refusalOf } from './item.ts';

const SECRET = 'tr0ub4dor&3/päss wörd?';
const BASE64 = Buffer.from(`user:${SECRET}`).toString('base64');
const INNOCENT = 'nothing to see';

const signer = once(sampleSigner);

/** A genuine pack in which a text stands at one place: an innocent one, or a secret. */
function plantedItem(
  name: string,
  planted: string,
  plant: (planted: string) => {
    readonly run?: (run: RunFacts) => RunFacts;
    readonly pack?: (facts: DisclosureFacts) => DisclosureFacts;
  },
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { run, pack = (facts) => facts } = plant(isTampered ? planted : INNOCENT);
    const facts = pack(await sampleFacts(await signer(), run));
    const { files } = await readArchive(await samplePack(await signer(), facts));
    return refusalOf(() => checkExposure(files, [SECRET]));
  };
  return { name, code: 'SECRET_EXPOSED', answer };
}

const inReason = (reason: string) => ({ run: (facts: RunFacts) => ({ ...facts, run: { ...facts.run, reason } }) });
const inLog = (line: string) => ({
  pack: (facts: DisclosureFacts) => ({
    ...facts,
    logs: facts.logs.map((log) => ({ ...log, text: `${log.text}\n${line}` })),
  }),
});
const inError = (reason: string) => ({
  run: (facts: RunFacts) => ({
    ...facts,
    steps: facts.steps.map((step) => (step.seq === 3 ? { ...step, reason } : step)),
  }),
});

/** In what a step stated of a content: it stands in the signed statement alone. */
function statementItem(name: string, planted: string): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const text = isTampered ? planted : INNOCENT;
    const predicate = { ...PREDICATES.sbom, components: [{ type: 'library', name: text }] };
    const kept = await signed('sbom', await signer(), { predicate });
    const attestation = { ...kept, subjects: [ARTIFACT], publicKey: (await signer()).publicKeyPem };
    const facts = { ...(await sampleFacts(await signer())), attestations: [attestation] };
    const { files } = await readArchive(await samplePack(await signer(), facts));
    return refusalOf(() => checkExposure(files, [SECRET]));
  };
  return { name, code: 'SECRET_EXPOSED', answer };
}

/** A file on its way from a step to the store, in pieces. */
function artifactItem(name: string, planted: string): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const content = Buffer.from(`before ${isTampered ? planted : INNOCENT} after`);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let from = 0; from < content.length; from += 5) yield content.subarray(from, from + 5);
    };
    return refusalOf(() => text(new SecretScan([SECRET]).watch('dist/app.js', pieces())));
  };
  return { name, code: 'SECRET_IN_ARTIFACT', answer };
}

export const SECRETS: Group = {
  title: 'The value of a secret',
  items: [
    plantedItem('in a receipt', SECRET, inReason),
    plantedItem('in a receipt, in base64', BASE64, inReason),
    plantedItem('in the error of a step', SECRET, inError),
    plantedItem('in a log of a pack', SECRET, inLog),
    plantedItem('in a log, in base64 from the middle', BASE64, inLog),
    plantedItem('in a log, as in a URL', encodeURIComponent(SECRET), inLog),
    statementItem('in a statement of a pack', SECRET),
    statementItem('in a statement of a pack, in base64', BASE64),
    artifactItem('in an artifact', SECRET),
    artifactItem('in an artifact, in base64', BASE64),
  ],
};
