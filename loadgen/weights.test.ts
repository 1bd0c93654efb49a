import { expect, it } from 'vitest';

import { customers, pickCustomer, slowCustomers, weightedCustomers } from './weights.ts';

it('sends 6 of 32 dispatches to the two slow customers', () => {
  expect(new Set(customers).size).toBe(28);
  expect(customers.every((id) => id >= 10_000 && id <= 99_999)).toBe(true);
  expect(weightedCustomers).toHaveLength(32);
  for (const id of customers) {
    expect(weightedCustomers.filter((other) => other === id)).toHaveLength(slowCustomers.includes(id) ? 3 : 1);
  }
});

it('picks every customer of the list, and nobody else, over the whole range of chance', () => {
  const picked = weightedCustomers.map((_, index) => pickCustomer((index + 0.5) / weightedCustomers.length));
  expect(picked).toEqual([...weightedCustomers]);
  expect(pickCustomer(0)).toBe(weightedCustomers[0]);
  expect(pickCustomer(1 - Number.EPSILON)).toBe(weightedCustomers.at(-1));
});
