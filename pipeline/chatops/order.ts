import { releasableServices, type ServiceName } from '../targets/target.ts';

/** What a person may be allowed to order. */
export const permissions = ['status', 'deploy', 'rollback'] as const;
export type Permission = (typeof permissions)[number];
export const orderNames = [...permissions, 'cancel'] as const;
export type OrderName = (typeof orderNames)[number];

/** What somebody asks for, in words that have been checked. */
export type Order = Work | Cancel;
/** Ends the deploy or rollback that is under way in the environment. */
export interface Cancel {
  name: 'cancel';
  environment: string;
}
/** An order that a program carries out. */
export type Work =
  | { name: 'status'; environment: string }
  /** `revision` is a commit, a branch or a tag. */
  | { name: 'deploy'; environment: string; revision: string }
  /** Nothing named: all services. */
  | { name: 'rollback'; environment: string; services: readonly ServiceName[] };

/** A slash command as Slack sends it, as far as it is looked at. */
export interface SlashCommand {
  teamId: string;
  userId: string;
  text: string;
  responseUrl: string;
}

export const orderHelp = [
  'status ENVIRONMENT                   which releases run, and who deploys or rolls back',
  'deploy ENVIRONMENT REVISION          runs the pipeline of a commit, branch or tag',
  `rollback ENVIRONMENT [SERVICE …]     puts back what ran before (${releasableServices.join(', ')});
                                     ends a deploy that is under way first`,
  'cancel ENVIRONMENT                   ends the deploy or rollback that is under way',
].join('\n');

/**
 * Reads the form of a slash command.
 *
 * @returns null if a field is missing.
 */
export function readSlashCommand(body: string): SlashCommand | null {
  const form = new URLSearchParams(body);
  const [teamId, userId, responseUrl] = ['team_id', 'user_id', 'response_url'].map((name) => form.get(name));
  if (!teamId || !userId || !responseUrl) return null;
  return { teamId, userId, responseUrl, text: form.get('text') ?? '' };
}

/** Text that cannot be read as an order. The message is for the person who wrote it. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/** A name that git may be given: no option, no range, no path out. */
const revisionPattern = /^(?!.*(\.\.|@\{|\/\/))[A-Za-z0-9][\w./-]{0,99}$/;

/**
 * Reads the words behind the slash command.
 *
 * @throws {OrderError} with a sentence for the person.
 */
export function readOrder(text: string): Order {
  const [name, environment, ...rest] = text.trim().split(/\s+/).slice(0, 12);
  if (!name || name === 'help') throw new OrderError(orderHelp);
  const known = orderNames.find((each) => each === name);
  if (!known) throw new OrderError(`There is not a command "${name.slice(0, 40)}".\n${orderHelp}`);
  if (!environment || !/^[a-z0-9-]{1,63}$/.test(environment)) {
    throw new OrderError(`${known} needs the name of an environment.\n${orderHelp}`);
  }
  if (known === 'status' || known === 'cancel') {
    if (rest.length > 0) throw new OrderError(`${known} takes an environment and nothing else.`);
    return { name: known, environment };
  }
  if (known === 'deploy') {
    const [revision, ...more] = rest;
    if (!revision || more.length > 0) throw new OrderError('deploy takes an environment and a revision.');
    if (!revisionPattern.test(revision)) throw new OrderError('That is not a commit, branch or tag.');
    return { name: known, environment, revision };
  }
  const unknown = rest.find((each) => !releasableServices.some((service) => service === each));
  if (unknown !== undefined) {
    throw new OrderError(`There is no service "${unknown.slice(0, 40)}"; known: ${releasableServices.join(', ')}.`);
  }
  return { name: known, environment, services: releasableServices.filter((service) => rest.includes(service)) };
}

/** An order in words, for messages: `deploy of 1a2b3c4 to production`. */
export function describeOrder(order: Order): string {
  if (order.name === 'status') return `status of ${order.environment}`;
  if (order.name === 'cancel') return `cancellation in ${order.environment}`;
  if (order.name === 'deploy') return `deploy of ${order.revision} to ${order.environment}`;
  const what = order.services.length > 0 ? order.services.join(', ') : 'all services';
  return `rollback of ${what} in ${order.environment}`;
}
