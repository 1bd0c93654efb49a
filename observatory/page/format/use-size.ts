/** The size of an element in CSS pixels, and the colour scheme, as hooks that follow both. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

/** Width and height of an element's content; 0 until it is known. */
export function useSize(element: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    const observer = new ResizeObserver(() => {
      const next = { width: target.clientWidth, height: target.clientHeight };
      setSize((last) => (last.width === next.width && last.height === next.height ? last : next));
    });
    observer.observe(target);
    setSize({ width: target.clientWidth, height: target.clientHeight });
    return () => observer.disconnect();
  }, []);
  return size;
}

/** Changes whenever the system changes between light and dark: what paints on a canvas depends on it. */
export function useScheme(): 'dark' | 'light' {
  const query = '(prefers-color-scheme: dark)';
  const [dark, setDark] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const media = window.matchMedia(query);
    const changed = (): void => setDark(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  return dark ? 'dark' : 'light';
}
