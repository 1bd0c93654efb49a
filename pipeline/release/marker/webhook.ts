import { httpUrl, type JsonPlace, requestJson, unexpected } from '../request.ts';
import type { MarkerFields, MarkerPlace } from './place.ts';

/**
 * Notifies a listener that a release began and ended: a POST each. The body has the marker's fields, `event` (`opened`,
 * `closed`, or `marked` for a verdict), `run`, and `text`, the line that chat programs show (Slack, Mattermost).
 *
 * @param url a secret if it is a chat program's: so it is named by its origin alone.
 * @param token sent as a bearer token.
 */
export function createWebhookPlace(url: string, token: string | undefined): MarkerPlace {
  const { origin, href, pathname } = httpUrl(url, 'The address of the webhook');
  const place: JsonPlace = {
    url,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    secrets: [href, ...(pathname.length > 1 ? [pathname] : []), ...(token === undefined ? [] : [token])],
  };

  const words = { opened: ': began', closed: ': ended', marked: '' };

  async function tell(event: keyof typeof words, fields: MarkerFields, run?: string): Promise<void> {
    const { message, url: link } = fields;
    const text = `${message}${words[event]}${link === undefined ? '' : ` ${link}`}`;
    const whose = run === undefined ? {} : { run };
    const answer = await requestJson(place, 'POST', '', { event, ...whose, ...fields, text });
    if (answer.status < 200 || answer.status > 299) throw unexpected(place, answer);
  }

  return {
    name: `webhook ${origin}`,
    async open(fields, run) {
      await tell('opened', fields, run);
      return { ...fields, id: '', run };
    },
    mark: (fields) => tell('marked', fields),
    async close({ id: _id, run, ...fields }, endTime) {
      await tell('closed', { ...fields, end_time: Math.max(endTime, fields.start_time) }, run);
    },
  };
}
