import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './look.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const TAG = 'v1.0.0';
const SUMS = 'SHA256SUMS';
const FILES = [
  'SHA256SUMS',
  'disclosure.tgz',
  'orders.tar',
  'orders.tar.intoto.jsonl',
  'orders.tar.sigstore.json',
  'orders.tar.vulns.intoto.jsonl',
  'receipt.sigstore.json',
  'release-gate.intoto.jsonl',
  'run.json',
  'sbom.cdx.intoto.jsonl',
  'sbom.cdx.json',
  'vsa.json',
];

/** A tag becomes a release with everything that vouches for it, which a stranger downloads. Answers its text. */
export async function release(
  stage: Stage,
  narrator: Narrator,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const { ada, repository } = stage;
  narrator.act(
    '8  ada tags a release',
    'The tag’s own pipeline builds it once more, from its own commit, and has stated of it what is in it, how it was',
    'built, which weaknesses are known. Its release is a draft until the gate has verified that; then it is published.',
  );
  await ada.push(repository, 'main', { message: 'feat: discounts in bulk (#1)', files });
  await ada.tag(repository, 'main', TAG);
  const published = await waitForRelease(stage);
  narrator.say(`the release      ${stage.sandbox.url}/${repository.owner}/${repository.repo}/releases/tag/${TAG}`);
  const names = published.assets.map(({ name }) => name).toSorted();
  narrator.claim(
    'beside the file hang SBOM, scan, provenance, signature, verdict of the gate, receipt and disclosure pack',
    String(names) === String(FILES),
    names,
  );
  narrator.claim(
    'its text says what the gate said and how to check it, below what its author wrote',
    /^Ten pieces[^]*The release gate passed(?:[^]*- \[x\]){4}[^]*maestro verify/.test(published.body ?? ''),
    published.body,
  );
  await downloadAsStranger(stage, narrator, published.assets);
  return published.body ?? '';
}

interface Asset {
  readonly name: string;
  readonly browser_download_url: string;
}

async function waitForRelease({ ada, repository }: Stage) {
  const read = async () => (await ada.octokit.rest.repos.listReleases({ ...repository })).data;
  return waitFor(
    `the release ${TAG} to be published`,
    async () => (await read()).find((one) => one.tag_name === TAG && !one.draft),
    async () => JSON.stringify((await read()).map(({ draft, body }) => ({ draft, body }))),
  );
}

/** Without an account: by the addresses that the page links to. */
async function downloadAsStranger({ output }: Stage, { claim }: Narrator, assets: readonly Asset[]): Promise<void> {
  const folder = join(output, 'download', 'release');
  mkdirSync(folder, { recursive: true });
  const digests = new Map<string, string>();
  let sums = '';
  for (const { name, browser_download_url: url } of assets) {
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    // Names of files come from GitHub: only those that are known are written.
    if (FILES.includes(name)) writeFileSync(join(folder, name), bytes);
    digests.set(name, createHash('sha256').update(bytes).digest('hex'));
    if (name === SUMS) sums = bytes.toString('utf8');
  }
  const listed = sums.trimEnd().split('\n');
  claim(
    'a stranger downloads it, and every digest is what its list says',
    listed.length === FILES.length - 1 && listed.every((line) => digests.get(line.slice(66)) === line.slice(0, 64)),
    sums,
  );
}
