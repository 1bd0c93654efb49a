/**
 * What a pipeline puts a release on. codefresh.yml names no target: a step `type: build` becomes {@link Target.build},
 * a step `type: helm` becomes {@link Target.deploy}, and one word chooses which target answers (`DEPLOY_TARGET`, or
 * `pipeline run --target`).
 */

/** `stack`: the suite of `npm start`. `compose`: docker compose. `kubernetes`: the Helm chart. */
export const targetNames = ['stack', 'compose', 'kubernetes'] as const;
export type TargetName = (typeof targetNames)[number];

/**
 * How long a target may take, once its signal is aborted, to take back or finish what it has begun, milliseconds. Who
 * kills it sooner leaves production half changed.
 */
export const takeBackMs = 300_000;

/** The services that a release can change. */
export const releasableServices = ['frontend', 'customer', 'driver', 'route'] as const;
export type ServiceName = (typeof releasableServices)[number];

/** The commit that is released. */
export interface Commit {
  /** Of this commit, 40 hexadecimal digits. */
  revision: string;
  /** `service.version` of what is built from it: the version in package.json and seven digits, `0.1.0+1a2b3c4`. */
  version: string;
}

/** What every request carries beside its own. */
export interface TargetContext {
  /** A clone in which {@link Commit.revision} is checked out, absolute. Nothing but `node_modules` is written to it. */
  root: string;
  /** The environment of the step: `DOCKER_HOST`, `KUBECONFIG`, `TRACEPARENT`, `HOTROD_DATA_DIR` and so on. */
  env: Readonly<Record<string, string | undefined>>;
  /** Ends the work: a step that is cancelled or out of time. What was begun is taken back or finished, never left. */
  signal: AbortSignal;
  /** Takes one line of progress, without its line end, for the step's log. */
  log: (line: string) => void;
}

/** What to build: once for a commit; a later deploy promotes it and does not build it again. */
export interface BuildRequest extends TargetContext {
  commit: Commit;
  /** Without duplicates, at least one. A target may build more at once if that is cheaper (`stack` does). */
  services: readonly ServiceName[];
}

export interface BuildResult {
  /**
   * What came of it, for each service asked for: the release directory (`stack`), or the image's name with its tag
   * (`compose`, `kubernetes`).
   */
  artifacts: Readonly<Partial<Record<ServiceName, string>>>;
}

/** What to put into production. */
export interface DeployRequest extends TargetContext {
  commit: Commit;
  /** The services that change; the others go on as they are. */
  services: readonly ServiceName[];
  /** The link that markers and annotations of this release lead to; null without. */
  runUrl: string | null;
  /** How the step `type: helm` asks for it. Only `kubernetes` looks at it; its defaults are the chart's names. */
  helm?: {
    chart: string;
    releaseName: string;
    namespace: string;
    /** As with `--set`: paths of the chart's values. */
    values: Readonly<Record<string, string>>;
    /** As with `--values`, paths below {@link TargetContext.root}. */
    valueFiles: readonly string[];
    kubeContext: string | null;
  };
}

/** What runs. */
export interface Release {
  /** `service.version`. */
  version: string;
  /** The commit; null if it is not known (a checkout without git, an image of somebody else). */
  revision: string | null;
  /** Whether it is ready to do its work. */
  ready: boolean;
}

/** Which release each service of the target runs. A service that is not there at all is left out. */
export type Releases = Readonly<Partial<Record<ServiceName, Release>>>;

export interface DeployResult {
  before: Releases;
  after: Releases;
}

/** To put back what was there before. */
export interface RollbackRequest extends TargetContext {
  services: readonly ServiceName[];
  /**
   * What to go back to, as {@link DeployResult.before} or {@link Target.current} said before the deploy. Null: to the
   * release before the last one, as the target remembers it.
   */
  to: Releases | null;
}

/** A place where releases run. Every function may be called from a process of its own: a target keeps no state in memory. */
export interface Target {
  readonly name: TargetName;
  /** @throws {TargetError} if it cannot be built; nothing that runs has changed. */
  build(request: BuildRequest): Promise<BuildResult>;
  /**
   * Replaces the services, each only when its new process is ready.
   *
   * @throws {TargetError} if the new release did not become ready. It is taken back before this rejects: all
   *   services that were asked for run what they ran before.
   */
  deploy(request: DeployRequest): Promise<DeployResult>;
  /** @throws {TargetError} if there is nothing to go back to, or that does not become ready. */
  rollback(request: RollbackRequest): Promise<DeployResult>;
  /**
   * @param context.settled whether to wait until a deploy or rollback under way is over: `stack` goes on with one whose
   *   pipeline was killed. The other targets end with their pipeline.
   * @throws {TargetError} if the target cannot be reached.
   */
  current(context: TargetContext & { settled?: boolean }): Promise<Releases>;
}

/** Why a target could not do what it was asked: a sentence for the step's log that says what to do. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}
