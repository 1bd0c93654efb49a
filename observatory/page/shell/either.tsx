/** One of two texts in the room of the wider. */
export function Either({ first, texts }: { first: boolean; texts: readonly [string, string] }) {
  return (
    <span class="either">
      {texts.map((text, index) => (
        <span key={text} data-shown={(index === 0) === first}>
          {text}
        </span>
      ))}
    </span>
  );
}
