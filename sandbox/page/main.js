import { chooseUser, chosenUser, loadUsers } from './api.js';
import { h, patch } from './dom.js';
import { follow } from './live.js';
import { link } from './parts.js';
import { matchRoute } from './routes.js';

/** The frame of the page: it finds the view of an address, draws it, and draws it again when something happened. */

const top = document.querySelector('#top');
const content = document.querySelector('#content');
const notice = document.querySelector('#notice');

let isDrawing = false;
let isWantedAgain = false;
let shownPath = null;

async function start() {
  document.addEventListener('click', openInPlace);
  addEventListener('popstate', () => void draw());
  follow(() => void draw());
  await draw();
}

/** Draws the view of the current address. Calls that come meanwhile are answered by one more drawing. */
async function draw() {
  if (isDrawing) {
    isWantedAgain = true;
    return;
  }
  isDrawing = true;
  do {
    isWantedAgain = false;
    await drawOnce();
  } while (isWantedAgain);
  isDrawing = false;
}

async function drawOnce() {
  const path = location.pathname;
  const address = path + location.search;
  const { view, params, tab } = matchRoute(path);
  const page = { params, query: new URLSearchParams(location.search), user: chosenUser(), go, act, refresh: draw };
  patch(top, frame(params, tab));
  try {
    const drawn = await view(page);
    if (address !== location.pathname + location.search) {
      isWantedAgain = true;
      return;
    }
    // Another page's elements must not keep its typed text.
    patch(content, h('div', { key: address }, drawn));
    if (shownPath !== null && shownPath !== address) content.focus({ preventScroll: true });
    shownPath = address;
    document.title = `${[tab, params.repo].filter(Boolean).join(' · ') || 'Repositories'} · Sandbox`;
  } catch (error) {
    patch(
      content,
      h('div', { class: 'problem', role: 'alert' }, h('h1', null, 'This did not work'), h('p', null, error.message)),
    );
    shownPath = address;
  }
}

function frame({ owner, repo }, tab) {
  const base = owner && `/${owner}/${repo}`;
  const tabs = [
    ['Code', ''],
    ['Pull requests', '/pulls'],
    ['Actions', '/actions'],
    ['Deployments', '/deployments'],
    ['Releases', '/releases'],
  ];
  return [
    h(
      'div',
      { class: 'bar' },
      h(
        'nav',
        { class: 'crumbs', 'aria-label': 'Place' },
        link('/', logo(), ' Sandbox'),
        base && [' / ', h('span', null, owner), ' / ', link(base, h('strong', null, repo))],
      ),
      userMenu(),
    ),
    base &&
      h(
        'nav',
        { class: 'tabs', 'aria-label': 'Repository' },
        tabs.map(([name, path]) => h('a', { href: base + path, 'aria-current': tab === name ? 'page' : null }, name)),
      ),
  ];
}

function logo() {
  return h('img', { src: '/_sandbox/page/icon.svg', alt: '', width: 20, height: 20 });
}

function userMenu() {
  const { login } = chosenUser() ?? { login: '' };
  const change = ({ currentTarget }) => {
    chooseUser(currentTarget.value);
    void draw();
  };
  return h(
    'label',
    { class: 'user' },
    h('span', null, 'Acting as'),
    h(
      'select',
      { onchange: change, value: login, id: 'user' },
      knownUsers.map((user) => h('option', { value: user.login }, user.login)),
    ),
  );
}

/** Shows another address without loading the page again. */
function go(address) {
  history.pushState(null, '', address);
  scrollTo(0, 0);
  return draw();
}

/** Does something that can fail, says so, and draws what came of it. */
async function act(words, deed) {
  patch(notice, []);
  try {
    const value = await deed();
    patch(notice, words);
    setTimeout(() => notice.textContent === words && patch(notice, []), 6000);
    await draw();
    return value;
  } catch (error) {
    patch(notice, h('span', { class: 'bad' }, error.message));
    return undefined;
  }
}

function openInPlace(event) {
  const anchor = event.target.closest?.('a[href]');
  if (!anchor || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
    return;
  const { origin, pathname, search, hash } = new URL(anchor.href);
  if (origin !== location.origin || hash !== '' || /^\/(api|_)/.test(pathname) || anchor.hasAttribute('download'))
    return;
  event.preventDefault();
  void go(pathname + search);
}

const knownUsers = await loadUsers();
await start();
