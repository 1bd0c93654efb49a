import { readFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

/** The API server of a cluster. */
export interface KubernetesApi {
  /**
   * @param path for example `/api/v1/namespaces/rides`.
   * @returns the answer, parsed.
   * @throws {KubernetesError} what the API server refused, and why; or that it could not be reached.
   */
  request<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
  close(): void;
}

/** Why the API server did not do something. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  /** The HTTP status: 404 for what is not there, 403 for what may not be done; 0 if no answer came. */
  readonly status: number;
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Where the API server is, and who asks: by a token, or by a client certificate. PEM texts. */
export interface KubernetesAccess {
  server: string;
  ca: string;
  /** Read anew for each request, because the kubelet renews it. */
  token?: () => Promise<string>;
  cert?: string;
  key?: string;
}

/** The longest that a request may take, in milliseconds. */
const timeoutMs = 30_000;
/** The largest answer that is read, in bytes. No answer that is asked for here comes near this. */
const largestAnswer = 64 * 2 ** 20;

export function createKubernetesApi(access: KubernetesAccess): KubernetesApi {
  const { ca, cert, key } = access;
  const agent = new Agent({ keepAlive: true, ca, ...(cert && key ? { cert, key } : {}) });

  async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = await access.token?.();
    const { status, answer } = await send(method, path, token, body);
    const parsed = parse(answer);
    if (status < 300) return parsed as T;
    const message = (parsed as { message?: string } | undefined)?.message ?? answer.slice(0, 500);
    throw new KubernetesError(`${method} ${path}: ${message || `status ${status}`}`, status);
  }

  function send(method: string, path: string, token: string | undefined, body: unknown) {
    return new Promise<{ status: number; answer: string }>((resolve, reject) => {
      const fail = (error: Error) =>
        reject(new KubernetesError(`${method} ${path}: ${access.server} cannot be reached (${error.message})`, 0));
      const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const outgoing = httpsRequest(
        new URL(path, access.server),
        {
          method,
          agent,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            accept: 'application/json',
            ...(token ? { authorization: `Bearer ${token}` } : {}),
            // The length is sent, too: without it Node sends the body of a DELETE as if it were the next request.
            ...(sent === undefined ? {} : { 'content-type': contentType(method), 'content-length': sent.length }),
          },
        },
        (response) => {
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > largestAnswer) response.destroy(new Error(`more than ${largestAnswer} bytes`));
          });
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), fail);
        },
      );
      outgoing.once('error', fail);
      outgoing.end(sent);
    });
  }

  return { request, close: () => agent.destroy() };
}

/** A patch is a JSON merge patch; whatever else is sent is a whole object. */
function contentType(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

/** Where Kubernetes puts what a pod needs to speak to the API server. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The API server as a pod reaches it, with the service account that is mounted into it.
 *
 * @param directory where the token and the certificate of the cluster are.
 * @throws if this process runs in no pod, or in one without a token.
 */
export async function accessFromPod(
  env: Readonly<Record<string, string | undefined>>,
  directory = serviceAccount,
): Promise<KubernetesAccess> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] ?? env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host) throw new Error('This process runs in no pod: KUBERNETES_SERVICE_HOST is not set.');
  const token = async () => (await readFile(`${directory}/token`, 'utf8')).trim();
  try {
    await token();
    const ca = await readFile(`${directory}/ca.crt`, 'utf8');
    return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, ca, token };
  } catch (error) {
    throw new Error(`This pod has no service account token: ${String(error)}`, { cause: error });
  }
}
