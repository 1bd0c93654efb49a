import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createRides } from '../../observatory/bench/rides.ts';
import { type ComposeProject, createProject, findDocker, prepareImages } from '../deploy/compose.ts';
import { mustRun, run } from '../deploy/tools.ts';

const engine = await findDocker();
const seconds = 60;
/** A machine that is too slow for a flood and an overload within that time goes on, up to this. */
const mostSeconds = 10 * seconds;

interface ContainerState {
  Name: string;
  RestartCount: number;
  State: { OOMKilled: boolean; Running: boolean };
  Config: { Labels: Record<string, string> };
}

/**
 * Every container of the default set keeps within its memory: while as much telemetry comes as two senders can send, in
 * bodies as large as a receiver of the Collector takes, while heavy questions are asked, and while three times as many
 * rides are ordered as the route workers bear.
 */
describe.skipIf(!engine)('docker compose under flood and overload', () => {
  const { docker } = engine ?? { docker: '', compose: '' };
  let project: ComposeProject;
  const ids = async () => (await project.must(['ps', '--all', '--quiet'])).split('\n').filter(Boolean);
  /** The most that was in use, by service, in MiB. */
  const peaks = new Map<string, number>();

  async function look(): Promise<void> {
    const listed = await mustRun(docker, ['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}']);
    for (const line of listed.split('\n')) {
      const [, service, amount, unit] = new RegExp(`^${project.name}-(.+)-1 ([\\d.]+)(MiB|GiB|KiB|B)`).exec(line) ?? [];
      if (service === undefined) continue;
      const mib = Number(amount) * (unit === 'GiB' ? 1024 : unit === 'MiB' ? 1 : 0);
      peaks.set(service, Math.max(peaks.get(service) ?? 0, mib));
    }
  }

  beforeAll(async () => {
    if (!engine) return;
    const adapted = await prepareImages(engine, ['NODE_IMAGE', 'POSTGRES_IMAGE', 'K6_IMAGE', 'COLLECTOR_IMAGE']);
    project = await createProject(engine, { ...adapted, LOAD_PROFILE: 'steady' });
    await project.must(['build', '--quiet'], 900_000);
    await project.must(['up', '--detach', '--wait', '--wait-timeout', '600'], 900_000);
  }, 2_400_000);
  afterAll(async () => {
    await project?.run(['down', '--volumes', '--timeout', '5']);
    const names = ['customer', 'driver', 'route', 'frontend', 'observatory'];
    await run(docker, ['image', 'rm', '--force', ...names.map((name) => `hotrod/${name}:${project?.name}`)]);
  });

  test(
    'no container is killed, and each stays below its limit',
    { timeout: 2 * mostSeconds * 1000, retry: 0 },
    async () => {
      const beganMs = performance.now();
      const outcomes = new Map<string, number>();
      const cameTo = (outcome: string) => (outcomes.get(outcome) ?? 0) > 0;
      const busy = () => {
        const lasted = (performance.now() - beganMs) / 1000;
        return lasted < seconds || (lasted < mostSeconds && !(cameTo('flood 200') && cameTo('ride 503')));
      };
      const ask = async (what: string, url: string, init?: RequestInit) => {
        let status: number | string;
        try {
          const answer = await fetch(url, { signal: AbortSignal.timeout(30_000), ...init });
          await answer.arrayBuffer();
          status = answer.status;
        } catch {
          status = 'none';
        }
        outcomes.set(`${what} ${status}`, (outcomes.get(`${what} ${status}`) ?? 0) + 1);
        if (status !== 200) await sleep(50);
      };
      const rides = createRides({ seed: 1, startMs: Date.now() - 600_000, ridesPerSecond: 70 });
      async function flood(): Promise<void> {
        while (busy()) {
          for (const { body } of rides.requests(400)) {
            await ask('flood', `${project.url('OTLP_HTTP_PORT')}/v1/traces`, {
              method: 'POST',
              headers: { 'content-type': 'application/x-protobuf' },
              body: new Uint8Array(body),
            });
            if (!busy()) return;
          }
        }
      }
      async function question(path: string): Promise<void> {
        while (busy()) await ask('question', `${project.url('OBSERVATORY_PORT')}/api/${path}`);
      }
      async function overload(): Promise<void> {
        const asked: Promise<void>[] = [];
        while (busy()) {
          asked.push(ask('ride', `${project.url('FRONTEND_PORT')}/dispatch?customer=123`));
          await sleep(33);
        }
        await Promise.all(asked);
      }
      async function watch(): Promise<void> {
        while (busy()) await look();
      }
      const range = `from=${Date.now() - 1_200_000}&to=${Date.now() + 600_000}`;
      await Promise.all([
        flood(),
        flood(),
        question(`compare?${range}&scope=spans&minMs=1500`),
        question(`breakdown?${range}&scope=spans&by=hotrod.customer.name`),
        overload(),
        watch(),
      ]);
      console.log('most memory in use, MiB:', Object.fromEntries(peaks), Object.fromEntries(outcomes));
      const states = JSON.parse(await mustRun(docker, ['inspect', ...(await ids())])) as ContainerState[];
      for (const { State, RestartCount, Config } of states) {
        const name = Config.Labels['com.docker.compose.service'] ?? '';
        expect({ name, killed: State.OOMKilled, running: State.Running, restarts: RestartCount }).toEqual({
          name,
          killed: false,
          running: true,
          restarts: 0,
        });
      }
      // It was a flood, and an overload.
      expect([cameTo('flood 200'), cameTo('ride 503')]).toEqual([true, true]);
    },
  );
});
