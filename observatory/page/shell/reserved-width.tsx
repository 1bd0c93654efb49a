/** One of several texts in the width of the widest, so that nothing beside it moves when they change. */
export function ReservedWidth({ shown, texts }: { shown: string; texts: readonly string[] }) {
  return (
    <span class="either">
      {texts.map((text) => (
        <span key={text} data-shown={text === shown}>
          {text}
        </span>
      ))}
    </span>
  );
}
