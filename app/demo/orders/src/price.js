/** Total of an order in cents. Ten pieces of one article and more cost a tenth less. */
export function total(lines) {
  return lines.reduce((sum, { cents, pieces }) => sum + priceOf(cents, pieces), 0);
}

function priceOf(cents, pieces) {
  const full = cents * pieces;
  return pieces >= 10 ? full - Math.floor(full / 10) : full;
}
