/** Marks what is HTML already. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Text that goes into a template as it is: HTML that {@link html} has made. */
export function raw(text: string): Raw {
  return new Raw(text);
}

/** A template in which every value is escaped, but for those that are marked by {@link raw}. */
export function html(strings: TemplateStringsArray, ...values: (string | number | Raw | readonly Raw[])[]): string {
  return strings.reduce((text, part, index) => text + escaped(values[index - 1] ?? '') + part);
}

function escaped(value: string | number | Raw | readonly Raw[]): string {
  if (value instanceof Raw) return value.text;
  if (typeof value === 'object') return value.map(escaped).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
