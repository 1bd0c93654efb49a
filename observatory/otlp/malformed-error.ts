/** The body of a request is no message of the type that was expected; the message says where it goes wrong. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}
