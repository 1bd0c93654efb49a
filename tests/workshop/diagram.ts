/**
 * Writes the diagram of what calls what into docs/architecture.md, from the traces that a running suite has recorded:
 * `npm run diagram`, or `npm run diagram -- http://127.0.0.1:9088`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../harness/suite.ts';
import { recordedEdges, writeDiagram } from './recorded-diagram.ts';

const observatory = process.argv[2] ?? 'http://127.0.0.1:8088';
const file = join(root, 'docs', 'architecture.md');
const edges = await recordedEdges(observatory);
if (edges.length === 0) throw new Error(`${observatory} has recorded no call yet.`);
writeFileSync(file, writeDiagram(readFileSync(file, 'utf8'), edges));
console.log(edges.join('\n'));
