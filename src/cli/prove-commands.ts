import { PREDICATE_TYPES } from '../provenance/attestations/predicate-types.ts';
import type { TableRow } from './command.ts';
import type { OptionSpec } from './command-spec.ts';
import { EVIDENCE, LOG_KEY } from './evidence-row.ts';
import { RUN, RUN_NAMES } from './run-names.ts';

const OUTPUT_FOLDER = { name: 'output', short: 'o', value: 'DIR', completion: 'directory' } as const;
const KEY: OptionSpec = {
  name: 'key',
  value: 'FILE',
  summary: 'the public key that you trust (PEM)',
  completion: 'file',
};
const KEYS: OptionSpec = {
  name: 'keys',
  value: 'FILE',
  summary: 'the public keys that you trust, with their times (`keys.json`)',
  completion: 'file',
};
const RUN_RECORD: OptionSpec = {
  name: 'run-record',
  value: 'FILE',
  summary: 'the run record (default: run.json beside the bundle)',
  completion: 'file',
};

/** Which run a receipt must be of: one that holds, but is of another, is refused. */
const EXPECTED: readonly OptionSpec[] = [
  { name: 'run-id', value: 'ID', summary: 'the run that it must be of' },
  { name: 'attempt', value: 'N', summary: 'which attempt it must be' },
  { name: 'pipeline', value: 'NAME', summary: 'the pipeline that it must be of, compared whole' },
  { name: 'repository', value: 'URI', summary: 'the source that it must be of, compared whole' },
];

/** Rows of the table: receipts, who verifies them, and the keys that sign them. */
export const PROVING: readonly TableRow[] = [
  {
    name: 'receipt',
    group: 'Prove',
    summary: 'write the signed receipt of a finished run',
    details: [
      RUN_NAMES,
      'Writes `run.json`, `receipt.sigstore.json` and `maestro.pub`, which stock cosign verifies too; and `receipt.tlog-proof` with `log.pub`, which show that the receipt is in the register.',
    ],
    positionals: [RUN],
    options: [{ ...OUTPUT_FOLDER, summary: 'where to (default: receipt-<run>)' }],
    examples: ['maestro receipt latest -o proof'],
    load: async () => (await import('./commands/receipt.ts')).receipt,
  },
  {
    name: 'disclose',
    group: 'Prove',
    summary: 'write everything that proves a finished run into one archive',
    details: [
      RUN_NAMES,
      'Receipt, policy’s rules, data and questions, logs and attestations, with a page to read and the commands that verify them: `VERIFY.md`.',
      'The archive is the same, byte for byte, whenever and wherever it is written. Logs give way so that it stays below 2 MB.',
    ],
    positionals: [RUN],
    options: [
      { ...OUTPUT_FOLDER, value: 'FILE', summary: 'where to (default: disclosure-<run>.tgz)', completion: 'file' },
      { name: 'public', summary: 'leave out logs, and the data and questions of policy, as a release does' },
    ],
    examples: ['maestro disclose latest -o disclosure.tgz', 'maestro disclose latest --public'],
    load: async () => (await import('./commands/disclose.ts')).disclose,
  },
  {
    name: 'attestations',
    group: 'Prove',
    summary: 'list the signed statements about what a run made, or write them to a folder',
    details: [RUN_NAMES],
    positionals: [RUN],
    options: [
      { ...OUTPUT_FOLDER, summary: 'write a sigstore bundle for each, the key, and `vsa.json` for slsa-verifier' },
    ],
    examples: ['maestro attestations latest', 'maestro attestations latest -o proof'],
    load: async () => (await import('./commands/attestations.ts')).attestations,
  },
  {
    name: 'gate',
    group: 'Prove',
    summary: 'say whether what a run made may be released',
    details: [
      RUN_NAMES,
      'Derived from statements that are verified on the spot: exits with 0 where an artifact has SBOM, provenance and an assessment of its risk, with 1 otherwise.',
    ],
    positionals: [RUN],
    options: [{ name: 'manifest', summary: 'with --json, the release manifest too' }],
    examples: ['maestro gate latest', 'maestro gate latest --json --manifest'],
    load: async () => (await import('./commands/gate.ts')).gate,
  },
  {
    name: 'verify',
    group: 'Prove',
    summary: 'check a receipt, a disclosure pack, or a statement about a file, offline',
    details: [
      'PATH is a folder with a receipt, as `maestro receipt` writes it or a release is downloaded, a bundle file, or the archive that `maestro disclose` wrote. Exits with 5 where it does not hold, with the reason’s code.',
      'Of a folder, files that are called as something that the run made must be that, and statements and an unpacked disclosure pack beside them must hold; what nothing is known of is told.',
      'Without --key the key beside the receipt is used: that shows that nothing was changed since, not who signed.',
      'A `receipt.tlog-proof` beside the bundle is checked too, with --log-key or the `log.pub` beside it. With --log-key there must be one.',
      'A receipt that holds may be of another run: --run-id, --attempt, --pipeline and --repository say which it must be of.',
      'With --related for the receipt of each run that it names, and of those that they name, it must fit them: retries, promotions and results that were carried over.',
      'With --secret, whoever hands it on looks first whether the value of a secret is in it, in any form that programs print: of a folder, in every file below it.',
      'With --bundle, --type and --key, PATH is any file, and the bundle must hold a statement of that type about exactly it.',
    ],
    positionals: [{ name: 'PATH', completion: 'file' }],
    options: [
      KEY,
      KEYS,
      RUN_RECORD,
      LOG_KEY,
      ...EXPECTED,
      {
        name: 'related',
        value: 'PATH',
        isRepeatable: true,
        summary: 'a receipt of a run that it names, as PATH',
        completion: 'file',
      },
      {
        name: 'secret',
        value: 'NAME[=VARIABLE]',
        isRepeatable: true,
        summary: 'a secret of the environment whose value must be nowhere in it',
      },
      {
        name: 'bundle',
        value: 'FILE',
        summary: 'a statement about the file, as a sigstore bundle',
        completion: 'file',
      },
      {
        name: 'type',
        value: 'TYPE',
        summary: 'what the statement must be: its predicate type, or its short name',
        completion: Object.keys(PREDICATE_TYPES),
      },
      {
        name: 'certificate-identity',
        value: 'ID',
        summary: 'whose certificate signed `receipt.keyless.sigstore.json`, compared whole',
      },
      { name: 'certificate-oidc-issuer', value: 'URL', summary: 'who vouched for that identity, compared whole' },
      {
        name: 'trusted-root',
        value: 'FILE',
        summary: 'whose certificates and timestamps count (a sigstore trusted root)',
        completion: 'file',
      },
    ],
    examples: [
      'maestro verify proof',
      'maestro verify proof/receipt.sigstore.json --key team.pub',
      'maestro verify proof --keys keys.json',
      'maestro verify proof --key team.pub --run-id 01jd4z8f3k5q7r9t0v2w4x6y8z --related first-attempt',
      'maestro verify disclosure.tgz --secret NPM_TOKEN',
      'maestro verify app.tgz --bundle app.tgz.sigstore.json --type signature --key team.pub',
      'maestro verify proof --certificate-identity https://github.com/acme/app/.github/workflows/attest.yml@refs/heads/main --certificate-oidc-issuer https://token.actions.githubusercontent.com --trusted-root trusted_root.json',
    ],
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  {
    name: 'attest',
    isActing: true,
    group: 'Prove',
    summary: 'sign a receipt once more, under a certificate for your identity',
    details: [
      'DIR is the folder that `maestro receipt` wrote. Writes `receipt.keyless.sigstore.json` into it. The receipt is verified first, by the key that --key or --keys names: one of them is needed.',
      'Who you are says the job of GitHub Actions (`permissions: id-token: write`), or an identity token for the audience `sigstore` in a file.',
      'A receipt goes to no public log unless --rekor-url names one: a log publishes the repository. Certificates of the default --fulcio-url of public repositories are public.',
    ],
    positionals: [{ name: 'DIR', completion: 'directory' }],
    options: [
      {
        name: 'identity-token-file',
        value: 'FILE',
        summary: 'the identity token (default: asks GitHub Actions)',
        completion: 'file',
      },
      { name: 'fulcio-url', value: 'URL', summary: 'who issues the certificate' },
      { name: 'tsa-url', value: 'URL', summary: 'who says when it was signed (RFC 3161)' },
      { name: 'rekor-url', value: 'URL', summary: 'a public log (Rekor v1) that keeps it' },
      KEY,
      KEYS,
      RUN_RECORD,
    ],
    examples: [
      'maestro attest proof --key team.pub',
      'maestro attest proof --keys keys.json --rekor-url https://rekor.sigstore.dev',
    ],
    load: async () => (await import('./commands/attest.ts')).attest,
  },
  {
    name: 'keys',
    isActing: true,
    group: 'Prove',
    summary: 'list, rotate or revoke the keys that sign receipts here',
    details: [
      '`maestro keys rotate` makes a new key in the place of the old one, whose public half stays in the file of trusted keys, so that older receipts verify with `--keys`.',
      '`maestro keys revoke HINT` marks a key that signs no more: nothing that it signed counts, whatever date it bears.',
    ],
    positionals: [
      { name: 'list|rotate|revoke', completion: ['list', 'rotate', 'revoke'] },
      { name: 'HINT', isOptional: true },
    ],
    options: [
      {
        name: 'overlap',
        value: 'DURATION',
        summary: 'how long the old key still counts, and from when the new one does (default 1h)',
      },
    ],
    examples: ['maestro keys list', 'maestro keys rotate --overlap 24h', 'maestro keys revoke k3Yb…='],
    load: async () => (await import('./commands/keys.ts')).keys,
  },
  EVIDENCE,
];
