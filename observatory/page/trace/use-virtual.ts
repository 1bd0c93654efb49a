/** Draws only the visible rows of a list of any length. */
import {
  Virtualizer,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

export interface Virtual {
  rows: VirtualItem[];
  height: number;
  /** Brings a row into sight: with as little movement as possible, or into the middle. */
  reveal: (index: number, align: 'auto' | 'center') => void;
}

/** @param rowHeight of every row, CSS pixels. */
export function useVirtual(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): Virtual {
  const [, render] = useReducer((times: number, _change: null) => times + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    overscan: 12,
    onChange: () => render(null),
  };
  const held = useRef<Virtualizer<HTMLElement, Element>>(null);
  const virtualizer = (held.current ??= new Virtualizer<HTMLElement, Element>(options));
  virtualizer.setOptions(options);
  // These two are what adapters of this library call; it names them so.
  // eslint-disable-next-line no-underscore-dangle
  useLayoutEffect(() => virtualizer._didMount(), []);
  // eslint-disable-next-line no-underscore-dangle
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [rowHeight]);
  return {
    rows: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    reveal: (index, align) => virtualizer.scrollToIndex(index, { align }),
  };
}
