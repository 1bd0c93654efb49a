import { z } from 'zod';

/** The branch whose pushes go into production. */
export const productionBranch = 'main';

/** What was pushed to the production branch. */
export const pushSchema = z.object({
  revision: z.string().regex(/^[0-9a-f]{40,64}$/),
  /** `git push -o NAME=VALUE`. */
  options: z.array(z.string().max(200)).max(20),
});
export type Push = z.infer<typeof pushSchema>;
