import { z } from 'zod';

import { targetNames } from '../targets/target.ts';
import { type Order, type Permission, permissions } from './order.ts';

const environmentSchema = z.strictObject({
  target: z.enum(targetNames),
  /** The repository whose commits are deployed: a checkout or a bare one. */
  repository: z.string().min(1),
  /** The branch that the pipeline takes a commit to be on. */
  branch: z.string().min(1).default('main'),
  /** Beside the environment of this program: `HOTROD_DATA_DIR`, `KUBE_CONTEXT`, … */
  env: z.record(z.string(), z.string()).default({}),
});

const configSchema = z.strictObject({
  environments: z.record(z.string().regex(/^[a-z0-9-]{1,63}$/, 'lower-case letters, digits and -'), environmentSchema),
  /** By Slack's user id: which orders, in which environment. */
  people: z.record(
    z.string().regex(/^[A-Z0-9]{2,30}$/, "a user id of Slack's, such as U012AB3CD"),
    z.record(z.string(), z.array(z.enum(permissions)).min(1)),
  ),
  /** Slack workspaces that may ask. If nothing is said, any that has the signing secret may. */
  teams: z.array(z.string().min(1)).min(1).optional(),
});

/** Who may do what, and where. */
export type ChatopsConfig = z.infer<typeof configSchema>;
export type Environment = z.infer<typeof environmentSchema>;

/**
 * Reads the file of people and environments.
 *
 * @throws an error that names the place in it that is wrong.
 */
export function readChatopsConfig(text: string): ChatopsConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('the file of people and environments is not JSON');
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`the file of people and environments: ${issue?.path.join('.') || 'it'}: ${issue?.message}`);
  }
  for (const [person, environments] of Object.entries(parsed.data.people)) {
    const unknown = Object.keys(environments).find((name) => !Object.hasOwn(parsed.data.environments, name));
    if (unknown !== undefined)
      throw new Error(`${person} may do something in "${unknown}", which is not an environment`);
  }
  return parsed.data;
}

/** Which permission an order needs. Any of them will do. */
const permissionsFor: Readonly<Record<Order['name'], readonly Permission[]>> = {
  status: ['status'],
  deploy: ['deploy'],
  rollback: ['rollback'],
  // A person who may not roll back may cancel only a deploy of their own. The server, which knows what runs, checks that.
  cancel: ['deploy', 'rollback'],
};

/** The environment of an order if this person of this workspace may give it; null otherwise, without the reason. */
export function permittedEnvironment(
  config: ChatopsConfig,
  { userId, teamId }: { userId: string; teamId: string },
  order: Order,
): Environment | null {
  if (config.teams && !config.teams.includes(teamId)) return null;
  const may = permissionsOf(config, userId, order.environment);
  if (!permissionsFor[order.name].some((each) => may.includes(each))) return null;
  return config.environments[order.environment] ?? null;
}

/** What a person may order in an environment. */
export function permissionsOf(config: ChatopsConfig, userId: string, environment: string): readonly Permission[] {
  const environments = Object.hasOwn(config.people, userId) ? config.people[userId] : undefined;
  return environments && Object.hasOwn(environments, environment) ? (environments[environment] ?? []) : [];
}
