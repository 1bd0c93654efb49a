/** Lays out an SQL statement for reading: one clause a line. It changes white space alone, and nothing within quotes. */

const clauses =
  /^(?:select|from|where|group by|order by|having|limit|offset|union all|union|values|set|returning|on conflict|with|insert into|update|delete from)$/i;
const joins = /^(?:left join|right join|inner join|full join|cross join|join|and|or|on)$/i;
const piece =
  /('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\b(?:group by|order by|union all|left join|right join|inner join|full join|cross join|on conflict|insert into|delete from)\b|[A-Za-z_][\w$]*|\s+|[^\s])/gi;

/** The statement over several lines; a short one (up to 60 characters) on one. */
export function formatSql(sql: string): string {
  const flat = collapse(sql);
  if (flat.length <= 60 && !flat.includes('--')) return flat;
  let text = '';
  let depth = 0;
  let space = false;
  for (const [token] of flat.matchAll(piece)) {
    if (/^\s+$/.test(token)) {
      space = true;
      continue;
    }
    if (token === ')') depth = Math.max(0, depth - 1);
    const clause = depth === 0 && clauses.test(token);
    const join = depth === 0 && joins.test(token);
    if ((clause || join) && text !== '') text += clause ? `\n${token}` : `\n  ${token}`;
    else text += (space && text !== '' && !text.endsWith('\n') ? ' ' : '') + token;
    space = false;
    if (token.startsWith('--')) text += '\n';
    if (token === '(') depth += 1;
  }
  return text.trim();
}

/** White space to single spaces, but not within quotes; a line comment keeps its line. */
function collapse(sql: string): string {
  return sql
    .replace(/('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*(?:\n|$))|\s+/g, (_whole, kept: string | undefined) => kept ?? ' ')
    .trim();
}
