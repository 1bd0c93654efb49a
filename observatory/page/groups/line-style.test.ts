import { describe, expect, test } from 'vitest';
import { createLineStyles, linesShown, looks } from './line-style.ts';

const by = ['hotrod.customer.name'];
const group = (name: string) => ({ values: [name], filter: `hotrod.customer.name = "${name}"` });
const groups = (...names: string[]) => names.map(group);

describe('the style of a line', () => {
  test('stays with its group when the order changes, or others come and go', () => {
    const styles = createLineStyles();
    const first = styles(by, groups('Value Walking', 'Bicycles Green', 'Strat Security'));
    const later = styles(by, groups('New', 'Strat Security', 'Bicycles Green', 'Value Walking'));
    for (const name of ['Value Walking', 'Bicycles Green', 'Strat Security']) {
      expect(later.get(group(name).filter)).toEqual(first.get(group(name).filter));
    }
    styles(by, groups('New'));
    expect(styles(by, groups('Value Walking'))).toEqual(new Map([...first].slice(0, 1)));
  });

  test('is never that of another visible line, however many groups came before', () => {
    const styles = createLineStyles();
    for (let round = 0; round < 20; round += 1) {
      const names = Array.from({ length: linesShown }, (_, index) => `group ${round * 7 + index}`);
      const shown = [...styles(by, groups(...names)).values()].map((look) => JSON.stringify(look));
      expect(new Set(shown).size).toBe(linesShown);
    }
  });

  test('is remembered for each field apart, and a full line while there is one', () => {
    const styles = createLineStyles();
    styles(by, groups('a', 'b'));
    expect([...styles(['http.route'], groups('c')).values()]).toEqual([looks[0]]);
    expect([...styles(by, groups('b')).values()]).toEqual([looks[1]]);
  });

  test('of a service is the colour that the service has everywhere', () => {
    const styles = createLineStyles();
    const found = styles(['service'], [{ values: ['customer'], filter: 'service = "customer"' }]);
    expect([...found.values()]).toEqual([{ css: 'var(--service-customer)', dash: [] }]);
  });
});
