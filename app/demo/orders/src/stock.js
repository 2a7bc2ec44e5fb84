/** Articles of an order that the stock does not hold. */
export function missing(lines, stock) {
  return lines.filter(({ article, pieces }) => (stock[article] ?? 0) < pieces).map(({ article }) => article);
}
