/** The filter of the row under the pointer or focus, whose points the heatmap lights; not part of the address. */
import { signal } from '@preact/signals';

export const hoveredFilter = signal('');

let timer: ReturnType<typeof setTimeout> | undefined;
let held = false;
const settleMs = 80;

/** Lights a filter's points once the pointer has rested; '' puts them out. */
export function hover(filter: string): void {
  if (held) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    hoveredFilter.value = filter;
  }, settleMs);
}

/** Keeps the light as it is while a menu asks what to do with it. */
export function holdHover(hold: boolean): void {
  held = hold;
  if (!hold) hover('');
}
