import { openMenu, type MenuItem } from './menu.tsx';

/**
 * Offers what is shown as files.
 *
 * @param what names it, as in "the map".
 * @param files the menu (`downloads`), made when it is asked for; null if there is nothing yet.
 */
export function DownloadButton({ what, files }: { what: string; files: (() => MenuItem[]) | null }) {
  return (
    <button
      type="button"
      aria-haspopup="menu"
      disabled={files === null}
      onClick={(event) => files !== null && openMenu(event.currentTarget, `Download ${what}`, files())}
    >
      Download
    </button>
  );
}
