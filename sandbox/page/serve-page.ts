import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';

export interface PageFile {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const FOLDER = import.meta.dirname;
/** Where the page's own files are. Every other address that is no call answers with the page itself. */
const PREFIX = '/_sandbox/page/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Scripts, styles and calls from here alone: what somebody typed into a comment can run nothing. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/**
 * The file of the web page at this path, null where there is none.
 *
 * Ask it last: it answers every path outside `/_sandbox/` with the page, which finds out by itself what to show.
 *
 * What the page asks the server beside `/api/v3`, as the chosen user (`authorization: Bearer <token>`):
 * - `GET /_sandbox/users`: `[{ login, token }]`, whom one can act as; asked without a token
 * - `GET /_sandbox/events`: server-sent events; any message says that something changed
 * - `GET /_sandbox/repos/OWNER/NAME/check-runs/ID/actions`: `[{ label, description, identifier }]`
 * - `POST` to the same path with `{ identifier }`: the button is clicked
 * - `GET /_sandbox/repos/OWNER/NAME/gates`: `[{ deployment, app, state, words }]`, what protection rules said
 */
export function servePage(pathname: string): PageFile | null {
  if (pathname.startsWith('/_sandbox/') && !pathname.startsWith(PREFIX)) return null;
  const name = pathname.startsWith(PREFIX) ? normalize(pathname.slice(PREFIX.length)) : 'index.html';
  const path = join(FOLDER, name);
  const type = TYPES[extname(name)];
  if (name.startsWith('..') || type === undefined || !existsSync(path)) return null;
  return { body: readFileSync(path), headers: { ...HEADERS, 'content-type': type } };
}
