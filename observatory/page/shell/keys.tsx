/** What the keyboard can do; opened by `?` or by the button in the footer. */
import { useEffect, useRef } from 'preact/hooks';

const keys: readonly (readonly [where: string, readonly (readonly [keys: string, does: string])[]])[] = [
  [
    'In the filter',
    [
      ['↑ ↓', 'walk through what is offered'],
      ['Enter', 'take what is chosen; else apply the filter'],
      ['Esc', 'close the offers; then take back what was typed'],
    ],
  ],
  [
    'On the heatmap',
    [
      ['← ↑ → ↓', 'move from cell to cell; Page up and down, Home and End in leaps'],
      ['Shift + these', 'select'],
      ['Enter', 'open a trace of the cell, or compare the selection'],
      ['Esc', 'clear the selection'],
    ],
  ],
  [
    'On lines',
    [
      ['← →', 'walk along a line; Home and End to its ends'],
      ['↑ ↓', 'go to the next line'],
      ['Enter', 'open a typical trace of the point'],
    ],
  ],
  [
    'In a trace',
    [
      ['↑ ↓ or k j', 'walk from span to span; Page up and down, Home and End in leaps'],
      ['← →', 'close and open what is below a span'],
      ['n N', 'next and previous match; in the search Enter and Shift + Enter'],
    ],
  ],
  ['Everywhere', [['?', 'this list']]],
];

export function KeysButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const types = event.target instanceof Element && event.target.matches('input, select, textarea');
      if (event.key === '?' && !types && dialog.current?.open === false) dialog.current.showModal();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <>
      <button type="button" class="plain keys-button" onClick={() => dialog.current?.showModal()}>
        Keys
      </button>
      <dialog
        ref={dialog}
        class="key-list"
        aria-label="Keys"
        // The dialog itself is hit only outside of what it holds.
        onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
      >
        <form method="dialog">
          <h2>Keys</h2>
          {keys.map(([where, list]) => (
            <section key={where}>
              <h3>{where}</h3>
              <dl>
                {list.map(([key, does]) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd>{does}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}
