import type { LineStyle } from './line-style.ts';

/** A piece of a line beside its name. */
export function KeyLine({ style }: { style: LineStyle }) {
  const [stroke = 0, gap = 0] = style.dash;
  const kind = stroke === 0 ? 'solid' : stroke > gap ? 'dashed' : 'dotted';
  return <i class="key-line" style={{ borderTopColor: style.css, borderTopStyle: kind }} />;
}
