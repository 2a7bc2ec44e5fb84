/** Tells when something happened on the server, at most twice per second. */

/** Each drawing asks half a dozen questions, and GitHub answers 900 in a minute. */
const QUIET_MS = 500;

export function follow(onChange) {
  let timer = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      onChange();
    }, QUIET_MS);
  };
  const source = new EventSource('/_sandbox/events');
  let hasBeenOpen = false;
  source.addEventListener('open', () => {
    // What happened while the connection was gone is not told again.
    if (hasBeenOpen) soon();
    hasBeenOpen = true;
  });
  source.addEventListener('message', soon);
  source.addEventListener('change', soon);
}
