/** Calls to the server as the chosen user. */

const CHOSEN_USER = 'sandbox-user';
let users = [];

export async function loadUsers() {
  users = await getOwn('/_sandbox/users', []);
  return users;
}

export function chosenUser() {
  const login = localStorage.getItem(CHOSEN_USER);
  return users.find((user) => user.login === login) ?? users[0];
}

export function chooseUser(login) {
  localStorage.setItem(CHOSEN_USER, login);
}

/** The JSON of `GET /api/v3<path>`. Throws an Error with the server's own message. */
export async function get(path) {
  return (await call('GET', path)).json();
}

/** The whole list behind `path`, which may answer `{ total_count, <member>: [] }`. Pages are followed. */
export async function list(path, member) {
  const PAGES_MAX = 10;
  const items = [];
  for (let page = 1; page <= PAGES_MAX; page++) {
    const answer = await get(`${path}${path.includes('?') ? '&' : '?'}per_page=100&page=${page}`);
    const part = member ? answer[member] : answer;
    items.push(...part);
    if (part.length < 100) break;
  }
  return items;
}

/** As `list`, and empty where the server knows nothing of it. */
export async function listOrNone(path, member) {
  try {
    return await list(path, member);
  } catch (error) {
    if (error.status === 404) return [];
    throw error;
  }
}

/** What one of the sandbox's own calls answers, or `otherwise` where it knows nothing. */
export async function getOwn(path, otherwise) {
  try {
    return await (await call('GET', path)).json();
  } catch (error) {
    if (error.status === 404) return otherwise;
    throw error;
  }
}

export async function getText(path) {
  return (await call('GET', path)).text();
}

/** Sends JSON to `/api/v3<path>`, or to the server's own control calls where the path begins with `/_sandbox`. */
export async function send(method, path, body) {
  const response = await call(method, path, body);
  return response.status === 204 ? null : response.json().catch(() => null);
}

async function call(method, path, body) {
  const user = chosenUser();
  const headers = { accept: 'application/vnd.github+json' };
  if (user) headers.authorization = `Bearer ${user.token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(path.startsWith('/_sandbox') ? path : `/api/v3${path}`, {
    method,
    headers,
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  const { message } = await response.json().catch(() => ({ message: response.statusText }));
  throw Object.assign(new Error(message || `The server answered ${response.status}.`), { status: response.status });
}

/** A path segment, or several with their slashes kept. */
export function segment(text) {
  return text.split('/').map(encodeURIComponent).join('/');
}

/** Base64 of a text in UTF-8, as the contents API wants it. */
export function toBase64(text) {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}

export function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll(/\s/g, '')), (character) => character.codePointAt(0));
  return new TextDecoder().decode(bytes);
}
