/** The body of a request is not a message of the expected type; the message says which part is wrong. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}
