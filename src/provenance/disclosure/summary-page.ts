import type { ReceiptPredicate } from '../receipt.ts';
import type { DisclosureManifest } from './manifest.ts';

/**
 * `index.html`: what the receipt says, for people. It holds no script and loads nothing; whatever a pipeline's author chose to
 * call things is text in it, and nothing else.
 */
export function summaryPage(manifest: DisclosureManifest, predicate: ReceiptPredicate): string {
  const { run } = predicate;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${safe(run.pipeline.name)}: run ${safe(run.id)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${safe(run.pipeline.name)} <span class="${run.status}">${run.status}</span></h1>
<p>This page shows what the receipt in this pack says. It proves nothing by itself: <code>VERIFY.md</code> says how to check it.</p>
${runPart(manifest, predicate)}
${stepsPart(manifest, predicate)}
${peoplePart(predicate)}
${policyPart(manifest, predicate)}
${artifactsPart(predicate)}
${attestationsPart(manifest)}
</main>
</body>
</html>
`;
}

function runPart({ run: { receiptSha256 } }: DisclosureManifest, { run, issuer }: ReceiptPredicate): string {
  const actor = `${run.trigger.actor.id} (${run.trigger.actor.provider})`;
  return facts([
    ['Run', run.id],
    ['Attempt', String(run.attempt)],
    ['Started by', `${run.trigger.type} of ${actor}`],
    ['Source', run.source.uri],
    ['Commit', run.source.gitCommit ?? 'none'],
    ['Pipeline', `${run.pipeline.path} ${run.pipeline.digest}`],
    ['Began', run.startedOn ?? 'never'],
    ['Ended', run.finishedOn],
    ...(run.reason === null ? [] : [['Reason', run.reason] as const]),
    ['Receipt', `sha256:${receiptSha256}`],
    ['Signed by', `${issuer.builderId} ${issuer.version}`],
    ['Key', issuer.keyReachableBySteps ? 'within reach of the steps' : 'out of reach of the steps'],
  ]);
}

function stepsPart({ logs }: DisclosureManifest, { steps }: ReceiptPredicate): string {
  const paths = new Map(logs.map(({ stepId, path }) => [stepId, path]));
  const rows = steps.map((step) => {
    const path = paths.get(step.id) ?? null;
    const log = path === null ? '' : `<a href="${safe(path)}">log</a>`;
    const status = `<span class="${step.status}">${step.status}</span>`;
    return [safe(step.id), status, safe(step.code.uri), safe(step.runner.environment), safe(step.reason ?? ''), log];
  });
  return table('Steps', ['Step', 'Status', 'Code', 'Runner', 'Reason', ''], rows);
}

function peoplePart({ approvals }: ReceiptPredicate): string {
  const rows = approvals.map((approval) => {
    const isRevoked = 'revokedAt' in approval && approval.revokedAt !== null;
    const said = isRevoked ? `${approval.decision}, taken back` : approval.decision;
    return [approval.gate ?? 'the run', approval.approver.id, said, approval.reason, approval.at].map(safe);
  });
  return table('What people said', ['Gate', 'Who', 'Answer', 'Words', 'When'], rows);
}

function policyPart({ policy }: DisclosureManifest, predicate: ReceiptPredicate): string {
  const entries = new Map(policy.decisions.map((entry) => [entry.id, entry]));
  const rows = predicate.policy.map(({ id, phase, decision, reasons }) => {
    const entry = entries.get(id);
    const question = entry?.question ? `<a href="${safe(entry.question)}">question</a>` : 'not in this pack';
    return [safe(phase), `<span class="${decision}">${decision}</span>`, reasons.map(safe).join('<br>'), question];
  });
  return table('What policy said', ['About', 'Answer', 'Reasons', ''], rows);
}

function artifactsPart({ outputs }: ReceiptPredicate): string {
  const rows = outputs.map(({ stepId, name, path, digest, sizeBytes }) =>
    [stepId, `${name}/${path}`, sizeBytes, digest].map(safe),
  );
  return table('Artifacts', ['Step', 'File', 'Bytes', 'Digest'], rows);
}

function attestationsPart({ attestations }: DisclosureManifest): string {
  const rows = attestations.map(({ path, predicateType, subjects }) => [
    `<a href="${safe(path)}">${safe(predicateType)}</a>`,
    subjects.map(({ name, digest }) => `${safe(name)} ${safe(digest)}`).join('<br>'),
  ]);
  return table('What else was signed', ['Statement', 'About'], rows);
}

function facts(rows: readonly (readonly [string, string])[]): string {
  return `<dl>\n${rows.map(([name, value]) => `<dt>${name}</dt><dd>${safe(value)}</dd>`).join('\n')}\n</dl>`;
}

/** Cells are HTML. */
function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const head = heads.map((text) => `<th>${text}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return `<h2>${title}</h2>\n<table>\n<tr>${head}</tr>\n${body}\n</table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text in HTML; control characters and what changes the direction of text are shown by their numbers. */
function safe(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
    .replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
}

const STYLE = `
body { margin: 0; background: #f6f8fa; color: #1f2328; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #59636e; } dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; background: #fff; border: 1px solid #d1d9e0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-top: 1px solid #d1d9e0; overflow-wrap: anywhere; }
.succeeded, .allow { color: #1a7f37; } .failed, .denied, .rejected, .deny { color: #d1242f; } .ask, .cancelled { color: #9a6700; }
.skipped { color: #59636e; }
`;
