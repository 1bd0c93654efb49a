/**
 * Who orders rides: the weights of the webinar's load. Data for both the built-in driver and the k6 scripts, so
 * nothing here may need Node.
 */

/** The two customers of the planted bug; half of their requests are slow. */
export const slowCustomers: readonly number[] = [57319, 88654];

/** The 28 customers with five digits. Those with three belong to the page: rides that a person orders stand apart. */
export const customers: readonly number[] = [
  12323, 32392, 73451, 55673, 44802, 18745, 23552, 23412, 23341, 69420, 39001, 78945, 59201, 20885, 20482, 22083, 15864,
  34320, 38752, 23155, 88654, 35871, 98457, 64853, 46321, 57319, 94317, 96354,
];

/** Each customer once, the slow two three times: 6 of 32 dispatches (18.75 %) are theirs. */
export const weightedCustomers: readonly number[] = customers.flatMap((id) =>
  slowCustomers.includes(id) ? [id, id, id] : [id],
);

/**
 * A customer, drawn by weight.
 *
 * @param random a number from 0 to 1, 1 excluded.
 */
export function pickCustomer(random: number): number {
  return weightedCustomers[Math.floor(random * weightedCustomers.length)] ?? 0;
}
