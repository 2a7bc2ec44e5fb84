const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/** Milliseconds at which a ULID was made, by its maker's clock. */
export function timeOfUlid(id: string): number {
  let time = 0;
  for (const char of id.slice(0, TIME_CHARS)) time = time * 32 + CROCKFORD.indexOf(char);
  return time;
}

/**
 * A ULID in lower case: 48 bits of time, 80 bits of randomness, sorts by time.
 * @param randomBytes at least 16 bytes; one character is taken of each
 * @source https://github.com/ulid/spec
 */
export function ulid(nowMs: number, randomBytes: Uint8Array): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < TIME_CHARS; i++, rest = Math.floor(rest / 32))
    time = CROCKFORD.charAt(rest % 32) + time;
  let random = '';
  for (let i = 0; i < RANDOM_CHARS; i++) random += CROCKFORD.charAt((randomBytes[i] as number) & 31);
  return time + random;
}
