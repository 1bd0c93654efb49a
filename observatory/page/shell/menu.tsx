/** One menu for the whole page: opened at an element, left with Escape, walked with the arrow keys. */
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { holdHover } from '../state/hovered.ts';

export interface MenuItem {
  label: string;
  /** What it does, in words, if the label alone may not say so. */
  detail?: string;
  /** A link instead of an action. */
  href?: string;
  run?: () => void;
}

interface OpenMenu {
  /** Counts openings: each has an element of its own, since the browser may have closed the last one. */
  opening: number;
  title: string;
  items: MenuItem[];
  anchor: Element;
}

const open = signal<OpenMenu | null>(null);
let openings = 0;

/** @param title names the menu for screen readers and is its first line. */
export function openMenu(anchor: Element, title: string, items: MenuItem[]): void {
  openings += 1;
  open.value = { opening: openings, anchor, title, items };
  holdHover(true);
}

function close(focusBack: boolean): void {
  const anchor = open.peek()?.anchor;
  open.value = null;
  // This comes before hovering counts again: the returning focus is not a new choice of the user.
  if (focusBack && anchor instanceof HTMLElement && anchor.isConnected) anchor.focus();
  holdHover(false);
}

export function MenuHost() {
  const menu = open.value;
  return menu === null ? null : <Menu key={menu.opening} menu={menu} />;
}

function Menu({ menu }: { menu: OpenMenu }) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    element.showPopover();
    const at = menu.anchor.getBoundingClientRect();
    const room = document.documentElement;
    const left = Math.max(8, Math.min(at.left, room.clientWidth - element.offsetWidth - 8));
    const below = at.bottom + 4;
    const top =
      below + element.offsetHeight > room.clientHeight ? Math.max(8, at.top - element.offsetHeight - 4) : below;
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
    element.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  }, [menu]);
  useEffect(() => {
    const leave = (): void => close(false);
    window.addEventListener('resize', leave);
    window.addEventListener('popstate', leave);
    return () => {
      window.removeEventListener('resize', leave);
      window.removeEventListener('popstate', leave);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const index = items.indexOf(document.activeElement as HTMLElement);
    const focus = (next: number): void => items[(next + items.length) % items.length]?.focus();
    if (event.key === 'Escape' || event.key === 'Tab') close(true);
    else if (event.key === 'ArrowDown') focus(index + 1);
    else if (event.key === 'ArrowUp') focus(index - 1);
    else if (event.key === 'Home') focus(0);
    else if (event.key === 'End') focus(items.length - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class="menu"
      role="menu"
      // A press outside closes it.
      popover="auto"
      aria-label={menu.title}
      ref={list}
      onKeyDown={onKeyDown}
      onToggle={(event) => event.newState === 'closed' && open.peek() === menu && close(false)}
    >
      <div class="menu-title" role="presentation">
        {menu.title}
      </div>
      {menu.items.map((item) =>
        item.href === undefined ? (
          <button
            type="button"
            role="menuitem"
            key={item.label}
            onClick={() => {
              close(true);
              item.run?.();
            }}
          >
            {item.label}
            {item.detail !== undefined && <small>{item.detail}</small>}
          </button>
        ) : (
          <a role="menuitem" key={item.label} href={item.href} onClick={() => close(false)}>
            {item.label}
            {item.detail !== undefined && <small>{item.detail}</small>}
          </a>
        ),
      )}
    </div>
  );
}
