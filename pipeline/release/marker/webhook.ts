import { httpUrl, type JsonPlace, requestJson, unexpected } from '../request.ts';
import type { MarkerFields, MarkerPlace } from './place.ts';

/**
 * Tells whoever listens that a release began and ended: a POST each. The body has the marker's fields, `event` (`opened`
 * or `closed`), `run`, and `text`, the line that chat programs show (Slack, Mattermost).
 *
 * @param url a secret, where it is a chat program's: it is named by its origin alone.
 * @param token sent as a bearer token.
 */
export function createWebhookPlace(url: string, token: string | undefined): MarkerPlace {
  const { origin, href, pathname } = httpUrl(url, 'The address of the webhook');
  const place: JsonPlace = {
    url,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    secrets: [href, ...(pathname.length > 1 ? [pathname] : []), ...(token === undefined ? [] : [token])],
  };

  async function tell(event: 'opened' | 'closed', run: string, fields: MarkerFields): Promise<void> {
    const { message, url: link } = fields;
    const text = `${message}: ${event === 'opened' ? 'began' : 'ended'}${link === undefined ? '' : ` ${link}`}`;
    const answer = await requestJson(place, 'POST', '', { event, run, ...fields, text });
    if (answer.status < 200 || answer.status > 299) throw unexpected(place, answer);
  }

  return {
    name: `webhook ${origin}`,
    async open(fields, run) {
      await tell('opened', run, fields);
      return { ...fields, id: '', run };
    },
    async close({ id: _id, run, ...fields }, endTime) {
      await tell('closed', run, { ...fields, end_time: Math.max(endTime, fields.start_time) });
    },
  };
}
