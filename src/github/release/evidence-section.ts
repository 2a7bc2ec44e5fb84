import { hexOf } from '../../base/digest.ts';
import type { ReleaseSpec } from '../../protocol/release-board.ts';
import { fittingLines, paragraphs } from '../report/body-size.ts';
import { safeCell, safeCode, safeText } from '../report/safe-text.ts';
import type { PageState } from './judge-page.ts';
import type { RemoteRelease } from './remote-release.ts';
import { type SectionPlace, verifyCommands } from './verify-commands.ts';

/** Of GitHub; the text of its author comes first. */
const BODY_CHARS_MAX = 125_000;
/** In it stand what its readers need, and not the list of a thousand files. */
const TABLE_BYTES_MAX = 40_000;
const REASON_CHARS_MAX = 300;
const NAME_CHARS_MAX = 120;
const PAPERS_MAX = 20;
const END = '<!-- /maestro:release -->';
const BEGIN = /<!-- maestro:release (?<runId>[0-9a-z]{1,64}) -->/g;
const KEY_FIRST =
  'To verify it, in a folder with nothing but `maestro.pub`, which you got from whoever runs this Maestro and not from this page:';
/** Which keys signed is not known here: a release may be older than the one that is shown today. */
const KEYS_TOO =
  'Where keys were replaced, `maestro` takes `--keys ../keys.json`, the file of all of them, in the place of `--key ../maestro.pub`.';

/** The body of a release with our section as it should be: all around it stays as its author wrote it. */
export function withEvidenceSection(body: string, section: string): string {
  const at = sectionOf(body);
  const [before, after] = at ? [body.slice(0, at.begin), body.slice(at.end)] : [withGap(body), ''];
  const whole = before + section + after;
  // Of two texts that do not fit, the author's stays.
  return whole.length <= BODY_CHARS_MAX ? whole : body;
}

/** Which run the section in a body is of; undefined where there is none. */
export function runOfSection(body: string): string | undefined {
  return sectionOf(body)?.runId;
}

/** Whether two bodies are read the same: GitHub ends lines in its own way. */
export function isSameBody(one: string, other: string): boolean {
  const plain = (text: string): string => text.replaceAll('\r\n', '\n').trimEnd();
  return plain(one) === plain(other);
}

/** The last one that begins and ends: half a mark, as somebody may have copied it, swallows nothing of their text. */
function sectionOf(body: string): { readonly begin: number; readonly end: number; readonly runId: string } | undefined {
  const marks = [...body.matchAll(BEGIN)];
  for (const [index, { index: begin, groups }] of [...marks.entries()].toReversed()) {
    const end = body.indexOf(END, begin);
    if (end < 0 || end > (marks[index + 1]?.index ?? body.length)) continue;
    return { begin, end: end + END.length, runId: groups?.['runId'] ?? '' };
  }
  return undefined;
}

function withGap(body: string): string {
  return body.trim() === '' ? '' : `${body.replaceAll('\r\n', '\n').trimEnd()}\n\n`;
}

/** What is in the release, whether it may be trusted, and how to find out. Every text of it is inert. */
export function evidenceSection(
  spec: ReleaseSpec,
  state: PageState,
  place: SectionPlace,
  page: RemoteRelease | undefined,
): string {
  const isWhole = ['ready', 'done', 'withdrawn'].includes(state.type);
  return [
    `<!-- maestro:release ${spec.runId.replace(/[^0-9a-z]/gi, '').toLowerCase()} -->`,
    paragraphs(
      '### Evidence',
      verdictOf(spec, state),
      isWhole ? papersOf(spec) : '',
      isWhole ? tableOf(spec) : '',
      isWhole ? strangersOf(spec, page) : '',
      isWhole ? `${KEY_FIRST}\n\n${safeCode(verifyCommands(spec, place).join('\n'))}\n\n${KEYS_TOO}` : '',
    ),
    END,
  ].join('\n');
}

function verdictOf({ runId, gate }: ReleaseSpec, state: PageState): string {
  const run = `run \`${runId.replace(/[^0-9a-z]/gi, '')}\``;
  if (state.type === 'refused' && gate?.isPassed !== true)
    return `**Not released: the release gate did not pass** (${run}).\n\n${listOf(state.reasons)}`;
  if (state.type === 'refused')
    return `**Not released: the files of ${run} cannot be attached as they are.**\n\n${listOf(state.reasons)}`;
  if (state.type === 'changed')
    return `**Do not trust these files: they are not those of ${run} any more**, which passed the release gate.\n\n${listOf(state.reasons)}`;
  if (gate?.isPassed === true) return `**The release gate passed.** All of this was made by ${run}.`;
  return `Being made by ${run}: files and evidence are attached when it has passed the release gate.`;
}

function listOf(reasons: readonly string[]): string {
  return reasons.map((reason) => `- ${safeText(reason, REASON_CHARS_MAX)}`).join('\n');
}

function papersOf({ gate }: ReleaseSpec): string {
  return (gate?.papers ?? [])
    .slice(0, PAPERS_MAX)
    .map(({ name, isVerified }) => `- [${isVerified ? 'x' : ' '}] ${safeText(name, NAME_CHARS_MAX)}`)
    .join('\n');
}

function tableOf({ assets }: ReleaseSpec): string {
  const rows = assets.map(
    ({ name, sizeBytes, digest }) =>
      `| ${safeCell(name)} | ${sizeBytes} | \`${hexOf(digest).replace(/[^0-9a-f]/g, '')}\` |`,
  );
  const shown = fittingLines(rows, TABLE_BYTES_MAX);
  const table = ['| File | Bytes | SHA-256 |', '|---|---:|---|', ...shown].join('\n');
  return shown.length === rows.length ? table : `${table}\n\n… and ${rows.length - shown.length} more files.`;
}

/** Files that people attached beside those of the run: nothing vouches for them. */
function strangersOf({ assets }: ReleaseSpec, page: RemoteRelease | undefined): string {
  const own = new Set(assets.map(({ name }) => name));
  const others = (page?.assets ?? []).filter(({ name }) => !own.has(name));
  return others.length === 0
    ? ''
    : `Other files of this release (${others.length}) are not of the run: nothing here is about them.`;
}
