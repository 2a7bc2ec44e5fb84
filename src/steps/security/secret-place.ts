/** Where a secret lies. Nothing of the secret itself: whoever reads this may not know it. */
export interface SecretPlace {
  /** Below the working directory, `/` between names. */
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  /** Whose secret it is, in one word: aws, github, privatekey. */
  readonly kind: string;
  /** The rule's own name for what it found. */
  readonly rule: string;
}

export function sortPlaces(places: readonly SecretPlace[]): readonly SecretPlace[] {
  const byKey = new Map(places.map((place) => [JSON.stringify([place.path, place.line, place.kind]), place]));
  return [...byKey.values()].sort(
    (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line) || (a.kind < b.kind ? -1 : 1),
  );
}
