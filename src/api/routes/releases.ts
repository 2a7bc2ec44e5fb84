import { RELEASE_GATE, RELEASE_MANIFEST } from '../../protocol/wire/release-calls.ts';
import { GATE_READS_AT_ONCE_MAX, GATE_READS_OF_ALL_MAX } from '../limits.ts';
import type { PersonCall, PersonRoute } from '../route.ts';

const READING = {
  method: 'GET',
  caller: 'person',
  atOnceMax: GATE_READS_AT_ONCE_MAX,
  atOnceOfAllMax: GATE_READS_OF_ALL_MAX,
  pathPatterns: { run: '[0-9a-z]{1,64}' },
} as const;

/** What people who may read the repository of a run are told of what it made. */
export function releaseRoutes(): readonly PersonRoute[] {
  return [
    {
      ...READING,
      path: '/api/v1/runs/{run}/release-gate',
      summary: 'Whether what the run made may be released, derived from statements that are verified for this call.',
      answer: RELEASE_GATE,
      handle: ({ person, path }: PersonCall) => person.readReleaseGate(path.run ?? ''),
    },
    {
      ...READING,
      path: '/api/v1/runs/{run}/manifest',
      summary: 'What the run made, with what is proven of it, who decided, and what it belongs to elsewhere.',
      answer: RELEASE_MANIFEST,
      handle: ({ person, path }: PersonCall) => person.readManifest(path.run ?? ''),
    },
    {
      ...READING,
      path: '/api/v1/runs/{run}/disclosure.tgz',
      summary:
        'The disclosure pack of the run, public edition: everything but logs and the data and questions of policy.',
      answer: 'stream',
      handle: async ({ person, path }: PersonCall) =>
        ReadableStream.from([await person.readDisclosure(path.run ?? '')]),
    },
  ];
}
