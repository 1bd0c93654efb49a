import type { Shape, ValueType } from '../../records/attribute-shapes.ts';
import type { KeyCount } from './staging.ts';

/** Counts the keys of what is stored: the shape of a set once for each set, its keys once for each flush. */
export interface KeyCounts {
  count(place: KeyCount['place'], shape: Shape, uses: number): void;
  /** What was counted since the last call. `pause` lets others have the event loop now and then. */
  take(pause: () => Promise<void>): Promise<KeyCount[]>;
}

export interface KeyCountsOptions {
  /** How many keys the catalogue takes. Others are stored with their spans, and found by their name. */
  mostKeys: number;
  /**
   * How many of them may be new in one flush: a sender that makes up a key for each span does not fill the catalogue at
   * once.
   */
  mostNewKeys: number;
}
export const keyCountsDefaults: KeyCountsOptions = { mostKeys: 10_000, mostNewKeys: 2_000 };

const column = (type: ValueType): 'strings' | 'numbers' | 'booleans' | 'others' =>
  type === '' ? 'strings' : type === 'i' || type === 'd' ? 'numbers' : type === 'b' ? 'booleans' : 'others';

/** About two milliseconds of work. */
const keysBetweenPauses = 20_000;

type Used = Map<KeyCount['place'], Map<Shape, number>>;

/** @param known the keys that the catalogue has already. */
export function createKeyCounts(known: Iterable<string>, options: KeyCountsOptions = keyCountsDefaults): KeyCounts {
  const catalogue = new Set(known);
  let used: Used = new Map();

  return {
    count(place, shape, uses) {
      let shapes = used.get(place);
      if (!shapes) used.set(place, (shapes = new Map<Shape, number>()));
      shapes.set(shape, (shapes.get(shape) ?? 0) + uses);
    },
    async take(pause) {
      // Even if this fails, the next count begins anew.
      const counted = used;
      used = new Map();
      const most = Math.min(options.mostKeys, catalogue.size + options.mostNewKeys);
      const counts: KeyCount[] = [];
      let untilPause = keysBetweenPauses;
      for (const [place, shapes] of counted) {
        const byKey = new Map<string, KeyCount>();
        for (const [shape, uses] of shapes) {
          for (let node = shape; node.parent; node = node.parent) {
            untilPause -= 1;
            if (untilPause === 0) {
              await pause();
              untilPause = keysBetweenPauses;
            }
            let line = byKey.get(node.key);
            if (!line) {
              if (!catalogue.has(node.key) && catalogue.size >= most) continue;
              catalogue.add(node.key);
              line = { key: node.key, place, strings: 0, numbers: 0, booleans: 0, others: 0 };
              byKey.set(node.key, line);
              counts.push(line);
            }
            line[column(node.type)] += uses;
          }
        }
      }
      return counts;
    },
  };
}
