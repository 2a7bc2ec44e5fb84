import { resolve } from 'node:path';
import { GROUPS } from './groups.ts';
import type { Group } from './item.ts';

export const PAGE_PATH = resolve(import.meta.dirname, '../../../../docs/reference/what-verify-refuses.md');

/** `docs/reference/what-verify-refuses.md`, made from what is tried. A test says that the committed page is current. */
export function refusalsPage(): string {
  return [HEAD, ...GROUPS.map(groupText)].join('\n');
}

const HEAD = `# What verify refuses

Each line below is tried by our tests (\`test/unit/provenance/must-fail/\`): something genuine is made by the code that makes it in
production, and verifies; then it is changed in this one way, and is refused with exactly this code. Where it is about content, and not
about a signature, the change is signed with the right key: so it is a lying issuer who is refused, not only a stranger.

\`maestro verify\` refuses what is about receipts, packs and statements, \`maestro evidence audit\` what is about the register,
\`maestro gate\` releases, and a worker artifacts; programs find the same in the SDK. What the codes mean stands in
[Verify a receipt](../guides/verify.md#why-a-receipt-is-refused) and [Attestations](../guides/attestations.md).

Others have tried too: signatures and canonical JSON are held to the public vectors of
[Wycheproof](https://github.com/C2SP/wycheproof), of the [author of RFC 8785](https://github.com/cyberphone/json-canonicalization) and
of [transparency-dev](https://github.com/transparency-dev/merkle), all of which agree.

This page is written by \`node test/unit/provenance/must-fail/write-page.ts\`.
`;

function groupText({ title, items }: Group, index: number): string {
  const rows = items.map(({ name, code }) => `| ${name} | \`${code}\` |`);
  return [`## ${index + 1}. ${title}`, '', '| what was done | refused with |', '|---|---|', ...rows, ''].join('\n');
}
