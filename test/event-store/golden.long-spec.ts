import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { BEHAVIOUR_VERSIONS } from '../../apps/local/src/event-store/behaviour.js';
import { FreshStore, goldenAnswers } from './golden-answers.js';
import { describeGoldenAnswers } from './golden.contract.js';

for (const version of BEHAVIOUR_VERSIONS) describeGoldenAnswers(version);

describe('a stop as slow as that of the server', () => {
  it.concurrent.each(BEHAVIOUR_VERSIONS)(
    '%s: silence, then the end of what is open',
    async (version) => {
      const { stopping } = goldenAnswers(version);
      const store = await FreshStore.start(version, { stopsSlowly: true });
      await store.append('t', 1);
      const filter = { prefixes: ['t'], interval: 1 };
      const subscriptions = {
        'filtered $all': store.client.subscribe({ from: 'start', filter }),
        stream: store.client.subscribe({ stream: 't', from: 'start' }),
      };
      let acknowledged = 1;
      const answers = new Set<string>();
      let hasStopped = false;
      const appending = (async () => {
        while (!hasStopped) {
          const answer = await store.client.appendTo('t', [{}]);
          if (answer.startsWith('ok')) acknowledged += 1;
          else answers.add(answer.replace(/\. Last error.*/, ''));
          await pause(5);
        }
      })();
      await pause(50);
      const before = acknowledged;
      const startedAt = performance.now();
      await store.stop();
      const seconds = (performance.now() - startedAt) / 1_000;
      hasStopped = true;
      await appending;
      expect(seconds).toBeGreaterThanOrEqual(stopping.silentForSeconds);
      expect(acknowledged).toBeGreaterThan(before);
      expect(stopping.startedAfterwards).toEqual(expect.arrayContaining([...answers]));
      expect(answers).toContain('UNAVAILABLE: No connection established');
      for (const [name, { error, messages }] of Object.entries(subscriptions)) {
        expect({ [name]: error }).toEqual({ [name]: stopping.subscriptions[name] });
        expect(messages.filter(({ kind }) => kind === 'event')).toHaveLength(acknowledged);
      }
      await store.remove();
    },
  );
});
