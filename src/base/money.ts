const MONEY = /^(\d{1,9})(?:\.(\d{1,6}))?usd$/;

/** Micro-dollars of `5usd` or `0.25usd`; undefined where the text is not money with its unit. */
export function parseMoney(text: string): number | undefined {
  const match = MONEY.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0'));
}
