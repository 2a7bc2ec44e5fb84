/** What an answer of a far end may take. */
export interface AnswerLimits {
  /** From the request to the last byte of the answer. */
  readonly msMax: number;
  /** Of the body, unpacked. */
  readonly bytesMax: number;
}

/** Statuses that have no body: `Response` refuses one that has. */
const STATUSES_EMPTY = new Set([204, 205, 304]);
/** What is only accepted may have nothing to tell. */
const ACCEPTED = 202;
/** Of the body as it travelled, which was unpacked meanwhile. */
const HEADERS_OF_TRANSPORT = ['content-encoding', 'content-length', 'transfer-encoding'];

/**
 * Like `fetch`, but there is an answer only where all of it came in time. Octokit takes a body that breaks off for an empty
 * one and calls the answer a success: a token would be undefined, a list of changed files empty, the id of a check unknown.
 */
export function openWholeFetch({ msMax, bytesMax }: AnswerLimits): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, signal: limitOf(init, msMax) });
    const bytes = await bytesOf(response, bytesMax);
    const isHead = init?.method?.toUpperCase() === 'HEAD';
    if (response.ok && !isHead && !STATUSES_EMPTY.has(response.status)) assertJson(response, bytes);
    return wholeOf(response, bytes);
  };
}

/** What is sent as a stream takes as long as its source and the line do: whoever sends it has a limit of its own. */
function limitOf(init: RequestInit | undefined, msMax: number): AbortSignal {
  if (init?.body instanceof ReadableStream && init.signal) return init.signal;
  const limit = AbortSignal.timeout(msMax);
  return init?.signal ? AbortSignal.any([init.signal, limit]) : limit;
}

async function bytesOf(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > bytesMax) throw new Error(`expected an answer of at most ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Half a document, or the page of a proxy. What refuses a call may say so in any words. */
function assertJson({ headers, status }: Response, bytes: Uint8Array): void {
  if (status === ACCEPTED && bytes.byteLength === 0) return;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers.get('content-type') ?? '')) return;
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // The parser's own words would show a piece of the text, and that of a token is one.
    throw new Error(`expected whole JSON, got ${bytes.byteLength} bytes that are none`);
  }
}

function wholeOf(response: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  const { status, statusText, url } = response;
  const headers = new Headers(response.headers);
  for (const name of HEADERS_OF_TRANSPORT) headers.delete(name);
  const whole = new Response(STATUSES_EMPTY.has(status) ? null : bytes, { status, statusText, headers });
  // Where redirects led: pages of a list are told apart by it.
  return Object.defineProperty(whole, 'url', { value: url });
}
