/** So many random bytes in hexadecimal; never all zero, which W3C Trace Context forbids for ids. */
export function randomHex(bytes: number, random: () => number): string {
  let hex = '';
  for (let index = 0; index < bytes; index += 1) {
    hex += Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0');
  }
  return /^0+$/.test(hex) ? `${hex.slice(1)}1` : hex;
}

/**
 * What a dispatch carries: who orders, a trace of its own that is to be recorded
 * (https://www.w3.org/TR/trace-context/#traceparent-header), and baggage with the session and the request.
 *
 * @param clientId kept by a virtual user from its first order to its last.
 * @param number of this order among the user's, from 1.
 * @param random a number from 0 to 1, 1 excluded.
 */
export function dispatchHeaders(order: {
  clientId: string;
  number: number;
  random: () => number;
}): Record<string, string> {
  const { clientId, number, random } = order;
  return {
    client: clientId,
    traceparent: `00-${randomHex(16, random)}-${randomHex(8, random)}-01`,
    baggage: `session.id=${clientId},hotrod.request.id=${clientId}-${number}`,
  };
}
