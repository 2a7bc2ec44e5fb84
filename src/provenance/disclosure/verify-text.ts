import type { ReceiptPredicate } from '../receipt.ts';
import { RECEIPT_PREDICATE_TYPE } from '../receipt-schema.ts';
import { DISCLOSURE_PREDICATE_TYPE } from './disclosure-statement.ts';
import type { DisclosureManifest } from './manifest.ts';

/** Trusts no certificate authority, log or clock: with it, cosign has the key alone to go by. */
export const EMPTY_ROOT = `${JSON.stringify({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
})}\n`;

/** Asks opa every question again. Each line of decisions.txt is an answer, the data and the question. */
export const REPLAY_SCRIPT = `#!/bin/sh
# Asks opa (https://www.openpolicyagent.org) every question of the run again, and compares the answers.
set -eu
cd "$(dirname "$0")/.."
count=0
while read -r verdict data question; do
  answer=$(opa eval --format raw --data policy/rules --data "$data" --input "$question" data.maestro.decision.verdict)
  if [ "$answer" != "$verdict" ]; then
    echo "$question: the receipt says $verdict, opa says $answer" >&2
    exit 1
  fi
  count=$((count + 1))
done < policy/decisions.txt
echo "$count answers are what the receipt says"
`;

/** `VERIFY.md`: every command works in the pack's folder as it stands, without a network. */
export function verifyText(manifest: DisclosureManifest, { run }: ReceiptPredicate): string {
  const replayable = manifest.policy.decisions.filter(({ isReplayable }) => isReplayable).length;
  return `# How to verify this pack

It discloses run \`${run.id}\`, attempt ${run.attempt}. Nothing here has to be believed: get the public key of whoever runs that Maestro
from them, not from this pack, and hold \`maestro.pub\` to it${otherKeys(manifest)}:

\`\`\`sh
cmp maestro.pub THEIR_KEY.pub
\`\`\`

## With Maestro

\`\`\`sh
maestro verify disclosure.tgz --key THEIR_KEY.pub
\`\`\`

## With stock tools

That no file was changed, with [cosign](https://docs.sigstore.dev) 3.0.4 or later and \`sha256sum\`:

\`\`\`sh
${cosign(DISCLOSURE_PREDICATE_TYPE, manifest.key, 'SHA256SUMS.sigstore.json', 'SHA256SUMS')}
sha256sum --check --quiet SHA256SUMS
\`\`\`

That the receipt is about \`run.json\`:

\`\`\`sh
${cosign(RECEIPT_PREDICATE_TYPE, 'maestro.pub', 'receipt.sigstore.json', 'run.json')}
\`\`\`

cosign 2.5 wants \`--new-bundle-format --trusted-root empty-root.json\` as well.

${logPart(manifest)}${policyPart(replayable, manifest.policy.decisions.length)}${attestationPart(manifest)}${registerPart(manifest)}`;
}

function logPart({ logs }: DisclosureManifest): string {
  const missing = logs.filter(({ path }) => path === null).length;
  if (missing === 0) return '';
  return `## Logs\n\n${missing} of ${logs.length} logs are not in this pack. The receipt has the digest of each: whoever is given one can hold it to that.\n\n`;
}

/** Keys that were in use later than that of the receipt. */
function otherKeys({ key, attestations }: DisclosureManifest): string {
  const paths = [...new Set([key, ...attestations.map((one) => one.key)])].filter((path) => path !== 'maestro.pub');
  return paths.length === 0 ? '' : `, and ${paths.map((path) => `\`${path}\``).join(', ')} to keys that replaced it`;
}

function cosign(type: string, key: string, bundle: string, file: string): string {
  const options = `--key ${key} --bundle ${bundle} --insecure-ignore-tlog`;
  return `cosign verify-blob-attestation ${options} \\\n  --type ${type} ${file}`;
}

function policyPart(replayable: number, all: number): string {
  if (replayable === 0) return `## What policy said\n\n${nothingToAsk(all)}\n\n`;
  const rest = all - replayable;
  const without = `${rest} of ${all} decisions cannot be asked again here: ${WHY_NOT}.`;
  return `## What policy said

The rules, their data and every question are in \`policy/\`. With \`opa\` all of them are asked again:

\`\`\`sh
sh policy/replay.sh
\`\`\`
${rest === 0 ? '' : `\n${without}\n`}
`;
}

const WHY_NOT =
  "they were made by rules of another version, by an organisation's own rules, or their question is not in this pack";

function nothingToAsk(all: number): string {
  return `None of ${all} decisions can be asked again here: ${WHY_NOT}. The receipt has the digest of each question, and the answer.`;
}

function attestationPart({ attestations }: DisclosureManifest): string {
  if (attestations.length === 0) return '';
  const commands = attestations.map(({ path, key, predicateType, subjects }) => {
    const digest = subjects[0]?.digest.replace('sha256:', '') ?? '';
    const options = `--key ${key} --bundle ${path} --insecure-ignore-tlog`;
    return `cosign verify-blob-attestation ${options} \\\n  --type ${predicateType} --digest ${digest} --digestAlg sha256`;
  });
  return `## What else was signed

Each of these is about artifacts that are not in this pack, by their digests, which cosign 3 takes. With the file at hand, give its
path in place of \`--digest\` and \`--digestAlg\`; cosign 2.5 knows no other way.

\`\`\`sh
${commands.join('\n')}
\`\`\`

`;
}

function registerPart({ hasRegisterProof }: DisclosureManifest): string {
  if (!hasRegisterProof) return '';
  return `## That it stands in the register

\`receipt.tlog-proof\` is a [C2SP tlog-proof](https://c2sp.org/tlog-proof) of the receipt's leaf, \`log.pub\` the key of the log. Get
that key from whoever runs the Maestro, too:

\`\`\`sh
maestro verify disclosure.tgz --key THEIR_KEY.pub --log-key THEIR_LOG.pub
\`\`\`
`;
}
