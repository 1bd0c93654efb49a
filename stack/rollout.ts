import type { ReleaseOutcome, ReleaseRequest } from './control.ts';
import type { Production, ProductionState, Released, ReleaseDirectory } from './production.ts';
import { messageOf, Refusal } from './refusal.ts';
import type { SupervisedProcess } from './supervised-process.ts';
import type { ProcessSpec } from './topology.ts';

/** Services that a release can change, in the order in which they are replaced: first those that others ask. */
const releasableServices = ['customer', 'driver', 'route', 'frontend'] as const;

/** Puts releases into production, one at a time. */
export interface Rollout {
  released(): Released;
  /** The same, when the releases and restarts that were asked for before are over. */
  settled(): Promise<Released>;
  /** @throws {Refusal} if a service does not become ready; then all run what they ran before. */
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
  /**
   * Replaces a service by the same service, started anew from the checkout, so that changes there take effect.
   *
   * @throws {Refusal} if it does not become ready, and then runs on as before; or if it runs a release, not the checkout.
   */
  restart(name: string): Promise<void>;
}

/**
 * @param options.processes of the suite; the others are left alone.
 * @param options.checkout what services run until a release is put into them.
 * @param options.startRevision what production is at while nothing was released yet.
 * @param options.specOf how a service is started from a release directory.
 */
export function createRollout(options: {
  processes: readonly SupervisedProcess[];
  production: Production;
  checkout: ReleaseDirectory;
  startRevision: string | null;
  specOf: (name: string, release: ReleaseDirectory) => ProcessSpec;
  report: (name: string, news: string) => void;
}): Rollout {
  const { processes, production, checkout, specOf, report } = options;
  const running = new Map<string, ReleaseDirectory>(
    releasableServices.map((name) => [name, production.record.services[name] ?? checkout]),
  );
  let turn: Promise<unknown> = Promise.resolve();

  function state(): ProductionState {
    return { revision: production.record.revision ?? options.startRevision, services: Object.fromEntries(running) };
  }

  function released(): Released {
    const { revision, services } = state();
    const isReady = (name: string) => processes.find(({ spec }) => spec.name === name)?.state === 'ready';
    return {
      revision,
      services: Object.fromEntries(
        Object.entries(services).map(([name, release]) => [name, { ...release, ready: isReady(name) }]),
      ),
      previous: production.record.previous,
    };
  }

  async function put(name: string, release: ReleaseDirectory): Promise<void> {
    const target = processes.find(({ spec }) => spec.name === name);
    if (!target) throw new Refusal(`There is no service "${name}" here.`);
    await target.replace(specOf(name, release));
    running.set(name, release);
  }

  async function roll({ services, revision, checkout: standIn, isRollback }: ReleaseRequest): Promise<ReleaseOutcome> {
    const unknown = services.find(({ name }) => !running.has(name));
    if (unknown)
      throw new Refusal(
        `There is no service "${unknown.name}" to release; there are ${[...running.keys()].join(', ')}.`,
      );
    if (standIn) for (const [name, { root }] of running) if (root === checkout.root) running.set(name, standIn);
    const before = released();
    const previous = state();
    const earlier = new Map(running);
    const done: string[] = [];
    try {
      for (const name of releasableServices) {
        const release = services.find((each) => each.name === name)?.release;
        if (!release || release.root === running.get(name)?.root) continue;
        await put(name, release);
        done.push(name);
        report(name, `runs ${release.version} now`);
      }
    } catch (error) {
      const failures: string[] = [];
      for (const name of done.toReversed()) {
        const release = earlier.get(name) ?? checkout;
        report(name, `goes back to ${release.version}`);
        await put(name, release).catch((fault: unknown) => failures.push(messageOf(fault)));
      }
      throw new Refusal([messageOf(error), ...failures].join(' '), { cause: error });
    }
    // Kept only when all of it runs: a start after a kill in between finds what ran before.
    const releases = [...running].filter(([, release]) => release.root !== checkout.root);
    production.save({
      revision,
      services: Object.fromEntries(releases),
      previous: isRollback ? null : previous,
    });
    return { before, after: released() };
  }

  async function restart(name: string): Promise<void> {
    const release = running.get(name);
    if (!release)
      throw new Refusal(`There is no service "${name}" to restart; there are ${[...running.keys()].join(', ')}.`);
    if (release.root !== checkout.root)
      throw new Refusal(
        `The ${name} service runs the release ${release.version}, not this checkout: "npm start -- --working-copy" runs the checkout.`,
      );
    await put(name, release);
    report(name, 'runs what the checkout holds now');
  }

  /** One after the other: a release and a restart do not meet. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  return {
    released,
    settled: () => inTurn(() => Promise.resolve(released())),
    release: (request) => inTurn(() => roll(request)),
    restart: (name) => inTurn(() => restart(name)),
  };
}
