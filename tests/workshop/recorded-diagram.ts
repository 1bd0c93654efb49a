import { z } from 'zod';

/** What the diagram takes of `GET /api/service-map`. */
const mapSchema = z.object({
  nodes: z.array(z.object({ service: z.string(), kind: z.string() })),
  edges: z.array(z.object({ from: z.string(), to: z.string() })),
});

const begin = '<!-- recorded: what is between here and the end is written by `npm run diagram` -->';
const end = '<!-- recorded: end -->';

/** Who calls whom, as the traces of a run tell it: `frontend -> customer`, in alphabetical order. */
export type RecordedEdges = readonly string[];

/** Asks an Observatory. Databases go by their system, because their address is another one in every run. */
export async function recordedEdges(observatory: string): Promise<RecordedEdges> {
  const response = await fetch(`${observatory}/api/service-map`);
  if (!response.ok) throw new Error(`${observatory} answered ${response.status}`);
  const { nodes, edges } = mapSchema.parse(await response.json());
  const kinds = new Map(nodes.map(({ service, kind }) => [service, kind]));
  const nameOf = (service: string) => (kinds.get(service) === 'database' ? (service.split(' ')[0] ?? '') : service);
  return [...new Set(edges.map(({ from, to }) => `${nameOf(from)} -> ${nameOf(to)}`))].toSorted();
}

/** A document with the diagram of the edges between its two marks. @throws if it lacks them. */
export function writeDiagram(document: string, edges: RecordedEdges): string {
  const { before, after } = parts(document);
  const lines = edges.map((edge) => {
    const [from = '', to = ''] = edge.split(' -> ');
    return `  ${from} --> ${isDatabase(to) ? `${to}[("${to}")]` : to}`;
  });
  return [before, begin, '', '```mermaid', 'flowchart LR', ...lines, '```', '', end, after].join('\n');
}

/** The edges that a document's diagram draws. */
export function drawnEdges(document: string): RecordedEdges {
  return parts(document)
    .between.flatMap((line) => {
      const edge = /^ {2}(\w+) --> (\w+)/.exec(line);
      return edge ? [`${edge[1]} -> ${edge[2]}`] : [];
    })
    .toSorted();
}

function isDatabase(name: string): boolean {
  return name === 'postgresql';
}

function parts(document: string): { before: string; between: string[]; after: string } {
  const lines = document.split('\n');
  const [first, last] = [lines.indexOf(begin), lines.indexOf(end)];
  if (first === -1 || last < first) throw new Error(`The document has no "${begin}" with its end.`);
  return {
    before: lines.slice(0, first).join('\n'),
    between: lines.slice(first + 1, last),
    after: lines.slice(last + 1).join('\n'),
  };
}
