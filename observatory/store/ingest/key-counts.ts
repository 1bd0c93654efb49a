import type { Shape, ValueType } from '../../records/attribute-shapes.ts';
import type { KeyCount } from './staging.ts';

/** Counts the keys of what is stored: the shape of a set once for each set, its keys once for each flush. */
export interface KeyCounts {
  count(place: KeyCount['place'], shape: Shape, uses: number): void;
  /** What was counted since the last call. */
  take(): KeyCount[];
}

const column = (type: ValueType): 'strings' | 'numbers' | 'booleans' | 'others' =>
  type === '' ? 'strings' : type === 'i' || type === 'd' ? 'numbers' : type === 'b' ? 'booleans' : 'others';

export function createKeyCounts(): KeyCounts {
  const used = new Map<KeyCount['place'], Map<Shape, number>>([
    ['span', new Map()],
    ['resource', new Map()],
    ['log', new Map()],
  ]);
  return {
    count(place, shape, uses) {
      const shapes = used.get(place);
      shapes?.set(shape, (shapes.get(shape) ?? 0) + uses);
    },
    take() {
      const counts: KeyCount[] = [];
      for (const [place, shapes] of used) {
        const byKey = new Map<string, KeyCount>();
        for (const [shape, uses] of shapes) {
          for (let node = shape; node.parent; node = node.parent) {
            let line = byKey.get(node.key);
            if (!line) {
              line = { key: node.key, place, strings: 0, numbers: 0, booleans: 0, others: 0 };
              byKey.set(node.key, line);
            }
            line[column(node.type)] += uses;
          }
        }
        counts.push(...byKey.values());
        shapes.clear();
      }
      return counts;
    },
  };
}
