import { execFile } from 'node:child_process';

import { type KubernetesApi, KubernetesError } from './kubernetes-api.ts';

/** A program of this machine. @returns its standard output. @throws with what it wrote on standard error. */
export function runProgram(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.code === 'ENOENT') {
        reject(new Error(`${program} is not on the PATH; previews need kubectl and helm`));
      } else reject(new Error(`${program} ${args[0] ?? ''}: ${(stderr || error.message).trim()}`));
    });
    child.stdin?.on('error', () => undefined); // it may end before it has read
    child.stdin?.end(input);
  });
}

/** The API server as `kubectl` reaches it, so that every way to log in works that kubectl knows. */
export function createKubectlApi(context: readonly string[]): KubernetesApi {
  const verbs = { GET: 'get', POST: 'create', DELETE: 'delete' } as const;
  return {
    async request<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
      if (method === 'PATCH') throw new Error('kubectl sends no raw patches');
      const file = body === undefined ? [] : ['-f', '-'];
      const args = [...context, verbs[method], '--raw', path, ...file];
      try {
        return JSON.parse(
          await runProgram('kubectl', args, body === undefined ? undefined : JSON.stringify(body)),
        ) as T;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const status = /\((NotFound|Forbidden|Conflict)\)/.exec(message)?.[1];
        throw new KubernetesError(message, { NotFound: 404, Forbidden: 403, Conflict: 409 }[status ?? ''] ?? 0, {
          cause: error,
        });
      }
    },
    close: () => undefined,
  };
}
