// What k6.ts uses of k6's JavaScript API (https://grafana.com/docs/k6/latest/javascript-api/). k6 brings these modules
// itself; nothing is installed for them.

// oxlint-disable no-underscore-dangle -- k6 calls them so
declare const __ENV: Readonly<Record<string, string | undefined>>;

/** The virtual user's number, from 1; 0 while k6 reads the options. */
declare const __VU: number;
/** How many orders the virtual user has behind it. */
declare const __ITER: number;

declare module 'k6' {
  /** Counts, for each name, how often its condition held. */
  export function check<T>(value: T, conditions: Record<string, (value: T) => boolean>): boolean;
  export function sleep(seconds: number): void;
}

declare module 'k6/http' {
  interface Answer {
    /** 0 if there was no answer. */
    status: number;
    body: string | ArrayBuffer | null;
  }
  interface Params {
    headers?: Record<string, string>;
    tags?: Record<string, string>;
    timeout: string;
    /** Which answers are expected; null: the request is counted neither as failed nor as not failed. */
    responseCallback?: null;
  }
  const http: { get(url: string, params: Params): Answer };
  export default http;
}
