/** A field's name, which a narrow column may break after its dots and underscores, not amid a word. */
export function FieldName({ name }: { name: string }) {
  return (
    <>
      {name.split(/(?<=[._])/).map((part, index) => (
        <>
          {index > 0 && <wbr />}
          {part}
        </>
      ))}
    </>
  );
}
