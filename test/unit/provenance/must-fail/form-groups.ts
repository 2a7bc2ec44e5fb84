import { gzipSync } from 'node:zlib';
import { BUNDLE_BYTES_MAX } from '../../../../src/provenance/open-envelope.ts';
import { plainFile, tarBytes } from '../disclosure/sample-tar.ts';
import type { Group } from './item.ts';
import { archiveItem, entriesItem } from './packs.ts';
import { bundleItem, bytesItem, payloadItem, requestItem, statementItem } from './receipts.ts';

const DEPTH = 20_000;
const MEBIBYTE = 1024 * 1024;
/** Beyond what any pack unpacks to; it packs to 300 kB. */
const BOMB_BYTES = 300_000_000;

export const JSON_FORM: Group = {
  title: 'JSON that parsers read in two ways',
  items: [
    payloadItem('a key twice', 'JSON_DUPLICATE_KEY', (text) => text.replace('{', '{"_type":"x",')),
    payloadItem('a key twice, deep inside', 'JSON_DUPLICATE_KEY', (text) =>
      text.replace('"attempts":1', '"attempts":1,"attempts":2'),
    ),
    payloadItem('a key twice, spelled in two ways', 'JSON_DUPLICATE_KEY', (text) =>
      text.replace('"attempts":1', '"attempts":1,"\\u0061ttempts":2'),
    ),
    bytesItem('a key twice, in the bundle', 'JSON_DUPLICATE_KEY', (text) =>
      text.replace('"payload":', '"payload":"e30=","payload":'),
    ),
    payloadItem('a space', 'JSON_NOT_CANONICAL', (text) => text.replace(':', ': ')),
    payloadItem('keys in another order', 'JSON_NOT_CANONICAL', (text) =>
      text.replace('"name":"opa","version":"1.4.2"', '"version":"1.4.2","name":"opa"'),
    ),
    payloadItem('a number in a longer form', 'JSON_NOT_CANONICAL', (text) =>
      text.replace('"attempt":1', '"attempt":1.0'),
    ),
    payloadItem('an escape without need', 'JSON_NOT_CANONICAL', (text) => text.replace('"release"', '"\\u0072elease"')),
    bytesItem('a line break at the end of the bundle', 'JSON_NOT_CANONICAL', (text) => `${text}\n`),
    payloadItem('a byte order mark', 'JSON_FORBIDDEN_CHARACTER', (text) => `\uFEFF${text}`),
    payloadItem('a lone surrogate', 'JSON_FORBIDDEN_CHARACTER', (text) => text.replace('"release"', '"\\ud800"')),
    payloadItem('NUL', 'JSON_FORBIDDEN_CHARACTER', (text) => text.replace('"release"', '"rel\\u0000ease"')),
    payloadItem('NUL in the name of a subject', 'JSON_FORBIDDEN_CHARACTER', (text) =>
      text.replace('"name":"run.json"', '"name":"run.json\\u0000.txt"'),
    ),
    statementItem('a subject whose name looks like another’s', 'SUBJECT_INVALID', ({ subject: [one] }) =>
      Object.assign(one ?? {}, { name: 'run.jsоn' }),
    ),
    statementItem('an invisible letter in the name of a subject', 'SUBJECT_INVALID', ({ subject: [one] }) =>
      Object.assign(one ?? {}, { name: 'run\u200b.json' }),
    ),
    statementItem('a key that looks like another', 'SCHEMA_INVALID', ({ predicate }) =>
      Object.assign(predicate.run, { stаtus: 'failed' }),
    ),
    bundleItem(
      'a key of the bundle in capitals, which lenient parsers take for it',
      'ENVELOPE_MALFORMED',
      ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { Payload: 'e30=' }),
    ),
    payloadItem('the key __proto__', 'JSON_FORBIDDEN_KEY', (text) =>
      text.replace('"attempts":1', '"__proto__":{"status":"succeeded"},"attempts":1'),
    ),
    payloadItem('2^53 + 1', 'JSON_NUMBER_UNSAFE', (text) => text.replace('"attempt":1', '"attempt":9007199254740993')),
    payloadItem('a depth of 20,000', 'JSON_TOO_DEEP', (text) =>
      text.replace('"attempt":1', `"attempt":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`),
    ),
    bytesItem('a depth of 20,000, in the bundle', 'JSON_TOO_DEEP', (text) =>
      text.replace('{', `{"a":${'{"a":'.repeat(DEPTH)}`),
    ),
    bundleItem('base64 of the other alphabet', 'BASE64_INVALID', ({ dsseEnvelope }) => (dsseEnvelope.payload = '_-8=')),
    bundleItem('base64 without its padding', 'BASE64_INVALID', ({ dsseEnvelope: { signatures } }) =>
      signatures.splice(0, 1, { sig: 'AAA' }),
    ),
    bundleItem('base64 with stray bits', 'BASE64_INVALID', ({ dsseEnvelope: { signatures } }) =>
      signatures.splice(0, 1, { sig: 'AAB=' }),
    ),
    bundleItem(
      'base64 with a line break',
      'BASE64_INVALID',
      ({ dsseEnvelope: e }) => (e.payload = e.payload.replace(/^..../, '$&\n')),
    ),
    payloadItem('no JSON', 'JSON_MALFORMED', () => 'hello'),
    requestItem('no UTF-8', 'JSON_MALFORMED', () => ({ bundle: Uint8Array.of(0x22, 0xc3, 0x28, 0x22) })),
  ],
};

export const SIZES: Group = {
  title: 'Sizes and archives',
  items: [
    statementItem(
      'a predicate of 16 MB',
      'TOO_LARGE',
      ({ predicate }) => (predicate.run.reason = 'x'.repeat(16 * MEBIBYTE)),
    ),
    requestItem('a bundle beyond its limit', 'TOO_LARGE', () => ({ bundle: Buffer.alloc(BUNDLE_BYTES_MAX + 1) })),
    statementItem('1,025 subjects', 'TOO_LARGE', (statement) => {
      const [one] = statement.subject;
      statement.subject = Array.from({ length: 1025 }, (_, index) => ({
        name: `s${index}`,
        digest: { sha256: one?.digest.sha256 ?? '' },
      }));
    }),
    archiveItem('a gzip bomb', 'TOO_LARGE', async ({ archive }, isTampered) =>
      isTampered ? gzipSync(await tarBytes([plainFile('x/bomb', Buffer.alloc(BOMB_BYTES))]), { level: 9 }) : archive,
    ),
    entriesItem('a path with ../', 'ARCHIVE_PATH_UNSAFE', (entries) =>
      entries.push(plainFile('x/../../etc/passwd', '')),
    ),
    entriesItem('an absolute path', 'ARCHIVE_PATH_UNSAFE', (entries) => entries.push(plainFile('/etc/passwd', ''))),
    entriesItem('a path of Windows', 'ARCHIVE_PATH_UNSAFE', (entries) => entries.push(plainFile('x/C:\\a', ''))),
    entriesItem('a path in letters that look alike', 'ARCHIVE_PATH_UNSAFE', (entries) =>
      entries.push(plainFile('x/run.jsоn', '')),
    ),
    entriesItem('a symbolic link', 'ARCHIVE_ENTRY_UNSAFE', (entries) =>
      entries.push([{ name: 'x/a', type: 'symlink', linkname: '/etc' }, '']),
    ),
    entriesItem('a hard link', 'ARCHIVE_ENTRY_UNSAFE', (entries) =>
      entries.push([{ name: 'x/a', type: 'link', linkname: 'x/b' }, '']),
    ),
    entriesItem('a device', 'ARCHIVE_ENTRY_UNSAFE', (entries) =>
      entries.push([{ name: 'x/a', type: 'character-device' }, '']),
    ),
    entriesItem('a name twice', 'ARCHIVE_NAME_DUPLICATE', (entries) => entries.push(...entries.slice(0, 1))),
    entriesItem('a file beside the folder', 'ARCHIVE_MALFORMED', (entries) => entries.push(plainFile('y/a', ''))),
    archiveItem('something behind the end', 'ARCHIVE_MALFORMED', ({ archive }, isTampered) =>
      Buffer.concat([archive, Buffer.from(isTampered ? 'more' : '')]),
    ),
    entriesItem('a file that was added', 'PACK_FILE_MISMATCH', (entries) => {
      const folder = entries[0]?.[0].name.split('/')[0];
      entries.push(plainFile(`${folder}/zzz.txt`, ''));
    }),
    entriesItem('a file that was changed', 'PACK_FILE_MISMATCH', (entries) => {
      const at = entries.findIndex(([{ name }]) => name.endsWith('/index.html'));
      entries.splice(at, 1, plainFile(entries[at]?.[0].name ?? '', 'evil'));
    }),
    entriesItem('a file that is missing', 'PACK_FILE_MISMATCH', (entries) => {
      const at = entries.findIndex(([{ name }]) => name.endsWith('/index.html'));
      entries.splice(at, 1);
    }),
  ],
};
