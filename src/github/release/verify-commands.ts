import type { ReleaseSpec } from '../../protocol/release-board.ts';
import type { GateSummary } from '../../protocol/release-evidence.ts';

const RECEIPT = 'receipt.sigstore.json';
const RECORD = 'run.json';
const PACK = 'disclosure.tgz';
const SUMMARY = 'vsa.json';
const SUMS = 'SHA256SUMS';
/** What is downloaded lands in a folder of its own: anybody who may attach a file could attach a key beside it. */
const FOLDER = 'release';
const KEY = '../maestro.pub';
/** As the receipt itself names it, and as cosign wants to be told. */
export const RECEIPT_TYPE = 'https://maestro-conductor.dev/attestations/run-receipt/v1';

export interface SectionPlace {
  readonly owner: string;
  readonly repo: string;
}

/** Lines to be copied into a terminal, in a folder with nothing but the key: each checks what the release has. */
export function verifyCommands({ tag, assets, gate }: ReleaseSpec, { owner, repo }: SectionPlace): readonly string[] {
  const has = (name: string): boolean => assets.some((asset) => asset.name === name);
  return [
    `gh release download --repo ${quoted(`${owner}/${repo}`)} --dir ${FOLDER} -- ${quoted(tag)}`,
    `cd ${FOLDER}`,
    ...(has(SUMS) ? [`sha256sum --check ${SUMS}`] : []),
    ...(has(RECEIPT) ? [`maestro verify . --key ${KEY}`] : []),
    ...(has(PACK) ? [`maestro verify ${PACK} --key ${KEY}`] : []),
    ...(has(RECEIPT) && has(RECORD)
      ? [
          `cosign verify-blob-attestation --key ${KEY} --bundle ${RECEIPT} --insecure-ignore-tlog \\`,
          `  --type ${RECEIPT_TYPE} ${RECORD}`,
        ]
      : []),
    ...(has(SUMMARY) && gate?.summary ? summaryCommand(gate.summary) : []),
  ];
}

function summaryCommand({ subject, verifierId, resourceUri, level }: GateSummary): readonly string[] {
  return [
    `slsa-verifier verify-vsa --subject-digest ${quoted(subject)} --attestation-path ${SUMMARY} \\`,
    `  --verifier-id ${quoted(verifierId)} --resource-uri ${quoted(resourceUri)} \\`,
    `  --verified-level ${quoted(level)} --public-key-path ${KEY}`,
  ];
}

/** One word of a POSIX shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
