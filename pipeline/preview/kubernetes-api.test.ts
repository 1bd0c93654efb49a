import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { accessFromPod, createKubernetesApi } from './kubernetes-api.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-service-account-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the API server as a pod reaches it', () => {
  it('is null outside of a cluster', async () => {
    await expect(accessFromPod({}, directory)).rejects.toThrow('This process runs in no pod');
  });
  it('is null for a pod without a token', async () => {
    await expect(accessFromPod({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, directory)).rejects.toThrow(
      'This pod has no service account token',
    );
  });
  it('is found by the variables of Kubernetes, with a token that is read again each time', async () => {
    writeFileSync(join(directory, 'token'), 'first\n');
    writeFileSync(join(directory, 'ca.crt'), 'certificate');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT_HTTPS: '6443' };
    const access = await accessFromPod(env, directory);
    expect(access).toMatchObject({ server: 'https://[fd00::1]:6443', ca: 'certificate' });
    expect(await access.token?.()).toBe('first');
    writeFileSync(join(directory, 'token'), 'second\n');
    expect(await access.token?.()).toBe('second');
  });
  it('fails with a sentence when nobody answers', async () => {
    const api = createKubernetesApi({ server: 'https://127.0.0.1:1', ca: '' });
    await expect(api.request('GET', '/api/v1/namespaces')).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('https://127.0.0.1:1 cannot be reached'),
    });
    api.close();
  });
});
