import { computed, useComputed, useSignal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Customer } from './api.ts';
import { findCustomers, sortByName } from './customers.ts';
import type { Order } from './rides.ts';

export interface CustomerPickerProps {
  customers: readonly Customer[];
  orders: ReadonlySignal<readonly Order[]>;
  order: (customer: Customer) => void;
  point: (customer: Customer | undefined) => void;
}

/** One button a customer, by name, and a search above. Enter orders for the first one found; arrows walk the list. */
export function CustomerPicker({ customers, orders, order, point }: CustomerPickerProps) {
  const sorted = useMemo(() => sortByName(customers), [customers]);
  const query = useSignal('');
  const found = useMemo(() => computed(() => findCustomers(sorted, query.value)), [sorted, query]);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const underWay = useComputed(() => countUnderWay(orders.value));

  useEffect(() => focusOnSlash(search), []);

  const buttons = (): HTMLButtonElement[] => [...(list.current?.querySelectorAll('button') ?? [])];
  const walk = (event: KeyboardEvent): void => {
    const all = buttons();
    const here = all.findIndex((button) => button === document.activeElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) search.current?.focus();
    else all[Math.min(to, all.length - 1)]?.focus();
  };
  const searchKey = (event: KeyboardEvent): void => {
    const first = found.value[0];
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      buttons()[0]?.focus();
    } else if (event.key === 'Enter' && query.value.trim() !== '' && first) {
      order(first);
    } else if (event.key === 'Escape') {
      query.value = '';
    }
  };

  return (
    <>
      <div class="search">
        <input
          ref={search}
          type="search"
          aria-label="Find a customer by name or number"
          aria-controls="customer-list"
          aria-keyshortcuts="/"
          placeholder="Name or number"
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="go"
          value={query}
          onInput={(event) => {
            query.value = event.currentTarget.value;
          }}
          onKeyDown={searchKey}
        />
        <span class="muted num" role="status">
          {found.value.length === sorted.length ? `${sorted.length}` : `${found.value.length} of ${sorted.length}`}
        </span>
      </div>
      {found.value.length > 0 ? (
        <ul id="customer-list" ref={list} onKeyDown={walk}>
          {found.value.map((customer) => (
            <li key={customer.id}>
              <button
                type="button"
                data-customer={customer.id}
                onClick={() => order(customer)}
                onPointerEnter={() => point(customer)}
                onPointerLeave={() => point(undefined)}
                onFocus={() => point(customer)}
                onBlur={() => point(undefined)}
              >
                <span>{customer.name}</span>
                <UnderWay count={underWay.value.get(customer.id) ?? 0} />
                <span class="muted num">{customer.id}</span>
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <div class="empty" id="customer-list">
          <p>No customer is called “{query.value.trim()}”.</p>
          <button
            type="button"
            class="action"
            onClick={() => {
              query.value = '';
              search.current?.focus();
            }}
          >
            Show all {sorted.length}
          </button>
        </div>
      )}
    </>
  );
}

/** How many orders of a customer are being dispatched or driven. */
function UnderWay({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span class="under-way num" title="under way">
      {count}
    </span>
  );
}

function countUnderWay(orders: readonly Order[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { customer, state } of orders) {
    if (state.kind !== 'dispatching' && state.kind !== 'driving') continue;
    counts.set(customer.id, (counts.get(customer.id) ?? 0) + 1);
  }
  return counts;
}

/** A slash anywhere on the page leads to the search, as on many sites; not while somebody writes. */
function focusOnSlash(search: RefObject<HTMLInputElement | null>): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (
      event.key !== '/' ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.activeElement === search.current
    )
      return;
    event.preventDefault();
    search.current?.focus();
    search.current?.select();
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
