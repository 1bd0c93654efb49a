/** A word for a POSIX shell, in a command that a person is to copy: in quotes only if it needs them. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
