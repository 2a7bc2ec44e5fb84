import type { TableRow } from './command.ts';
import type { OptionSpec } from './command-spec.ts';

export const LOG_KEY: OptionSpec = {
  name: 'log-key',
  value: 'FILE',
  summary: 'the verifier key of the register that you trust',
  completion: 'file',
};

/** A row of the table. */
export const EVIDENCE: TableRow = {
  name: 'evidence',
  group: 'Prove',
  summary: 'show, audit or export the register of what ran',
  details: [
    'Every run is in the register twice: when it begins, and with its receipt when it has ended. So a run whose receipt is kept back shows.',
    '`maestro evidence checkpoint` prints what the register says of itself, signed. Keep it: the next audit is held against it.',
    '`maestro evidence audit` reads the whole register, computes its tree anew, and finds what was taken out, changed or never closed. Exits with 5 where it finds something. With --json: `{isValid,origin,size,root,isKeyTrusted,kept,isStoreCompared,runs,openRuns,found,findings:[{code,message,runId}]}`.',
    '`maestro evidence export DIR` writes the register as static files (tlog-tiles), and each time what it has grown by since. No file that is there is changed but `checkpoint`.',
    '`maestro evidence export s3://BUCKET/PREFIX` writes them into a bucket with versioning and object lock. What is written is locked for as long as --retain says, or else the rule of the bucket. Nobody can shorten a lock in the mode compliance, which is the default with --retain. Region, credentials and endpoint come from where the AWS tools take them; the library `@aws-sdk/client-s3` is installed apart.',
    '`maestro evidence audit --export DIR|s3://BUCKET/PREFIX --log-key FILE` audits what was exported, and asks nobody else.',
    'With --server the register of a server is read, as anybody may read it.',
  ],
  positionals: [
    { name: 'checkpoint|audit|export', completion: ['checkpoint', 'audit', 'export'] },
    { name: 'DIR|s3://BUCKET/PREFIX', isOptional: true, completion: 'directory' },
  ],
  options: [
    { name: 'server', value: 'URL', summary: 'the register of that server' },
    LOG_KEY,
    {
      name: 'checkpoint',
      value: 'FILE',
      isRepeatable: true,
      summary: 'audit: a checkpoint or a .tlog-proof that you kept',
      completion: 'file',
    },
    {
      name: 'open-max',
      value: 'DURATION',
      summary: 'audit: a run that began longer ago must be over, for example 7d',
    },
    {
      name: 'export',
      value: 'PLACE',
      summary: 'audit: read what was exported there, a folder or s3://BUCKET/PREFIX',
      completion: 'directory',
    },
    { name: 'retain', value: 'PERIOD', summary: 'export: lock each object for days or years, for example 7y' },
    {
      name: 'retain-mode',
      value: 'MODE',
      summary: 'export: compliance (default: nobody deletes it before) or governance (who has the right may)',
      completion: ['compliance', 'governance'],
    },
    { name: 'endpoint', value: 'URL', summary: 'of a store beside AWS' },
  ],
  examples: [
    'maestro evidence checkpoint > kept.checkpoint',
    'maestro evidence audit --checkpoint kept.checkpoint --log-key log.pub',
    'maestro evidence audit --server https://maestro.example.com --open-max 7d --json',
    'maestro evidence export /archive/maestro',
    'maestro evidence export s3://acme-evidence/maestro --retain 7y',
    'maestro evidence audit --export s3://acme-evidence/maestro --log-key log.pub',
  ],
  load: async () => (await import('./commands/evidence.ts')).evidence,
};
